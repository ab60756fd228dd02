import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { candidateKey } from './candidate-key.ts';
import { compareArguments } from './compare-arguments.ts';

const kindOf = (a: unknown, b: unknown, inputSchema?: unknown) => compareArguments({ a, b }, { inputSchema }).kind;
const kindOfTexts = (a: string, b: string) => kindOf({ text: a }, { text: b });

test('the place of a key and nothing said in two ways are no difference', () => {
  expect(kindOf({ a: 1, b: 'x' }, { b: 'x', a: 1 })).toBe('');
  expect(kindOf({ a: 1, b: null, c: [], d: '' }, { a: 1 })).toBe('');
});

test('what is left out stands at the default that the schema states, and at no other value', () => {
  const schema = { properties: { unit: { type: 'string', default: 'celsius' } } };
  expect(kindOf({ unit: 'celsius' }, {}, schema)).toBe('');
  expect(kindOf({ unit: 'kelvin' }, {}, schema)).toBeUndefined();
  expect(kindOf({ unit: 'celsius' }, {})).toBe('omitted string');
  expect(kindOf({ deep: false }, {})).toBe('omitted false');
});

test.each([
  ['Baby Shark', 'baby  shark', 'spelling'],
  ['Cancún, QR', 'Canc\\u00fan QR', 'spelling'],
  ["McDonald's", 'mcdonalds', 'spelling'],
  ['/srv/Data', '/srv/data', 'code case'],
  ['Naples, FL', 'Naples, Florida', 'region'],
  ['Washington, D.C.', 'Washington, DC', 'region'],
  ['Boston', 'Boston, MA', 'locality'],
  ['Berkeley, CA, USA', 'Berkeley, California', 'locality'],
  ['km', 'kilometers', 'unit'],
  ['the Imjin war', 'Imjin War', 'article'],
  ['anchovies', 'anchovy', 'plural'],
  ["how they're made", 'how they are made', 'contraction'],
  ['2024-03-09', 'March 9, 2024', 'moment'],
  ['5:30 pm', '17:30', 'moment'],
  ['Regal', 'Regal Theater', 'kind word'],
  ['Hotel Sheraton', 'Sheraton Hotel', 'word order'],
  ['Thriller', 'Thriller by Michael Jackson', 'more words'],
  ['artificial intelligence', 'AI', 'acronym'],
])('"%s" and "%s" differ by %s', (a, b, kind) => {
  expect(kindOfTexts(a, b)).toBe(kind);
  expect(kindOfTexts(b, a)).toBe(kind);
});

test.each([
  ['Paris', 'London'],
  ['1.5', '15'],
  ['-5 degrees', '5 degrees'],
  ['version 1.2', 'version 1.3'],
  ['C++', 'C'],
  ['03/04/2024', '04/03/2024'],
  ['5 pm', '5'],
  ['open', 'not open'],
  ['without nuts', 'nuts'],
  ['Portland, OR', 'Portland, ME'],
])('"%s" never answers for "%s"', (a, b) => expect(kindOfTexts(a, b)).toBeUndefined());

test('numbers, truths and lists of another length never answer for each other', () => {
  expect(kindOf({ n: 1 }, { n: 2 })).toBeUndefined();
  expect(kindOf({ n: true }, { n: false })).toBeUndefined();
  expect(kindOf({ n: [1] }, { n: [1, 2] })).toBeUndefined();
  expect(kindOf({ n: { x: 1 } }, { n: 1 })).toBeUndefined();
  expect(kindOf({ n: 5 }, { n: '5' })).toBe('type');
  expect(kindOf({ n: [1, 2] }, { n: [2, 1] })).toBe('order');
});

test('several edits are named together, and the same edit in the same place is known again', () => {
  const one = compareArguments({ a: { city: 'Naples, FL', limit: 5 }, b: { city: 'Naples, Florida' } });
  expect(one.kind).toBe('omitted number+region');
  const again = compareArguments({ a: { x: 1, unit: 'c' }, b: { x: 1 } });
  expect(compareArguments({ a: { x: 2 }, b: { x: 2, unit: 'c' } }).detail).toBe(again.detail);
  expect(compareArguments({ a: { x: 2 }, b: { x: 2, unit: 'k' } }).detail).not.toBe(again.detail);
});

test('a call equals itself, the order of two does not matter, and anything can be compared', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
      expect(compareArguments({ a, b: structuredClone(a) }).kind).toBe('');
      const there = compareArguments({ a, b });
      const back = compareArguments({ a: b, b: a });
      expect(back.kind).toBe(there.kind);
      expect(back.detail).toBe(there.detail);
    }),
  );
});

test('numbers that differ are never comparable, whatever surrounds them', () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(), fc.string({ unit: fc.constantFrom('a', 'b', ' ', ',') }), (one, other, text) => {
      fc.pre(one !== other);
      expect(kindOfTexts(`${text} ${one}`, `${text} ${other}`)).toBeUndefined();
    }),
  );
});

test('what is too deep or too large is not comparable', () => {
  let deep: unknown = 'x';
  let other: unknown = 'y';
  for (let level = 0; level < 20; level++) [deep, other] = [{ deep }, { deep: other }];
  expect(kindOf(deep, other)).toBeUndefined();
  const wide = Array.from({ length: 2_000 }, (_, index) => `Item ${index}`);
  expect(kindOf({ wide }, { wide: wide.map((item) => item.toLowerCase()) })).toBeUndefined();
});

test('what is comparable is found under one key, unless words or arguments are left out', () => {
  const classes = [
    ['Naples, FL', 'naples, florida'],
    ['Boston', 'Boston, MA'],
    ['2024-03-09', 'March 9, 2024'],
    ['5 pm', '17:00'],
    ['the 3 dogs', '3 Dog'],
    ['True', true],
    [5, '5'],
    ['', null, []],
    ['km', 'Kilometers'],
    ["They're new", 'they are new'],
    ['Regal Theater', 'Regal'],
    ['two cities', 'two city'],
  ];
  const alike = fc.constantFrom(...classes).chain((members) => fc.tuple(fc.constantFrom(...members), fc.constantFrom(...members)));
  const other = fc.jsonValue().map((value): [unknown, unknown] => [value, value]);
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.oneof(alike, other)), (pairs) => {
      const [a, b] = [0, 1].map((side) => Object.fromEntries(Object.entries(pairs).map(([key, pair]) => [key, pair[side]])));
      expect(compareArguments({ a, b }).kind).toBeDefined();
      expect(candidateKey(a)).toBe(candidateKey(b));
    }),
  );
  fc.assert(
    fc.property(fc.string(), fc.string(), (one, other) => {
      const { kind } = compareArguments({ a: { text: one }, b: { text: other } });
      expect(kind === undefined || /omitted|word|acronym/.test(kind) || candidateKey([one]) === candidateKey([other])).toBe(true);
    }),
  );
  expect(candidateKey({ a: 5 })).not.toBe(candidateKey({ a: 6 }));
  expect(candidateKey({ a: 'Paris' })).not.toBe(candidateKey({ a: 'London' }));
  expect(candidateKey({ a: 5, b: false, c: 0 })).toBe(candidateKey({ a: 5 }));
});
