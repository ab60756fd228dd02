import { randomBytes } from 'node:crypto';
import { GatewayError, type LogEntry, type Store, type StoreEntry, type StoreOperation } from '@signalbox/core';
import { checkOperations, closed } from '../store/checks.ts';
import { keyIdOf, seal, unseal, type DataKey } from './envelope.ts';
import { KEYS, type Keyring } from './keyring.ts';

const ENTRY_ID_BYTES = 16;

export interface SealedStoreOptions {
  /** Whether what is in a collection or log is encrypted. Must stay the same for what is there already. */
  readonly isSealed: (collectionOrLog: string) => boolean;
}

export interface SealedStore extends Store {
  /** The store in which everything lies, sealed. */
  readonly below: Store;
}

/** The store in which everything lies as it is kept. What is taken from there stays sealed. */
export function belowOf(store: Store): Store {
  return 'below' in store ? (store as SealedStore).below : store;
}

/**
 * A store whose marked values are encrypted; names and keys are not. A value opens only under the collection and key it was
 * put. An entry of a log is bound to its log and to a random id in front of it, because its sequence is not known before
 * it is committed: who can write to the store below might change the order of entries, but an entry that stands twice in
 * what is read at once is refused. Values may be 57 bytes smaller than elsewhere. Closing it closes the store below.
 * @throws GatewayError `INTERNAL`, from reading, for a value that was changed, moved, or never sealed.
 */
export function createSealedStore(store: Store, keyring: Keyring, { isSealed }: SealedStoreOptions): SealedStore {
  const keyOf = async (sealed: Buffer): Promise<Buffer | undefined> => {
    const id = keyIdOf(sealed);
    return id && keyring.find(id);
  };
  const openEntry = async (collection: string, entry: StoreEntry): Promise<StoreEntry> => {
    if (!isSealed(collection)) return entry;
    const key = await keyOf(entry.value);
    const value = key && unseal(entry.value, { key, place: ['entry', collection, entry.key] });
    if (value === undefined) throw broken(`"${entry.key}" in "${collection}"`);
    return { ...entry, value };
  };
  const openLogEntry = async (log: string, { sequence, value }: LogEntry, seen: Set<string>): Promise<LogEntry> => {
    const id = value.subarray(0, ENTRY_ID_BYTES).toString('hex');
    const sealed = value.subarray(ENTRY_ID_BYTES);
    const key = seen.has(id) ? undefined : await keyOf(sealed);
    const opened = key && unseal(sealed, { key, place: ['log', log, id] });
    if (opened === undefined) throw broken(`entry ${sequence} of the log "${log}"`);
    seen.add(id);
    return { sequence, value: opened };
  };

  const commitSealed = async (operations: readonly StoreOperation[], messages: number): Promise<readonly number[]> => {
    const key = await keyring.take(messages);
    return store.commit(operations.map((operation) => sealOperation(operation, { key, isSealed })));
  };
  // A commit may still wait for its key when the store is closed.
  const under = new Set<Promise<unknown>>();
  let isClosed = false;

  return {
    kind: store.kind,
    below: store,
    get: async (collection, key) => {
      refuseKeys(collection);
      const entry = await store.get(collection, key);
      return entry && openEntry(collection, entry);
    },
    list: async (collection, options) => {
      refuseKeys(collection);
      const entries = await store.list(collection, options);
      return Promise.all(entries.map((entry) => openEntry(collection, entry)));
    },
    read: async (log, options) => {
      const entries = await store.read(log, options);
      if (!isSealed(log)) return entries;
      const seen = new Set<string>();
      const opened: LogEntry[] = [];
      for (const entry of entries) opened.push(await openLogEntry(log, entry, seen));
      return opened;
    },
    span: (log) => store.span(log),
    commit: async (operations) => {
      if (isClosed) throw closed(store.kind);
      checkOperations(operations);
      for (const operation of operations) if ('collection' in operation) refuseKeys(operation.collection);
      const messages = countMessages(operations, isSealed);
      const done = messages === 0 ? store.commit(operations) : commitSealed(operations, messages);
      under.add(done);
      try {
        return await done;
      } finally {
        under.delete(done);
      }
    },
    names: async () => {
      const { collections, logs } = await store.names();
      return { collections: collections.filter((name) => name !== KEYS), logs };
    },
    watch: (listener) =>
      store.watch(({ collections, logs }) => {
        const others = new Set([...collections].filter((name) => name !== KEYS));
        if (others.size + logs.size > 0) listener({ collections: others, logs });
      }),
    health: () => store.health(),
    close: async () => {
      isClosed = true;
      await Promise.allSettled(under);
      await store.close();
    },
  };
}

function sealOperation(operation: StoreOperation, { key, isSealed }: { key: DataKey } & SealedStoreOptions): StoreOperation {
  if (operation.kind === 'put' && isSealed(operation.collection))
    return { ...operation, value: seal(operation.value, { ...key, place: ['entry', operation.collection, operation.key] }) };
  if (operation.kind === 'append' && isSealed(operation.log))
    return { ...operation, values: operation.values.map((value) => sealLogValue(value, { key, log: operation.log })) };
  return operation;
}

function sealLogValue(value: Buffer, { key, log }: { readonly key: DataKey; readonly log: string }): Buffer {
  const id = randomBytes(ENTRY_ID_BYTES);
  return Buffer.concat([id, seal(value, { ...key, place: ['log', log, id.toString('hex')] })]);
}

function countMessages(operations: readonly StoreOperation[], isSealed: SealedStoreOptions['isSealed']): number {
  let count = 0;
  for (const operation of operations) {
    if (operation.kind === 'put' && isSealed(operation.collection)) count += 1;
    if (operation.kind === 'append' && isSealed(operation.log)) count += operation.values.length;
  }
  return count;
}

function refuseKeys(collection: string): void {
  if (collection === KEYS)
    throw new GatewayError('INTERNAL', `Cannot use the collection "${KEYS}" of a sealed store: its own keys lie there`);
}

function broken(what: string): GatewayError {
  return new GatewayError(
    'INTERNAL',
    `Cannot open ${what}: it was changed or moved since it was sealed, or never sealed; restore it from a backup, or delete it`,
  );
}
