import { createMemoryStore } from '@signalbox/storage';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mergeStates } from '../merge-states.ts';
import type { ModelState, TableSpec } from '../model.ts';
import { ModelStore, rootOf, type ModelStates } from './model-store.ts';

function create() {
  let time = 1000;
  const store = createMemoryStore();
  return { store, models: new ModelStore({ store, now: () => time++ }) };
}

const AT = { message: 'test', facts: 0, first: 0, last: 0 };
const statesOf = (rows: Iterable<readonly [string, readonly number[]]>): ModelStates =>
  new Map([['tools', new Map([['calls', new Map(rows)]])]]);
const sorted = (states: ModelStates) => [...states.get('tools')!.get('calls')!].toSorted(([a], [b]) => (a < b ? -1 : 1));

const key = fc.string({ minLength: 1, maxLength: 6 });
const table = fc.dictionary(key, fc.array(fc.double({ noNaN: true }), { maxLength: 4 }), { maxKeys: 60 }).map(Object.entries);

test('what was kept is loaded as it was, bit for bit, whatever came before it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(table, { minLength: 1, maxLength: 4 }), async (versions) => {
      const { models } = create();
      const ids: string[] = [];
      for (const rows of versions) ids.push((await models.commit({ ...AT, branch: 'live', states: statesOf(rows) })).commit.id);
      for (const [index, rows] of versions.entries())
        expect(sorted(await models.load(await models.resolve(ids[index]!)))).toEqual(sorted(statesOf(rows)));
    }),
    { numRuns: 40 },
  );
});

test('the same rows have the same root, in whatever order and steps they came', async () => {
  await fc.assert(
    fc.asyncProperty(table, table, async (rows, others) => {
      const one = create();
      const direct = await one.models.commit({ ...AT, branch: 'live', states: statesOf(rows) });
      const other = create();
      await other.models.commit({ ...AT, branch: 'live', states: statesOf(others) });
      const later = await other.models.commit({ ...AT, branch: 'live', states: statesOf(rows.toReversed()) });
      expect(rootOf(later.commit)).toBe(rootOf(direct.commit));
    }),
    { numRuns: 40 },
  );
});

const many = (count: number) => Array.from({ length: count }, (_, index) => [`row ${index}`, [index, 1]] as const);

test('a commit writes what has changed, and nothing when nothing has', async () => {
  const { models } = create();
  const first = await models.commit({ ...AT, branch: 'live', states: statesOf(many(5_000)) });
  const same = await models.commit({ ...AT, branch: 'live', states: statesOf(many(5_000)) });
  expect(same.writtenChunks).toBe(0);
  const one = await models.commit({ ...AT, branch: 'live', states: statesOf([...many(5_000).slice(1), ['row 0', [7, 7]]]) });
  // The chunk of the row, and the list of chunks.
  expect(one.writtenChunks).toBe(2);
  expect(one.writtenBytes).toBeLessThan(first.writtenBytes / 4);
  expect(await models.diff(first.commit, one.commit)).toEqual([
    { model: 'tools', table: 'calls', key: 'row 0', before: [0, 1], after: [7, 7] },
  ]);
});

test('branches and tags name commits, short ids do, and what is unknown is refused', async () => {
  const { models } = create();
  const first = await models.commit({ ...AT, branch: 'live', states: statesOf(many(3)) });
  await models.setRef('before', first.commit.id);
  const second = await models.commit({ ...AT, branch: 'live', states: statesOf(many(4)) });
  expect((await models.resolve('live')).id).toBe(second.commit.id);
  expect((await models.resolve('before')).id).toBe(first.commit.id);
  expect((await models.resolve(first.commit.id.slice(0, 8))).id).toBe(first.commit.id);
  expect((await models.log('live', 9)).map(({ id }) => id)).toEqual([second.commit.id, first.commit.id]);
  await expect(models.resolve('nowhere')).rejects.toThrow('There is no commit, branch or tag "nowhere"');
});

test('two that learned apart from one base are merged exactly', async () => {
  const spec: TableSpec = { name: 'calls', columns: ['calls', 'failed'], rule: 'sum' };
  const { models } = create();
  const base = await models.commit({ ...AT, branch: 'live', states: statesOf([['x', [10, 1]]]) });
  const fork = { ...AT, parents: [base.commit.id] };
  const a = await models.commit({ ...fork, branch: 'a', states: statesOf([['x', [13, 1]]]) });
  const b = await models.commit({
    ...fork,
    branch: 'b',
    states: statesOf([
      ['x', [15, 4]],
      ['y', [1, 0]],
    ]),
  });
  const [before, one, other] = await Promise.all(
    [base, a, b].map(async ({ commit }) => (await models.load(commit)).get('tools') as ModelState),
  );
  const merged = mergeStates([spec], { base: before!, a: one!, b: other! });
  const both = await models.commit({ ...AT, branch: 'live', parents: [a.commit.id, b.commit.id], states: new Map([['tools', merged]]) });
  expect(sorted(await models.load(both.commit))).toEqual([
    ['x', [18, 4]],
    ['y', [1, 0]],
  ]);
});

test('what nothing leads to is let go, what is shared stays, and it can come back', async () => {
  const { models } = create();
  for (let version = 0; version < 6; version++)
    await models.commit({ ...AT, branch: 'live', states: statesOf([...many(200), ['x', [version]]]) });
  expect(await models.collect({ keep: 2 })).toEqual({ commits: 4, chunks: 8 });
  expect(await models.collect({ keep: 2 })).toEqual({ commits: 0, chunks: 0 });
  const head = await models.resolve('live');
  expect(sorted(await models.load(head))).toEqual(sorted(statesOf([...many(200), ['x', [5]]])));
  expect(await models.log('live', 9)).toHaveLength(2);
  const back = await models.commit({ ...AT, branch: 'live', states: statesOf([...many(200), ['x', [0]]]) });
  expect(sorted(await models.load(back.commit))).toEqual(sorted(statesOf([...many(200), ['x', [0]]])));
});

test('a chunk that was changed at rest is found', async () => {
  const { models, store } = create();
  const { commit } = await models.commit({ ...AT, branch: 'live', states: statesOf(many(3)) });
  const other = await models.commit({ ...AT, branch: 'other', states: statesOf([['z', [1]]]) });
  const [chunk] = await store.list('learning.chunks');
  const strange = (await store.list('learning.chunks')).find(({ value }) => !value.equals(chunk!.value))!;
  await store.commit([{ kind: 'put', collection: 'learning.chunks', key: chunk!.key, value: strange.value }]);
  const loads = await Promise.allSettled([commit, other.commit].map((each) => models.load(each)));
  expect(loads.map((load) => (load.status === 'rejected' ? String(load.reason) : 'sound')).join()).toContain('is not as it was written');
});
