import { createHash } from 'node:crypto';
import { toMessage, type Logger, type Store, type StoreOperation } from '@signalbox/core';

/** Vectors of tools that outlive the process, by what they were made of. */
export interface VectorStore {
  /** Those that are kept, by text. Never rejects. */
  load(texts: readonly string[]): Promise<ReadonlyMap<string, Float32Array>>;
  /** Never rejects: what cannot be kept is asked for again after a restart. */
  save(vectors: ReadonlyMap<string, Float32Array>, isWanted: (key: string) => boolean): Promise<void>;
  keyOf(text: string): string;
}

export interface VectorStoreOptions {
  readonly store: Store;
  readonly model: string;
  readonly dimensions?: number | undefined;
  readonly logger: Logger;
  readonly maxKept?: number;
}

const COLLECTION = 'tool-vectors';
const MAX_KEPT = 20_000;
const AT_ONCE = 64;
const PAGE = 500;
const BYTES = Float32Array.BYTES_PER_ELEMENT;

export function createVectorStore({ store, model, dimensions, logger, maxKept = MAX_KEPT }: VectorStoreOptions): VectorStore {
  const keyOf = (text: string): string =>
    createHash('sha256')
      .update(JSON.stringify([model, dimensions ?? 0, text]))
      .digest('hex');
  let kept: Set<string> | undefined;
  let isTold = false;
  const tell = (what: string, error: unknown): void => {
    if (!isTold) logger.warn(`cannot ${what}; later failures are not logged`, { error: toMessage(error) });
    isTold = true;
  };
  const loadOne = async (text: string): Promise<Float32Array | undefined> => {
    try {
      const entry = await store.get(COLLECTION, keyOf(text));
      return entry && fromBytes(entry.value);
    } catch (error) {
      tell('read the vectors of tools', error);
      return undefined;
    }
  };
  const listKept = async (): Promise<Set<string>> => {
    const keys = new Set<string>();
    for (let after: string | undefined; ;) {
      const page = await store.list(COLLECTION, { limit: PAGE, after });
      for (const { key } of page) keys.add(key);
      if (page.length < PAGE) return keys;
      after = page.at(-1)!.key;
    }
  };
  return {
    keyOf,
    load: async (texts) => {
      const found = new Map<string, Float32Array>();
      for (let start = 0; start < texts.length; start += AT_ONCE) {
        const part = texts.slice(start, start + AT_ONCE);
        for (const [index, vector] of (await Promise.all(part.map(loadOne))).entries())
          if (vector !== undefined) found.set(part[index]!, vector);
      }
      return found;
    },
    save: async (vectors, isWanted) => {
      try {
        const puts = [...vectors].map(([text, vector]): StoreOperation & { kind: 'put' } => ({
          kind: 'put',
          collection: COLLECTION,
          key: keyOf(text),
          value: toBytes(vector),
        }));
        kept ??= await listKept();
        for (const { key } of puts) kept.add(key);
        const spare = [...kept].filter((key) => !isWanted(key)).slice(0, Math.max(0, kept.size - maxKept));
        await store.commit([...puts, ...spare.map((key) => ({ kind: 'delete', collection: COLLECTION, key }) as const)]);
        for (const key of spare) kept.delete(key);
      } catch (error) {
        kept = undefined;
        tell('keep the vectors of tools', error);
      }
    },
  };
}

// Little-endian, so that a store can move to another machine.
function toBytes(vector: Float32Array): Buffer {
  const bytes = Buffer.alloc(vector.length * BYTES);
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * BYTES);
  return bytes;
}

function fromBytes(bytes: Buffer): Float32Array | undefined {
  if (bytes.length === 0 || bytes.length % BYTES !== 0) return undefined;
  const vector = Float32Array.from({ length: bytes.length / BYTES }, (_, index) => bytes.readFloatLE(index * BYTES));
  return vector.every((value) => Number.isFinite(value)) ? vector : undefined;
}
