import type { StoreOperation } from '@signalbox/core';
import type { LearningStore } from '../learner/remote-store.ts';
import { PREFIX } from './collections.ts';

/**
 * A part of a store that several gateways share, for one of them: whatever learning keeps has the name of the gateway in its own.
 * @param scope The gateway; `undefined` where the store is one gateway's alone.
 */
export function scopeStore(store: LearningStore, scope: string | undefined): LearningStore {
  if (scope === undefined) return store;
  const toOwn = (name: string): string => `${PREFIX}${scope}.${name.slice(PREFIX.length)}`;
  const scoped = (operation: StoreOperation): StoreOperation =>
    'collection' in operation ? { ...operation, collection: toOwn(operation.collection) } : { ...operation, log: toOwn(operation.log) };
  return {
    get: (collection, key) => store.get(toOwn(collection), key),
    list: (collection, options) => store.list(toOwn(collection), options),
    read: (log, options) => store.read(toOwn(log), options),
    span: (log) => store.span(toOwn(log)),
    commit: (operations) => store.commit(operations.map(scoped)),
  };
}
