import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { mergeStates } from './merge-states.ts';
import type { ModelState, TableSpec } from './model.ts';

const counts: TableSpec = { name: 'counts', columns: ['seen', 'failed'], rule: 'sum' };
const means: TableSpec = { name: 'means', columns: ['evidence', 'mean'], rule: 'mean' };
const last: TableSpec = { name: 'last', columns: ['atMs', 'value'], rule: 'latest' };

const events = fc.array(fc.record({ key: fc.constantFrom('x', 'y', 'z'), failed: fc.nat(1) }));
type Events = readonly { readonly key: string; readonly failed: number }[];

function count(seen: Events, from: ModelState = new Map()): ModelState {
  const rows = new Map(from.get('counts'));
  for (const { key, failed } of seen) {
    const row = rows.get(key) ?? [0, 0];
    rows.set(key, [row[0]! + 1, row[1]! + failed]);
  }
  return new Map([['counts', rows]]);
}

const sorted = (state: ModelState, table: string) => [...state.get(table)!].toSorted(([a], [b]) => (a < b ? -1 : 1));

test('two halves merged are the whole, whatever they started from', () => {
  fc.assert(
    fc.property(events, events, events, (before, one, other) => {
      const base = count(before);
      const merged = mergeStates([counts], { base, a: count(one, base), b: count(other, base) });
      expect(sorted(merged, 'counts')).toEqual(sorted(count([...before, ...one, ...other]), 'counts'));
    }),
  );
});

test('the order of two does not matter', () => {
  fc.assert(
    fc.property(events, events, (one, other) => {
      const base = count([]);
      const [a, b] = [count(one), count(other)];
      expect(sorted(mergeStates([counts], { base, a, b }), 'counts')).toEqual(
        sorted(mergeStates([counts], { base, a: b, b: a }), 'counts'),
      );
    }),
  );
});

test('means weigh by their evidence, and what both have from their base counts once', () => {
  const state = (...row: number[]): ModelState => new Map([['means', new Map([['x', row]])]]);
  // Two at 10, then two at 20 here and six at 30 there.
  const merged = mergeStates([means], { base: state(2, 10), a: state(4, 15), b: state(8, 25) });
  expect(merged.get('means')!.get('x')).toEqual([10, (2 * 10 + 2 * 20 + 6 * 30) / 10]);
});

test('of two that are each the latest word, the later one stays', () => {
  const state = (key: string, ...row: number[]): ModelState => new Map([['last', new Map([[key, row]])]]);
  const merge = (a: ModelState, b: ModelState) => mergeStates([last], { base: new Map(), a, b }).get('last')!;
  expect(merge(state('x', 1, 7), state('x', 2, 8)).get('x')).toEqual([2, 8]);
  expect(merge(state('x', 2, 8), state('x', 1, 7)).get('x')).toEqual([2, 8]);
  expect([...merge(state('x', 1, 7), state('y', 2, 8)).keys()]).toEqual(['x', 'y']);
});

test('a row of another shape is refused with its place', () => {
  const state: ModelState = new Map([['counts', new Map([['x', [1]]])]]);
  expect(() => mergeStates([counts], { base: new Map(), a: state, b: new Map() })).toThrow('row "x" of table "counts": it has 1 columns');
});
