import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Holdings } from './holdings.ts';

interface Thing {
  readonly owner: string;
  readonly name: string;
}

const thing = (owner: string, name: string): Thing => ({ owner, name });
const namesOf = (things: Iterable<Thing> | undefined) => (things === undefined ? undefined : Array.from(things, ({ name }) => name));

test('whoever holds most gives way, the longest unused first', () => {
  const holdings = new Holdings<Thing>();
  const [a1, a2, a3, b1] = [thing('a', 'a1'), thing('a', 'a2'), thing('a', 'a3'), thing('b', 'b1')];
  holdings.put(b1, 3);
  holdings.put(a1, 2);
  holdings.put(a2, 2);
  holdings.put(a3, 2);
  holdings.touch(a1);
  expect(namesOf(holdings.makeRoom({ owner: 'c', weight: 3, max: 10 }))).toEqual(['a2']);
  expect(namesOf(holdings)).toEqual(['b1', 'a3', 'a1']);
});

test('a newcomer counts with what it brings, so a greedy one displaces itself', () => {
  const holdings = new Holdings<Thing>();
  holdings.put(thing('greedy', 'g1'), 4);
  holdings.put(thing('modest', 'm1'), 5);
  expect(namesOf(holdings.makeRoom({ owner: 'greedy', weight: 4, max: 10 }))).toEqual(['g1']);
});

test('what is pinned stays, and what cannot fit displaces nothing', () => {
  const pinned = thing('a', 'pinned');
  const holdings = new Holdings<Thing>((entry) => entry === pinned);
  holdings.put(pinned, 6);
  holdings.put(thing('b', 'b1'), 2);
  expect(holdings.makeRoom({ owner: 'c', weight: 5, max: 10 })).toBeUndefined();
  expect(holdings.makeRoom({ owner: 'c', weight: 11, max: 10 })).toBeUndefined();
  expect(namesOf(holdings)?.toSorted()).toEqual(['b1', 'pinned']);
  expect(namesOf(holdings.makeRoom({ owner: 'c', weight: 4, max: 10 }))).toEqual(['b1']);
});

test('the weight is the sum of what is held and never above the bound, and nobody below an equal share loses anything to another', () => {
  const step = fc.record({ owner: fc.constantFrom('a', 'b', 'c'), weight: fc.integer({ min: 1, max: 40 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const max = 120;
      const holdings = new Holdings<Thing & { weight: number }>();
      for (const [index, { owner, weight }] of steps.entries()) {
        const before = [...holdings];
        const heldBy = (who: string) => before.filter((entry) => entry.owner === who).reduce((sum, entry) => sum + entry.weight, 0);
        const leaving = holdings.makeRoom({ owner, weight, max })!;
        for (const gone of leaving) {
          if (gone.owner === owner) continue;
          const share = max / new Set([...before.map((entry) => entry.owner), owner]).size;
          expect(heldBy(gone.owner)).toBeGreaterThan(share - 40);
        }
        holdings.put({ owner, weight, name: String(index) }, weight);
        expect(holdings.weight).toBe([...holdings].reduce((sum, entry) => sum + entry.weight, 0));
        expect(holdings.weight).toBeLessThanOrEqual(max);
      }
    }),
  );
});
