import type { DocumentStore } from '@signalbox/core';
import { checkKey, toDocumentText } from './document.ts';

/** Documents that live as long as the process. They are copied in and out, as a file would do. */
export function createMemoryDocuments(): DocumentStore {
  const texts = new Map<string, string>();
  return {
    read: async (key) => {
      checkKey(key);
      const text = texts.get(key);
      return text === undefined ? undefined : (JSON.parse(text) as unknown);
    },
    write: async (key, document) => {
      checkKey(key);
      texts.set(key, toDocumentText(key, document));
    },
    remove: async (key) => {
      checkKey(key);
      texts.delete(key);
    },
  };
}
