import fc from 'fast-check';
import { expect, test } from 'vitest';
import { liftNext } from './lift-next.ts';
import { BEGUN } from './rank-tools.ts';

const matches = [
  { name: 'read', score: 0.6 },
  { name: 'find', score: 0.55 },
  { name: 'write', score: 0.5 },
  { name: 'send', score: 0.2 },
];
const next = { name: 'write', share: 0.7, after: 'list' };
const namesOf = (lifted: readonly { readonly name: string }[]) => lifted.map(({ name }) => name);

test('what comes next rises past near ties, with its reason, and scores stay an order', () => {
  expect(liftNext(matches, next)).toEqual([
    { name: 'write', score: 0.6, why: 'often follows list' },
    { name: 'read', score: 0.6 },
    { name: 'find', score: 0.55 },
    { name: 'send', score: 0.2 },
  ]);
  expect(liftNext(matches, { ...next, after: undefined })[0]?.why).toBe('often comes next');
});

test('it passes nothing that fits far better, nor what earlier choices speak for, nor what was asked for by name', () => {
  expect(liftNext(matches, { ...next, name: 'send' })).toBe(matches);
  const chosen = matches.with(1, { ...matches[1]!, why: 'chosen before' } as (typeof matches)[number]);
  expect(liftNext(chosen, next)).toBe(chosen);
  const asked = [
    { name: 'read', score: BEGUN },
    { name: 'write', score: BEGUN - 0.01 },
  ];
  expect(liftNext(asked, next)).toBe(asked);
});

test('a guess that is not sure, and a tool that is not shown or fits nothing, leave everything as it is', () => {
  expect(liftNext(matches, { ...next, share: 0.49 })).toBe(matches);
  expect(liftNext(matches, { ...next, name: 'delete' })).toBe(matches);
  const unfit = [
    { name: 'read', score: 0 },
    { name: 'write', score: 0 },
  ];
  expect(liftNext(unfit, next)).toBe(unfit);
});

test('whatever is likely, the same tools are shown, the others in their order, and scores fall', () => {
  const lists = fc.uniqueArray(fc.record({ name: fc.constantFrom(...'abcdefgh'), score: fc.double({ min: 0, max: 1, noNaN: true }) }), {
    selector: ({ name }) => name,
  });
  fc.assert(
    fc.property(lists, fc.constantFrom(...'abcdefghi'), (list, name) => {
      const found = list.toSorted((a, b) => b.score - a.score);
      const lifted = liftNext(found, { name, share: 0.9, after: 'x' });
      const others = (from: typeof found) => namesOf(from).filter((each) => each !== name);
      expect(namesOf(lifted).toSorted()).toEqual(namesOf(found).toSorted());
      expect(others([...lifted])).toEqual(others(found));
      expect(lifted.map(({ score }) => score)).toEqual(lifted.map(({ score }) => score).toSorted((a, b) => b - a));
      const asked = found.filter(({ score }) => score >= BEGUN);
      expect(namesOf(lifted).slice(0, asked.length)).toEqual(namesOf(asked));
    }),
  );
});
