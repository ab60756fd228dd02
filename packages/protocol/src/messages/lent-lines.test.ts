import fc from 'fast-check';
import { expect, test } from 'vitest';
import { splits } from '../testing/splits.ts';
import { BLOCK_BYTES } from './blocks.ts';
import { LentLines } from './lent-lines.ts';

function split(chunks: readonly Buffer[], maxBytes = 1e7): string[] {
  const lines: string[] = [];
  const splitter = new LentLines({ maxBytes, onLine: (line) => lines.push(line.toString('latin1')) });
  for (const chunk of chunks) {
    const lent = Buffer.concat([Buffer.from('before\n'), chunk, Buffer.from('\nafter')]);
    splitter.push(lent.subarray(7, 7 + chunk.length));
    lent.fill(0);
  }
  return lines;
}

const part = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.constantFrom('\n', '\r\n', '\r', ''),
  fc.integer({ min: 0, max: 2 * BLOCK_BYTES }).map((length) => 'x'.repeat(length)),
);

test('any split of a stream gives the same lines, whatever becomes of what was lent', () => {
  fc.assert(
    fc.property(splits(fc.array(part, { maxLength: 12 }).map((parts) => Buffer.from(parts.join(''), 'latin1'))), ({ whole, chunks }) => {
      const wanted = whole
        .toString('latin1')
        .split('\n')
        .slice(0, -1)
        .map((line) => line.replace(/\r$/, ''))
        .filter((line) => line !== '');
      const lines = split(chunks);
      expect(lines.map(({ length }) => length)).toEqual(wanted.map(({ length }) => length));
      expect(lines.every((line, index) => line === wanted[index])).toBe(true);
    }),
  );
});

test('a line may be as long as the bound and no longer, however it arrives', () => {
  const lines = (min: number, max: number) => splits(fc.integer({ min, max }).map((length) => Buffer.from(`${'x'.repeat(length)}\n`)));
  fc.assert(fc.property(lines(1, 30), ({ whole, chunks }) => void expect(split(chunks, 30)).toEqual([whole.toString().trim()])));
  fc.assert(fc.property(lines(31, 60), ({ chunks }) => void expect(() => split(chunks, 30)).toThrow('more than 30 bytes')));
  const long = Array.from({ length: 5 }, () => Buffer.alloc(BLOCK_BYTES, 'x'));
  expect(() => split(long, 4 * BLOCK_BYTES)).toThrow('Cannot read a line');
});
