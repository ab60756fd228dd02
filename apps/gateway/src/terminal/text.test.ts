import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { countOf, cutToWidth, durationText, firstSentence, localTime, sizeText, toSafeLine, toSafeText, widthOf } from './text.ts';

describe('text of others', () => {
  test('loses escape sequences and control characters, and keeps lines and tabs', () => {
    expect(toSafeText('a\u001B[2J\u001B]0;title\u0007b\r\u0008\n\tc\u202Ed')).toBe('ab\n\tcd');
    expect(toSafeLine(' two\n\n lines ')).toBe('two lines');
  });

  test('never moves the cursor, whatever it holds', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(toSafeLine(text)).not.toMatch(/\p{Cc}/u);
      }),
    );
  });
});

test.each([
  ['Reads a file. Then more.', 'Reads a file.'],
  ['Reads e.g. a file and i.e. this one', 'Reads e.g. a file and i.e. this one'],
  ['One line\nof two. Next', 'One line of two.'],
  ['A title\n\nA paragraph.', 'A title'],
  ['Is it? Yes.', 'Is it?'],
  ['Version 1.2 is out. `x` follows', 'Version 1.2 is out.'],
  ['', ''],
])('the first sentence of %j is %j', (text, sentence) => {
  expect(firstSentence(text)).toBe(sentence);
});

test('a cut text is never wider than asked, and one that fits is not cut', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('a', 'é', '漢', '🚂', ' ') }), fc.integer({ min: 1, max: 30 }), (text, columns) => {
      const cut = cutToWidth(text, columns);
      expect(widthOf(cut)).toBeLessThanOrEqual(columns);
      expect(cut === text).toBe(widthOf(text) <= columns);
    }),
  );
});

test('durations, sizes and counts are said as people say them', () => {
  expect([600, 12_300, 125_000, 7_500_000, 200_000_000].map(durationText)).toEqual([
    '0.6 s',
    '12 s',
    '2 min 5 s',
    '2 h 5 min',
    '2 days 7 h',
  ]);
  expect([10, 2048, 3_145_728].map(sizeText)).toEqual(['10 bytes', '2.0 KiB', '3.0 MiB']);
  expect([countOf(1, 'tool'), countOf(0, 'tool')]).toEqual(['1 tool', '0 tools']);
});

test('a moment is shown in local time', () => {
  expect(localTime(new Date(2026, 10, 3, 4, 5, 6))).toBe('2026-11-03 04:05:06');
});
