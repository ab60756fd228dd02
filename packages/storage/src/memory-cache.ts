import type { Cache, Clock } from '@signalbox/core';
import { LRUCache } from 'lru-cache';

export interface MemoryCacheOptions {
  /** Bound of the sum of all entries, by the sizes their writers state. */
  readonly maxBytes: number;
  readonly clock: Clock;
}

export interface MemoryCache<Value> extends Cache<Value> {
  /** Entries held, expired ones that nobody has asked for included. */
  readonly size: number;
  readonly bytes: number;
}

interface Entry<Value> {
  readonly value: Value;
  readonly expiresAt: number;
}

/**
 * A cache within the process: bounded in bytes, the entry unused for longest goes first.
 * An entry larger than the whole cache, or one without time to live, is not kept and takes the place of its key all the same.
 */
export function createMemoryCache<Value>({ maxBytes, clock }: MemoryCacheOptions): MemoryCache<Value> {
  const entries = new LRUCache<string, Entry<Value>>({ maxSize: maxBytes });
  return {
    get size() {
      return entries.size;
    },
    get bytes() {
      return entries.calculatedSize;
    },
    get: (key) => {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      if (clock.monotonic() < entry.expiresAt) return entry.value;
      entries.delete(key);
      return undefined;
    },
    set: (key, value, { ttlMs, bytes }) => {
      // Deleted first: the library would keep the old entry when the new one is too large.
      entries.delete(key);
      if (ttlMs <= 0 || bytes > maxBytes) return;
      // The library accepts whole sizes above zero only.
      entries.set(key, { value, expiresAt: clock.monotonic() + ttlMs }, { size: Math.max(1, Math.ceil(bytes)) });
    },
    delete: (key) => {
      entries.delete(key);
    },
    clear: () => entries.clear(),
  };
}
