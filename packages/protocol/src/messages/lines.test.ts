import fc from 'fast-check';
import { expect, test } from 'vitest';
import { splits } from '../testing/splits.ts';
import { LineDecoder } from './lines.ts';

function decode(chunks: readonly Buffer[], maxBytes = 1000): string[] {
  const lines: string[] = [];
  const decoder = new LineDecoder({ maxBytes, onLine: (line) => lines.push(line.toString('utf8')) });
  for (const chunk of chunks) decoder.push(chunk);
  return lines;
}

test('any split of a stream decodes to the same lines', () => {
  const text = fc.array(fc.oneof(fc.string({ unit: 'binary', maxLength: 20 }), fc.constantFrom('\n', '\r\n', '\r', '')), { maxLength: 20 });
  fc.assert(
    fc.property(splits(text.map((parts) => Buffer.from(parts.join('')))), ({ whole, chunks }) => {
      const expected = whole
        .toString('utf8')
        .split('\n')
        .slice(0, -1)
        .map((line) => line.replace(/\r$/, ''))
        .filter((line) => line !== '');
      expect(decode(chunks)).toEqual(expected);
    }),
  );
});

const longLines = (min: number, max: number) => splits(fc.integer({ min, max }).map((length) => Buffer.from(`${'x'.repeat(length)}\n`)));

test('a line may be as long as the bound, however it arrives', () => {
  fc.assert(
    fc.property(longLines(1, 30), ({ whole, chunks }) => {
      expect(decode(chunks, 30)).toEqual([whole.toString('utf8').trim()]);
    }),
  );
});

test('a line longer than the bound is refused, however it arrives', () => {
  fc.assert(
    fc.property(longLines(31, 60), ({ chunks }) => {
      expect(() => decode(chunks, 30)).toThrow(/more than 30 bytes/);
    }),
  );
});
