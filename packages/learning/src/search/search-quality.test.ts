import { expect, test } from 'vitest';
import type { SearchInteraction } from '../interaction.ts';
import { createCall } from '../testing/create-call.ts';
import { createSearchQuality, type SearchQuality } from './search-quality.ts';

const DAY_MS = 86_400_000;
const NOON = 20_000 * DAY_MS + DAY_MS / 2;

function search(
  atMs: number,
  shown: readonly (readonly [tool: string, staticRank: number])[],
  more: Partial<SearchInteraction> = {},
): SearchInteraction {
  const base = { sequence: 1, tenant: '', principal: 'p1', session: 's1', client: 'c', policyVersion: 0, arms: [] };
  const tools = shown.map(([tool, staticRank]) => ({ upstream: 'files', tool, staticRank, propensity: 1 }));
  return { kind: 'search', ...base, atMs, needs: [[1, 2]], shown: tools, ...more };
}

const call = (model: SearchQuality, atMs: number, tool: string, more: object = {}) => model.observe(createCall({ atMs, tool, ...more }));

test('each day has its searches, what they led to, and where the tools stood that were called, beside where they would have stood', () => {
  const model = createSearchQuality();
  model.observe(
    search(NOON, [
      ['read', 4],
      ['list', 1],
    ]),
  );
  call(model, NOON + 1_000, 'read');
  // The same search led to another call as well, which is one success still.
  call(model, NOON + 2_000, 'list');
  model.observe(
    search(
      NOON + 10_000,
      [
        ['list', 1],
        ['read', 2],
      ],
      { session: 's2' },
    ),
  );
  call(model, NOON + 11_000, 'read', { session: 's2' });
  // In vain: said again in other words, which the static ranking does not know the tool for.
  model.observe(
    search(
      NOON + DAY_MS,
      [
        ['write', 1],
        ['read', 2],
      ],
      { session: 's3' },
    ),
  );
  model.observe(search(NOON + DAY_MS + 1_000, [['read', 0]], { session: 's3', needs: [[7]] }));
  call(model, NOON + DAY_MS + 2_000, 'read', { session: 's3' });
  expect(model.days(10)).toEqual([
    { atMs: 20_001 * DAY_MS, searches: 2, led: 1, lost: 1, place: 1, staticPlace: 0 },
    { atMs: 20_000 * DAY_MS, searches: 2, led: 2, lost: 0, place: 0.75, staticPlace: 0.375 },
  ]);
  expect(model.days(1)).toHaveLength(1);
});

test('a failed call is no success, and a day on which nothing was called has no places', () => {
  const model = createSearchQuality();
  model.observe(search(NOON, [['read', 1]]));
  call(model, NOON + 1_000, 'read', { ending: 'toolError' });
  expect(model.days(10)).toEqual([{ atMs: 20_000 * DAY_MS, searches: 1, led: 0, lost: 0, place: undefined, staticPlace: undefined }]);
});

test('what is saved is there again, and the oldest days go', () => {
  const model = createSearchQuality();
  for (let day = 0; day < 500; day++) model.observe(search(NOON + day * DAY_MS, [['read', 1]], { session: `s${day}` }));
  const again = createSearchQuality();
  again.load(model.save());
  const days = again.days(1_000);
  expect(days.length).toBeLessThanOrEqual(400);
  expect(days[0]!.atMs).toBe(20_499 * DAY_MS);
  expect(again.save()).toEqual(model.save());
});
