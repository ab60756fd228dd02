import { GatewayError, type Store, type StoreOperation } from '@signalbox/core';
import { belowOf } from '../sealed/sealed-store.ts';
import { readExport, type ExportLine, type ExportSummary } from './export-format.ts';

/** Where a store says that an import into it has not come to its end. */
export const IMPORTS = 'imports';
const UNFINISHED = 'unfinished';

const GROUP = 1000;
const GROUP_BYTES = 4 * 1024 * 1024;

export interface ImportOptions {
  /** Forgets what the store holds. Without it only an empty store is taken. */
  readonly replace?: boolean | undefined;
}

/**
 * Puts an export into a store. The export is read twice: first to the end, to see that not a byte of it was changed, and only
 * then is the store touched. An import that breaks off leaves a mark; the next one has to replace what it left.
 * What is sealed has its keys in the export: a keyring of the store that was made before has to be made again.
 * @param input Begins the export anew at each call.
 * @throws GatewayError `INVALID_REQUEST` when the export cannot be relied upon; `CONFLICT` when the store is not empty.
 */
export async function importStore(
  target: Store,
  input: () => AsyncIterable<Uint8Array>,
  { replace = false }: ImportOptions = {},
): Promise<ExportSummary> {
  const store = belowOf(target);
  const verified = await verifyExport(input());
  if (replace) await clear(store);
  else await requireEmpty(store);
  await store.commit([{ kind: 'put', collection: IMPORTS, key: UNFINISHED, value: Buffer.from(verified.sha256) }]);
  await fill(store, readExport(input()));
  await store.commit([{ kind: 'delete', collection: IMPORTS, key: UNFINISHED }]);
  return verified;
}

/** Reads an export to its end. @throws GatewayError `INVALID_REQUEST` when it was changed or cut off. */
export async function verifyExport(chunks: AsyncIterable<Uint8Array>): Promise<ExportSummary> {
  const lines = readExport(chunks);
  for (;;) {
    const step = await lines.next();
    if (step.done === true) return step.value;
  }
}

async function requireEmpty(store: Store): Promise<void> {
  const { collections, logs } = await store.names();
  if (collections.length + logs.length === 0) return;
  const isUnfinished = (await store.get(IMPORTS, UNFINISHED)) !== undefined;
  throw new GatewayError(
    'CONFLICT',
    isUnfinished
      ? 'Cannot import into a store that an import has left half-filled: it has to replace what is there'
      : 'Cannot import into a store that is not empty: it would have to replace what is there',
  );
}

async function clear(store: Store): Promise<void> {
  // A store that is left half-cleared must not look like one that is whole.
  await store.commit([{ kind: 'put', collection: IMPORTS, key: UNFINISHED, value: Buffer.alloc(0) }]);
  const { collections, logs } = await store.names();
  for (const log of logs) await store.commit([{ kind: 'forget', log }]);
  for (const collection of collections.filter((name) => name !== IMPORTS)) {
    for (;;) {
      const page = await store.list(collection, { limit: 100 });
      if (page.length === 0) break;
      await store.commit(page.map(({ key }) => ({ kind: 'delete', collection, key })));
    }
  }
}

async function fill(store: Store, lines: AsyncIterable<ExportLine>): Promise<void> {
  let group: StoreOperation[] = [];
  let bytes = 0;
  for await (const line of lines) {
    group.push(...toOperations(line));
    bytes += sizeOf(line);
    if (group.length < GROUP && bytes < GROUP_BYTES) continue;
    await store.commit(group);
    [group, bytes] = [[], 0];
  }
  await store.commit(group);
}

function toOperations(line: ExportLine): readonly StoreOperation[] {
  if ('entry' in line) {
    const [collection, key, value] = line.entry;
    // The mark of a store that was exported while it was half-filled says nothing of this one.
    return collection === IMPORTS ? [] : [{ kind: 'put', collection, key, value: Buffer.from(value, 'base64') }];
  }
  if ('append' in line) {
    const [log, sequence, value] = line.append;
    return [{ kind: 'append', log, values: [Buffer.from(value, 'base64')], ifNext: sequence }];
  }
  if (!('log' in line)) return [];
  const [log, first, last] = line.log;
  // A log whose entries are all gone still knows what comes next.
  if (first <= last) return [];
  return [
    { kind: 'append', log, values: [Buffer.alloc(0)], ifNext: last },
    { kind: 'trim', log, before: first },
  ];
}

function sizeOf(line: ExportLine): number {
  if ('entry' in line) return line.entry[2].length;
  return 'append' in line ? line.append[2].length : 0;
}
