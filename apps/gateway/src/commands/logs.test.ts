import fc from 'fast-check';
import { expect, test } from 'vitest';
import { newLines, toLocalLine } from './logs.ts';

test('new lines are those behind what was known already, whatever has fallen out in front', () => {
  const lines = fc.uniqueArray(fc.string(), { maxLength: 20 });
  fc.assert(
    fc.property(lines, fc.nat(20), fc.nat(20), (all, known, dropped) => {
      const older = all.slice(0, known);
      const newer = all.slice(Math.min(dropped, older.length));
      expect(newLines(older, newer)).toEqual(all.slice(older.length));
    }),
  );
});

test('when nothing that was known is left, every line is new', () => {
  expect(newLines(['a', 'b'], ['x', 'y'])).toEqual(['x', 'y']);
});

test('a line of the log carries local date and time', () => {
  const line = toLocalLine('{"level":"warn","time":"2026-11-20T12:34:56.789Z","msg":"Slow","upstream":"github"}');
  const moment = new Date('2026-11-20T12:34:56.789Z');
  const hour = String(moment.getHours()).padStart(2, '0');
  expect(line).toMatch(new RegExp(`^\\d{4}-\\d\\d-\\d\\d ${hour}:\\d\\d:56 warn +Slow upstream=github$`));
});

test('a line that is no log line is shown as it is, without escape sequences', () => {
  expect(toLocalLine('{"level":"wa')).toBe('{"level":"wa');
  expect(toLocalLine('\u001B[31mplain\u001B[0m')).toBe('plain');
});
