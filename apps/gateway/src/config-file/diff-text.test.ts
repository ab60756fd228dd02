import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { diffText } from './diff-text.ts';

test('changes are shown with their surroundings, in hunks', () => {
  const before = Array.from({ length: 20 }, (_, index) => `line ${index + 1}`);
  const after = before.with(2, 'third').toSpliced(15, 1);
  expect(diffText(before.join('\n'), after.join('\n'), { context: 1 })).toBe(
    '@@ -2,3 +2,3 @@\n line 2\n-line 3\n+third\n line 4\n@@ -15,3 +15,2 @@\n line 15\n-line 16\n line 17\n',
  );
});

test('equal texts have no difference and a first text is all new', () => {
  expect(diffText('a\n', 'a\n')).toBe('');
  expect(diffText('', 'a\nb\n')).toBe('@@ -0,0 +1,2 @@\n+a\n+b\n');
});

test('long lines are cut when asked', () => {
  expect(diffText('', 'abcdef', { maxColumns: 3 })).toBe('@@ -0,0 +1,1 @@\n+abc…\n');
});

test('texts too different to compare are shown as replaced', () => {
  const [before, after] = ['x', 'y'].map((letter) => Array.from({ length: 2500 }, (_, index) => `${letter}${index}`).join('\n')) as [
    string,
    string,
  ];
  expect(diffText(before, after).split('\n')).toHaveLength(5002);
});

test('with all lines shown, a difference holds both texts whole', () => {
  const text = fc.array(fc.constantFrom('a', 'b', 'c', ''), { maxLength: 12 }).map((lines) => lines.map((line) => `${line}\n`).join(''));
  fc.assert(
    fc.property(text, text, (before, after) => {
      const lines = diffText(before, after, { context: 100 }).split('\n').slice(1, -1);
      const side = (sign: string) =>
        lines
          .filter((line) => line.startsWith(sign) || line.startsWith(' '))
          .map((line) => `${line.slice(1)}\n`)
          .join('');
      expect([side('-'), side('+')]).toEqual(before === after ? ['', ''] : [before, after]);
    }),
  );
});
