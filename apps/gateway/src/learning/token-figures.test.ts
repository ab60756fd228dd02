import { silentLogger, systemClock, type DocumentStore } from '@signalbox/core';
import { createMemoryDocuments } from '@signalbox/storage';
import { expect, test, vi } from 'vitest';
import { createCountedTokens } from './token-figures.ts';

const PATIENT = { timeout: 20_000, interval: 20 };
const open = (documents: DocumentStore) => createCountedTokens({ documents, clock: systemClock, logger: silentLogger });

test('texts are counted behind everybody’s back, and known after a restart', async () => {
  const documents = createMemoryDocuments();
  const first = await open(documents);
  expect(first.tokensOf('hello world')).toBeUndefined();
  first.setTexts(['hello world', 'x'.repeat(300_000)]);
  expect(first.tokensOf('hello world')).toBeUndefined();
  await vi.waitFor(() => expect(first.tokensOf('hello world')).toBe(2), PATIENT);
  // While it counts, others come.
  first.setTexts(['hello world', 'one two three', ...Array.from({ length: 120 }, (_, index) => `text ${index}`)]);
  await vi.waitFor(() => expect([first.tokensOf('one two three'), first.tokensOf('text 119')]).toEqual([3, 3]), PATIENT);
  expect(first.tokensOf('x'.repeat(300_000))).toBeUndefined();
  await vi.waitFor(async () => expect(Object.keys((await documents.read('token-figures')) as object)).toHaveLength(122), PATIENT);
  await first.close();
  const second = await open(documents);
  expect([second.tokensOf('hello world'), second.tokensOf('text 7'), second.tokensOf('text 120')]).toEqual([2, 3, undefined]);
  await second.close();
});

test('a document that makes no sense is left aside, and closing ends what is under way', async () => {
  const documents = createMemoryDocuments();
  await documents.write('token-figures', { a: 'many', b: -1 });
  const figures = await open(documents);
  figures.setTexts(['hello world']);
  await figures.close();
  expect(figures.tokensOf('hello world')).toBeUndefined();
});
