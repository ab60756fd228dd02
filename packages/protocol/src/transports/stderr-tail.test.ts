import fc from 'fast-check';
import { expect, test } from 'vitest';
import { StderrTail } from './stderr-tail.ts';

test('whatever the pieces, the last lines are kept', () => {
  const line = fc.stringMatching(/^[a-z]{1,6}$/);
  fc.assert(
    fc.property(fc.array(line, { maxLength: 30 }), fc.array(fc.nat(200), { maxLength: 12 }), (lines, cuts) => {
      const text = Buffer.from(lines.map((each) => `${each}\n`).join(''));
      const tail = new StderrTail({ maxLines: 5 });
      let start = 0;
      for (const end of [...cuts.filter((cut) => cut < text.length).toSorted((a, b) => a - b), text.length]) {
        tail.push(text.subarray(start, end));
        start = end;
      }
      expect(tail.lines).toEqual(lines.slice(-5));
    }),
  );
});

test('a long line is cut and one that has not ended is shown', () => {
  const tail = new StderrTail();
  for (let piece = 0; piece < 10; piece++) tail.push(Buffer.from('x'.repeat(1_000)));
  expect(tail.lines.map((line) => line.length)).toEqual([2_048]);
  tail.push(Buffer.from('\nshort\r\n\nopen'));
  expect(tail.lines.map((line) => line.length)).toEqual([2_048, 5, 4]);
});
