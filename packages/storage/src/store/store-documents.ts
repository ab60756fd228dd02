import type { DocumentStore, Store } from '@signalbox/core';
import { checkKey, toDocumentText } from '../document.ts';

/**
 * Documents in a collection of a store. One that is no JSON reads as `undefined`; a store that is away fails, so that
 * nobody takes what cannot be read for what is not there and writes over it.
 */
export function createStoreDocuments(store: Store, collection: string): DocumentStore {
  return {
    read: async (key) => {
      checkKey(key);
      const entry = await store.get(collection, key);
      if (entry === undefined) return undefined;
      try {
        return JSON.parse(entry.value.toString()) as unknown;
      } catch {
        return undefined;
      }
    },
    write: async (key, document) => {
      checkKey(key);
      await store.commit([{ kind: 'put', collection, key, value: Buffer.from(toDocumentText(key, document)) }]);
    },
    remove: async (key) => {
      checkKey(key);
      await store.commit([{ kind: 'delete', collection, key }]);
    },
  };
}
