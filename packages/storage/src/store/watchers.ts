import type { StoreChange, StoreOperation } from '@signalbox/core';

type Listener = (change: StoreChange) => void;

export interface Watchers {
  add(listener: Listener): () => void;
  /** Tells everyone what a commit of this process has changed, once its caller has gone on. */
  tell(operations: readonly StoreOperation[]): void;
  /** Tells everyone what others have changed. */
  pass(change: { readonly collections?: Iterable<string>; readonly logs?: Iterable<string> }): void;
  /** Tells everyone that anything may have changed: what there is now, and what was told of before, which may be gone. */
  passAll(present: { readonly collections: readonly string[]; readonly logs: readonly string[] }): void;
  readonly size: number;
}

/** Those who want to hear of changes. Changes that come close together are told of once. */
export function createWatchers(): Watchers {
  const listeners = new Set<Listener>();
  const known = { collections: new Set<string>(), logs: new Set<string>() };
  let waiting: { readonly collections: Set<string>; readonly logs: Set<string> } | undefined;
  const flush = (): void => {
    const change = waiting!;
    waiting = undefined;
    for (const listener of listeners) listener(change);
  };
  const pass: Watchers['pass'] = ({ collections = [], logs = [] }) => {
    const names = { collections: [...collections], logs: [...logs] };
    if (listeners.size === 0 || names.collections.length + names.logs.length === 0) return;
    if (waiting === undefined) {
      waiting = { collections: new Set(), logs: new Set() };
      setImmediate(flush);
    }
    for (const group of ['collections', 'logs'] as const)
      for (const name of names[group]) {
        waiting[group].add(name);
        known[group].add(name);
      }
  };
  return {
    get size() {
      return listeners.size;
    },
    add: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    pass,
    passAll: ({ collections, logs }) => pass({ collections: [...collections, ...known.collections], logs: [...logs, ...known.logs] }),
    tell: (operations) => {
      if (listeners.size === 0) return;
      pass({
        collections: operations.flatMap((operation) => ('collection' in operation ? [operation.collection] : [])),
        logs: operations.flatMap((operation) => ('log' in operation ? [operation.log] : [])),
      });
    },
  };
}
