import { expect, test } from 'vitest';
import { createMemoryDocuments } from './memory-documents.ts';

test('a document is kept as it was when it was written', async () => {
  const documents = createMemoryDocuments();
  const document = { list: ['a'] };
  await documents.write('names', document);
  document.list.push('b');
  expect(await documents.read('names')).toEqual({ list: ['a'] });
  await documents.remove('names');
  expect(await documents.read('names')).toBeUndefined();
});

test('it refuses what the file store refuses', async () => {
  const documents = createMemoryDocuments();
  await expect(documents.write('../up', {})).rejects.toMatchObject({ code: 'INTERNAL' });
  await expect(documents.write('names', undefined)).rejects.toMatchObject({ code: 'INTERNAL' });
});
