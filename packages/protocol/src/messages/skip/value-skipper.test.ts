import fc from 'fast-check';
import { expect, test } from 'vitest';
import { splits } from '../../testing/splits.ts';
import { ValueSkipper } from './value-skipper.ts';

/** Text made of what decides where a value ends, long enough for every way of looking. */
const structural = fc
  .array(
    fc.tuple(fc.constantFrom('"', '\\', '\\\\', '{', '}', '[', ']', ':', 'x', 'é', '"}', '\\"', '{"a":"'), fc.integer({ min: 1, max: 80 })),
    { maxLength: 60 },
  )
  .map((runs) => runs.map(([text, count]) => text.repeat(count)).join(''));

const values = fc
  .tuple(
    fc.oneof(fc.jsonValue({ maxDepth: 5 }), structural, fc.array(structural), fc.dictionary(structural, fc.array(structural))),
    fc.constantFrom(undefined, 1, '\t'),
  )
  .map(([value, space]) => JSON.stringify(value, undefined, space));

/** Where the value ends, read byte by byte. A backslash takes its meaning from the quote behind it, wherever it stands. */
function endOf(text: Buffer): number {
  let depth = 0;
  let isInString = false;
  let backslashes = 0;
  for (const [at, byte] of text.entries()) {
    const char = String.fromCharCode(byte);
    if (char === '"' && backslashes % 2 === 0) isInString = !isInString;
    backslashes = char === '\\' ? backslashes + 1 : 0;
    if (!isInString && '[{'.includes(char)) depth++;
    if (!isInString && ']}'.includes(char)) depth--;
    if (depth === 0 && !isInString && '"]}'.includes(char)) return at + 1;
  }
  return -1;
}

function skipIn(chunks: readonly Buffer[]): number {
  const skipper = new ValueSkipper();
  let before = 0;
  for (const chunk of chunks) {
    const end = skipper.push(Buffer.concat([Buffer.from('[{"'), chunk, Buffer.from('"}]')]), 3, 3 + chunk.length);
    if (end >= 0) return before + end - 3;
    before += chunk.length;
  }
  return -1;
}

test('a value ends where it ends, however it is cut', () => {
  const texts = splits(values.map((value) => Buffer.from(`${value},"after":[{}]}`)));
  fc.assert(
    fc.property(texts, ({ whole, chunks }) => {
      expect(skipIn(chunks)).toBe(whole.length - ',"after":[{}]}'.length);
    }),
    { numRuns: 1_000 },
  );
});

test('text that is no JSON ends where a reader of single bytes ends it', () => {
  const texts = splits(fc.tuple(fc.constantFrom('"', '{', '['), structural).map(([first, rest]) => Buffer.from(first + rest)));
  fc.assert(
    fc.property(texts, ({ whole, chunks }) => {
      expect(skipIn(chunks)).toBe(endOf(whole));
    }),
    { numRuns: 1_000 },
  );
});

test('runs of backslashes of every length and at every place escape what they should', () => {
  for (let before = 0; before < 140; before++) {
    for (let run = 0; run < 70; run++) {
      const text = Buffer.from(`"${'x'.repeat(200 + before)}${'\\'.repeat(run)}"${'y'.repeat(80)}",`);
      const end = 202 + before + run + (run % 2 === 0 ? 0 : 81);
      expect(new ValueSkipper().push(text, 0, text.length)).toBe(end);
    }
  }
});

test('a value that never ends is not taken for one that does', () => {
  for (const text of ['"', '"\\"', '{', '[{}', '12', `["${'a'.repeat(100_000)}`, '['.repeat(200_000)]) {
    expect(new ValueSkipper().push(Buffer.from(text), 0, Buffer.byteLength(text)), text.slice(0, 20)).toBe(-1);
  }
});
