import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Bag, FleetingTable } from './bag.ts';

test('a bag holds what a set would, whatever comes and goes', () => {
  const step = fc.record({ index: fc.nat(7), isAdded: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const entries = Array.from({ length: 8 }, () => ({ place: -1 }));
      const bag = new Bag<'place', { place: number }>('place');
      const set = new Set<object>();
      for (const { index, isAdded } of steps) {
        const entry = entries[index]!;
        const results = isAdded ? [bag.add(entry), set.add(entry)] : [bag.delete(entry), set.delete(entry)];
        expect(results[0]).toBe(isAdded ? undefined : results[1]);
        expect(new Set(bag.list())).toEqual(set);
        expect(bag.size).toBe(set.size);
      }
    }),
  );
});

test('a bag may change while its list is walked', () => {
  const bag = new Bag<'place', { place: number }>('place');
  for (let count = 0; count < 3; count++) bag.add({ place: -1 });
  for (const entry of bag.list()) bag.delete(entry);
  expect(bag.size).toBe(0);
});

test('a fleeting table holds what a map would', () => {
  const step = fc.record({ key: fc.constantFrom('1', '"a"', '__proto__', 'toString'), value: fc.option(fc.integer(), { nil: undefined }) });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const table = new FleetingTable<string, number>();
      const map = new Map<string, number>();
      for (const { key, value } of steps) {
        const results = value === undefined ? [table.delete(key), map.delete(key)] : [table.set(key, value), map.set(key, value)];
        expect(results[0]).toBe(value === undefined ? results[1] : undefined);
        expect([table.size, table.get(key)]).toEqual([map.size, map.get(key)]);
      }
      expect(table.list().toSorted()).toEqual([...map.values()].toSorted());
    }),
  );
});
