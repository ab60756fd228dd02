import fc from 'fast-check';
import { expect, test } from 'vitest';
import { clausesOf } from './clauses.ts';
import { readRun, runsOf } from './words.ts';

const requests = (need: string) => clausesOf(need).filter(({ isRequest }) => isRequest).length;

test('each sentence that asks for something is a request of its own', () => {
  expect(requests('Book a cheap flight to Rome. Then mail the ticket to my boss!')).toBe(2);
  expect(requests('Hello there. Book a cheap flight to Rome. Thanks!')).toBe(1);
  expect(requests('read file.txt in the folder docs v2.0 and say what it holds')).toBe(1);
  expect(requests('')).toBe(0);
});

test('no word of a need is lost, however long it is', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('book', 'a', 'flight', 'to Rome', '.', '. ', '!\n', '? ', '日本語', '🙂'), { maxLength: 120 }),
      (parts) => {
        const need = parts.join(' ');
        const words = (runs: readonly { readonly words: readonly string[] }[]) => runs.flatMap((run) => run.words).toSorted();
        expect(words(clausesOf(need).flatMap(({ runs }) => runs))).toEqual(words(runsOf(need).map(readRun)));
        expect(clausesOf(need).length).toBeLessThanOrEqual(9);
      },
    ),
  );
});
