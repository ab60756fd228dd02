import { describe, expect, test } from 'vitest';
import { createMemoryStore } from './memory-store.ts';
import { createStoreDocuments } from './store-documents.ts';
import { createStoreLines } from './store-lines.ts';

describe('documents in a store', () => {
  test('are written, replaced and removed', async () => {
    const documents = createStoreDocuments(createMemoryStore(), 'documents');
    expect(await documents.read('a')).toBeUndefined();
    await documents.write('a', { one: 1 });
    await documents.write('a', { two: 2 });
    expect(await documents.read('a')).toEqual({ two: 2 });
    await documents.remove('a');
    expect(await documents.read('a')).toBeUndefined();
  });

  test('that are no JSON read as nothing', async () => {
    const store = createMemoryStore();
    await store.commit([{ kind: 'put', collection: 'documents', key: 'a', value: Buffer.from('{') }]);
    expect(await createStoreDocuments(store, 'documents').read('a')).toBeUndefined();
  });
});

describe('lines in a store', () => {
  test('are read in their order, also by the next who comes', async () => {
    const store = createMemoryStore();
    const lines = createStoreLines(store, 'lines');
    await Promise.all(['a', '', 'c'].map((line) => lines.append(line)));
    expect(await createStoreLines(store, 'lines').read()).toEqual(['a', '', 'c']);
  });

  test('make way for others, and what is appended later stands behind', async () => {
    const store = createMemoryStore();
    await createStoreLines(store, 'lines').append('old');
    const lines = createStoreLines(store, 'lines');
    await lines.read();
    const under = lines.append('a');
    const replaced = lines.replace(['x', 'y']);
    const later = lines.append('z');
    await Promise.all([under, replaced, later]);
    expect(await lines.read()).toEqual(['x', 'y', 'z']);
    await lines.replace([]);
    expect(await lines.read()).toEqual([]);
  });

  test('of another process outlive a replacement', async () => {
    const store = createMemoryStore();
    const [one, other] = [createStoreLines(store, 'lines'), createStoreLines(store, 'lines')];
    await one.append('mine');
    await other.append('theirs');
    await one.append('mine too');
    await one.replace(['short']);
    expect(await one.read()).toEqual(['short', 'theirs']);
  });
});
