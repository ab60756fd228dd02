import { setFlagsFromString } from 'node:v8';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { doGently } from './gently.ts';
import { searchText, toPattern, type SearchResult } from './search-text.ts';
import { createView } from './text-view.ts';

beforeAll(() => {
  setFlagsFromString('--enable-experimental-regexp-engine');
  setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks');
});

const PLAIN = { isRegExp: false, ignoreCase: false, isRegExpLinear: true };
const REGEXP = { ...PLAIN, isRegExp: true };

async function search(
  text: string,
  pattern: RegExp,
  options: { offset?: number; maxMatches?: number; isLate?: () => boolean } = {},
): Promise<SearchResult> {
  const view = await doGently(
    createView({ place: '', kind: 'text', mimeType: 'text/plain', bytes: Buffer.from(text), sketch: undefined, uri: undefined }),
  );
  return doGently(searchText(view, { pattern, offset: 0, maxMatches: 100, isLate: () => false, ...options }));
}

describe('a search', () => {
  test('gives each line that matches, with its number and where the match begins', async () => {
    const text = 'alpha\nbeta é gamma\n\ngamma';
    expect(await search(text, toPattern('gamma', PLAIN))).toEqual({
      found: [
        { line: 2, offset: 14, excerpt: 'beta é gamma' },
        { line: 4, offset: 21, excerpt: 'gamma' },
      ],
      nextOffset: undefined,
    });
    expect((await search(text, toPattern('^[ab]', REGEXP))).found.map(({ excerpt }) => excerpt)).toEqual(['alpha', 'beta é gamma']);
    expect((await search(text, toPattern('GAMMA', { ...PLAIN, ignoreCase: true }))).found).toHaveLength(2);
    expect((await search(text, toPattern('a.p', PLAIN))).found).toEqual([]);
  });

  test('finds plain text exactly where it stands, whatever characters it has', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 8 }),
        fc.string({ unit: 'grapheme', minLength: 1, maxLength: 2 }),
        async (lines, needle) => {
          fc.pre(!needle.includes('\n') && lines.every((line) => !line.includes('\n')));
          const { found } = await search(lines.join('\n'), toPattern(needle, PLAIN));
          const expected = lines.flatMap((line, index) => (line.includes(needle) ? [index + 1] : []));
          expect(found.map(({ line }) => line)).toEqual(expected);
          const bytes = Buffer.from(lines.join('\n'));
          for (const { offset } of found) expect(bytes.subarray(offset).toString().startsWith(needle)).toBe(true);
        },
      ),
    );
  });

  test('stops after as many matches as are wanted, or when it takes too long, and says where to go on', async () => {
    const text = Array.from({ length: 50_000 }, (_, index) => `line ${index} ${index % 2 === 0 ? 'even' : 'odd'}`).join('\n');
    const pattern = toPattern('even', PLAIN);
    const offsets: number[] = [];
    for (let offset: number | undefined = 0; offset !== undefined;) {
      const part: SearchResult = await search(text, pattern, { offset, maxMatches: 9_999 });
      offsets.push(...part.found.map((match) => match.offset));
      offset = part.nextOffset;
    }
    expect(offsets).toHaveLength(25_000);
    expect(new Set(offsets).size).toBe(25_000);
    const late = await search(text, toPattern('nowhere', PLAIN), { isLate: () => true });
    expect(late.nextOffset).toBeGreaterThan(32_000);
    expect(late.nextOffset).toBeLessThan(50_000);
  });

  test('goes through a line without end in pieces, and neither misses nor repeats a match', async () => {
    const positions = [0, 16_380, 16_384, 31_000, 70_000, 70_500];
    const text = Buffer.alloc(80_000, 'x');
    for (const position of positions) text.write('NEEDLE', position);
    const { found } = await search(text.toString(), toPattern('N[A-Z]+E', REGEXP));
    // Two that are shown together count once.
    expect(found.map(({ offset }) => offset)).toEqual([0, 16_380, 31_000, 70_000, 70_500]);
    expect(found.every(({ excerpt }) => excerpt.includes('NEEDLE') && excerpt.length < 310)).toBe(true);
  });

  test('with a pattern made to take for ever is over soon', async () => {
    const text = `${'a'.repeat(100_000)}\n`.repeat(3);
    for (const evil of ['(a+)+$b', '(a|a)*$b', '(.*)*(.*)*(.*)*c', '^(([a-z])+.)+[A-Z]([a-z])+$']) {
      const startedAt = performance.now();
      await search(text, toPattern(evil, REGEXP), { isLate: () => performance.now() - startedAt > 3_000 });
      expect(performance.now() - startedAt).toBeLessThan(6_000);
    }
  });
});

test.each([
  ['(?=a)b', 'look-around'],
  [String.raw`(a)\1`, 'back references'],
  ['a{17}', 'counts above 16'],
  ['(', 'Invalid regular expression'],
])('%s is refused: %s', (text, why) => {
  expect(() => toPattern(text, REGEXP)).toThrow(
    expect.objectContaining({ code: 'INVALID_PARAMS', message: expect.stringContaining(why) as unknown }),
  );
});

test('where regular expressions may take for ever, there are none', () => {
  expect(() => toPattern('a+', { ...REGEXP, isRegExpLinear: false })).toThrow(expect.objectContaining({ code: 'INVALID_PARAMS' }));
  expect(() => toPattern('a+', { ...REGEXP, ignoreCase: true })).toThrow(expect.objectContaining({ code: 'INVALID_PARAMS' }));
});
