import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readNeed } from './read-need.ts';

test('a need is read into numbers of 32 bits, each once, the same every time', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 3_000 }), (text) => {
      const features = readNeed(text);
      expect(features).toEqual(readNeed(text));
      expect(new Set(features).size).toBe(features.length);
      expect(features.length).toBeLessThanOrEqual(127);
      expect(features.every((feature) => Number.isInteger(feature) && feature >= 0 && feature < 2 ** 32)).toBe(true);
    }),
  );
});

test('other forms of the same words are read as the same', () => {
  const [one, other] = [readNeed('Creating the issues'), readNeed('create an issue')];
  expect(one).toEqual(other);
});

test('words that say nothing are not read', () => {
  expect(readNeed('could you please do it for me')).toEqual([]);
});

test('the features of a need stay what they are, since what was learned hangs on them', () => {
  expect(readNeed('find a flight')).toEqual([2_575_294_203, 3_397_728_519, 3_782_229_811]);
});
