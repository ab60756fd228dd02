import { randomBytes } from 'node:crypto';
import { GatewayError, type Clock, type Store, type StoreEntry } from '@signalbox/core';
import { KEY_BYTES, KEY_ID_BYTES, type DataKey } from './envelope.ts';
import { createMasterKeys } from './master-keys.ts';

/** Where the data keys lie, each wrapped under a master key. */
export const KEYS = 'keys';
/** How long a data key seals new values. */
const LIFETIME_MS = 90 * 24 * 60 * 60 * 1000;
/** How many values one data key may seal: half of what its random nonces allow. */
const MAX_MESSAGES = 2 ** 31;
/** Processes take shares of that, so that they need not count together. */
const SHARE = 2 ** 20;

export interface KeyringOptions {
  readonly store: Store;
  /** 32 bytes. */
  readonly master: Buffer;
  /** Master keys used before. What they protect is put under `master` now, after which they are not needed. */
  readonly previous?: readonly Buffer[] | undefined;
  readonly clock: Clock;
}

export interface Keyring {
  /** What the master key is known by. */
  readonly fingerprint: string;
  /** The key to seal so many values with. */
  take(messages: number): Promise<DataKey>;
  /** The key with an id, or `undefined` when there is none. */
  find(id: Buffer): Promise<Buffer | undefined>;
}

/** As it is kept, as JSON, under the id of the key. */
interface KeptKey {
  readonly createdAt: number;
  /** How many values were shared out to processes so far. */
  readonly used: number;
  /** Fingerprint of the master key it is wrapped under. */
  readonly by: string;
  readonly wrapped: string;
}

/**
 * The keys values are encrypted with. They are made when needed, replaced after 90 days or 2^31 values, and kept wrapped
 * under the master key; older ones go on opening what they have sealed. Several processes may have rings of one store.
 * @throws GatewayError `INVALID_CONFIG` when the master key is not the one.
 */
export async function createKeyring({ store, master, previous = [], clock }: KeyringOptions): Promise<Keyring> {
  const masters = createMasterKeys(master, previous);
  const keys = new Map<string, Buffer>();
  let current: { readonly key: DataKey; readonly until: number; left: number } | undefined;
  let renewing: Promise<void> | undefined;

  const open = (id: string, { by, wrapped }: KeptKey): Buffer => {
    const key = keys.get(id) ?? masters.unwrap(Buffer.from(wrapped, 'base64'), { id, by });
    keys.set(id, key);
    return key;
  };
  /** Puts a key under the master key of today. Whoever else does the same writes the same. */
  const rewrap = async (entry: StoreEntry): Promise<void> => {
    const kept = parse(entry);
    const key = open(entry.key, kept);
    if (kept.by === masters.current) return;
    const next = { ...kept, by: masters.current, wrapped: masters.wrap(key, entry.key).toString('base64') };
    if (await replace(store, entry, next)) return;
    const newer = await store.get(KEYS, entry.key);
    if (newer !== undefined) await rewrap(newer);
  };
  const list = async (): Promise<readonly StoreEntry[]> => {
    const entries: StoreEntry[] = [];
    for (;;) {
      const page = await store.list(KEYS, { after: entries.at(-1)?.key });
      if (page.length === 0) return entries;
      entries.push(...page);
    }
  };
  const add = async (): Promise<void> => {
    const [id, key] = [randomBytes(KEY_ID_BYTES).toString('hex'), randomBytes(KEY_BYTES)];
    const kept: KeptKey = { createdAt: clock.now(), used: 0, by: masters.current, wrapped: masters.wrap(key, id).toString('base64') };
    await store.commit([{ kind: 'put', collection: KEYS, key: id, value: toValue(kept), ifVersion: 0 }]);
  };
  const renew = async (messages: number): Promise<void> => {
    const share = Math.max(SHARE, messages);
    for (;;) {
      const now = clock.now();
      const usable = (await list())
        .map((entry) => ({ entry, kept: parse(entry) }))
        .filter(({ kept }) => kept.used + share <= MAX_MESSAGES && now < kept.createdAt + LIFETIME_MS)
        .toSorted((left, right) => right.kept.createdAt - left.kept.createdAt);
      const newest = usable[0];
      if (newest === undefined) await add();
      else if (await replace(store, newest.entry, { ...newest.kept, used: newest.kept.used + share })) {
        const id = newest.entry.key;
        const key = { id: Buffer.from(id, 'hex'), key: open(id, newest.kept) };
        current = { key, until: newest.kept.createdAt + LIFETIME_MS, left: share };
        return;
      }
    }
  };

  for (const entry of await list()) await rewrap(entry);

  return {
    fingerprint: masters.current,
    take: async (messages) => {
      for (;;) {
        if (current !== undefined && current.left >= messages && clock.now() < current.until) {
          current.left -= messages;
          return current.key;
        }
        renewing ??= renew(messages).finally(() => {
          renewing = undefined;
        });
        await renewing;
      }
    },
    find: async (id) => {
      const name = id.toString('hex');
      const known = keys.get(name);
      if (known !== undefined) return known;
      // Another process may have made it meanwhile.
      const entry = await store.get(KEYS, name);
      return entry && open(name, parse(entry));
    },
  };
}

async function replace(store: Store, { key, version }: StoreEntry, kept: KeptKey): Promise<boolean> {
  try {
    await store.commit([{ kind: 'put', collection: KEYS, key, value: toValue(kept), ifVersion: version }]);
    return true;
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'STALE') return false;
    throw error;
  }
}

function parse({ key, value }: StoreEntry): KeptKey {
  try {
    return JSON.parse(value.toString()) as KeptKey;
  } catch (cause) {
    throw new GatewayError('INVALID_CONFIG', `Cannot open the sealed store: its key "${key}" is damaged`, { cause });
  }
}

function toValue(kept: KeptKey): Buffer {
  return Buffer.from(JSON.stringify(kept));
}
