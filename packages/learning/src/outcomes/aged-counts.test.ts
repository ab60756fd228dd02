import { expect, test } from 'vitest';
import { createAgedCounts } from './aged-counts.ts';

const create = (maxRows = 100) => createAgedCounts({ columns: 2, halfLifeMs: 4_000, maxRows });

test('what is a half life older than the newest counts for half, and what is much older for nothing', () => {
  const counts = create();
  for (let call = 0; call < 4; call++) counts.add('a', 100_000, [1, 1]);
  expect(counts.weighed().get('a')).toEqual([4, 4]);
  counts.add('b', 104_000, [1, 0]);
  expect(counts.weighed().get('a')).toEqual([2, 2]);
  counts.add('b', 123_000, [1, 0]);
  expect(counts.weighed().get('a')![0]).toBeGreaterThan(0);
  counts.add('b', 124_000, [1, 0]);
  expect(counts.weighed().get('a')).toBeUndefined();
});

test('at its limit the old goes, then the least counted', () => {
  const counts = create(10);
  counts.add('old', 0, [50, 0]);
  for (let key = 0; key < 9; key++) counts.add(`key ${key}`, 1_000_000, [key + 1, 0]);
  counts.add('new', 1_000_000, [1, 0]);
  const kept = () => [...counts.weighed().keys()];
  expect(kept()).not.toContain('old');
  expect(kept()).toContain('key 0');
  counts.add('newer', 1_000_000, [5, 0]);
  expect(kept()).not.toContain('key 0');
  expect(kept()).toEqual(expect.arrayContaining(['new', 'newer', 'key 8']));
  expect(counts.save().size).toBeLessThanOrEqual(10);
});
