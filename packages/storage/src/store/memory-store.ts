import type { LogEntry, Store, StoreChange, StoreEntry, StoreOperation } from '@signalbox/core';
import { checkKey, checkName, checkOperations, closed, DEFAULT_LIMIT, stale } from './checks.ts';
import { keyRangeOf } from './key-range.ts';
import { createWatchers } from './watchers.ts';

interface Log {
  first: number;
  values: Buffer[];
}

/** A store that lasts as long as the process. Values are copied in and out, as a file would do. */
export function createMemoryStore(): Store {
  let collections = new Map<string, Map<string, StoreEntry>>();
  const logs = new Map<string, Log>();
  const watchers = createWatchers();
  // One count for all keys, so that no key ever repeats a version.
  let version = 0;
  let isClosed = false;

  const check = (): void => {
    if (isClosed) throw closed('memory');
  };
  const find = (collection: string, key: string): StoreEntry | undefined => collections.get(collection)?.get(key);
  const spanOf = (log: string) => {
    const { first, values } = logs.get(log) ?? { first: 1, values: [] };
    return { log, first, last: first + values.length - 1 };
  };
  const refuse = (operations: readonly StoreOperation[]): void => {
    const tentative = new Map<string, number>();
    for (const [index, operation] of operations.entries()) {
      if (operation.kind === 'put' || operation.kind === 'delete') {
        const place = `${operation.collection} ${operation.key}`;
        const found = tentative.get(place) ?? find(operation.collection, operation.key)?.version ?? 0;
        if (operation.ifVersion !== undefined && operation.ifVersion !== found) throw stale(operation, index, found || 0);
        tentative.set(place, operation.kind === 'put' ? Number.NaN : 0);
      } else if (operation.kind === 'append') {
        const place = `log ${operation.log}`;
        const next = tentative.get(place) ?? spanOf(operation.log).last + 1;
        if (operation.ifNext !== undefined && operation.ifNext !== next && next > 1) throw stale(operation, index, next);
        tentative.set(place, (operation.ifNext ?? next) + operation.values.length);
      } else if (operation.kind === 'forget') {
        tentative.set(`log ${operation.log}`, 1);
      }
    }
  };
  const apply = (operation: StoreOperation): number => {
    if (operation.kind === 'put') {
      const entries = collections.get(operation.collection) ?? new Map<string, StoreEntry>();
      collections.set(operation.collection, entries);
      version += 1;
      entries.set(operation.key, { key: operation.key, value: Buffer.from(operation.value), version });
      return version;
    }
    if (operation.kind === 'delete') {
      collections.get(operation.collection)?.delete(operation.key);
      return 0;
    }
    if (operation.kind === 'append') {
      const log = logs.get(operation.log) ?? { first: operation.ifNext ?? 1, values: [] };
      logs.set(operation.log, log);
      const sequence = log.first + log.values.length;
      for (const value of operation.values) log.values.push(Buffer.from(value));
      return sequence;
    }
    if (operation.kind === 'forget') {
      logs.delete(operation.log);
      return 0;
    }
    const log = logs.get(operation.log);
    if (log === undefined) return 0;
    const count = Math.min(Math.max(0, operation.before - log.first), log.values.length);
    log.values.splice(0, count);
    log.first += count;
    return 0;
  };

  return {
    kind: 'memory',
    get: async (collection, key) => {
      check();
      checkName(collection);
      checkKey(key);
      const entry = find(collection, key);
      return entry && copyOf(entry);
    },
    list: async (collection, { prefix = '', after, limit = DEFAULT_LIMIT } = {}) => {
      check();
      checkName(collection);
      keyRangeOf({ prefix, after });
      return [...(collections.get(collection)?.values() ?? [])]
        .filter(({ key }) => key.startsWith(prefix) && (after === undefined || compareKeys(key, after) > 0))
        .toSorted((left, right) => compareKeys(left.key, right.key))
        .slice(0, limit)
        .map(copyOf);
    },
    read: async (log, { from, limit = DEFAULT_LIMIT, newestFirst = false } = {}) => {
      check();
      checkName(log);
      const { first, values } = logs.get(log) ?? { first: 1, values: [] };
      const entryAt = (index: number): LogEntry => ({ sequence: first + index, value: Buffer.from(values[index]!) });
      const count = (available: number): number => Math.max(0, Math.min(limit, available));
      if (newestFirst) {
        const last = Math.min(values.length - 1, (from ?? Number.POSITIVE_INFINITY) - first);
        return Array.from({ length: count(last + 1) }, (_, age) => entryAt(last - age));
      }
      const start = Math.max(0, (from ?? first) - first);
      return Array.from({ length: count(values.length - start) }, (_, offset) => entryAt(start + offset));
    },
    span: async (log) => {
      check();
      checkName(log);
      return spanOf(log);
    },
    commit: async (operations) => {
      check();
      checkOperations(operations);
      refuse(operations);
      const results = operations.map(apply);
      watchers.tell(operations);
      return results;
    },
    names: async () => {
      check();
      const used = [...collections].filter(([, entries]) => entries.size > 0).map(([name]) => name);
      return { collections: used.toSorted(), logs: [...logs.keys()].toSorted() };
    },
    watch: (listener: (change: StoreChange) => void) => watchers.add(listener),
    health: () => ({ kind: 'memory', state: isClosed ? 'away' : 'ok', reason: isClosed ? 'it is closed' : undefined }),
    close: async () => {
      isClosed = true;
      collections = new Map();
      logs.clear();
    },
  };
}

function copyOf({ key, value, version }: StoreEntry): StoreEntry {
  return { key, value: Buffer.from(value), version };
}

// As every driver orders them: by the bytes of UTF-8, which is not how JavaScript compares texts.
function compareKeys(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}
