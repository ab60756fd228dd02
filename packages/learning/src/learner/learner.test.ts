import { WireWriter } from '@signalbox/core';
import { createMemoryStore } from '@signalbox/storage';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { writeInteraction } from '../codec/interaction-codec.ts';
import type { CallInteraction, ComparisonInteraction, Interaction } from '../interaction.ts';
import { createCall } from '../testing/create-call.ts';
import { createAllModels } from './all-models.ts';
import { Learner } from './learner.ts';

const TOOLS = ['read', 'write', 'list', 'send'];

function callOf(index: number, more: Partial<CallInteraction> = {}): CallInteraction {
  return createCall({
    sequence: index,
    atMs: 1_000_000 + index * 1000,
    principal: `p${index % 3}`,
    session: `s${index % 5}`,
    tool: TOOLS[index % TOOLS.length]!,
    ending: index % 7 === 0 ? 'toolError' : 'ok',
    durationMs: 1 + (index % 50),
    ...more,
  });
}

function encode(fact: Interaction): Uint8Array {
  const writer = new WireWriter();
  writeInteraction(writer, fact);
  return writer.written.slice();
}

const facts = (count: number, from = 0) => Array.from({ length: count }, (_, index) => encode(callOf(from + index)));

const createModels = () => createAllModels({ anomalies: { enabled: true, alertsPerDay: 20, settleDays: 3 } });

function createOpen(maxFacts = 10_000) {
  const store = createMemoryStore();
  let time = 0;
  const open = () => Learner.open({ createModels, store, now: () => ++time, maxFacts, breathe: async () => undefined });
  return { store, open };
}

const predictionsOf = (learner: Learner<ReturnType<typeof createAllModels>>) =>
  JSON.stringify([
    learner.models.outcomes.reports(),
    learner.models.sequences.frequent(50),
    learner.models.sequences.next({ upstream: 'files', tool: 'read' }, 9),
  ]);

test('what was kept is there again, commits and the facts after them', async () => {
  const { open } = createOpen();
  const learner = await open();
  for (const bytes of facts(50)) learner.observe(bytes);
  await learner.commit('first');
  for (const bytes of facts(30, 50)) learner.observe(bytes);
  await learner.flush();
  const said = predictionsOf(learner);
  // These are lost, as if the process had been killed.
  for (const bytes of facts(5, 80)) learner.observe(bytes);
  const again = await open();
  expect(again.counts).toMatchObject({ learned: 80, kept: 80 });
  expect(predictionsOf(again)).toBe(said);
});

test('wherever it is killed, no more than what was not flushed is lost, and it goes on', async () => {
  const steps = fc.array(fc.constantFrom('learn', 'learn', 'flush', 'commit', 'kill'), { minLength: 1, maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      const { open } = createOpen();
      let learner = await open();
      let [kept, waiting, next] = [0, 0, 0];
      const [found, expected]: [number[], number[]] = [[], []];
      for (const step of all) {
        if (step === 'learn') {
          for (const bytes of facts(3, next)) learner.observe(bytes);
          next += 3;
          waiting += 3;
        } else if (step === 'kill') {
          learner = await open();
          waiting = 0;
          found.push(learner.counts.learned);
          expected.push(kept);
        } else {
          await (step === 'flush' ? learner.flush() : learner.commit('x'));
          kept += waiting;
          waiting = 0;
        }
      }
      expect([...found, learner.counts.learned]).toEqual([...expected, kept + waiting]);
      await learner.flush();
      expect(await learner.replay()).toMatchObject({ facts: kept + waiting, isSame: true });
    }),
    { numRuns: 30 },
  );
});

test('the last commit of each day keeps its name for two weeks, so that what has changed since can be told', async () => {
  const store = createMemoryStore();
  let now = Date.UTC(2026, 2, 1, 12);
  const learner = await Learner.open({ createModels, store, now: () => now, maxFacts: 10_000, breathe: async () => undefined });
  const learnAt = async (day: number, hour: number) => {
    now = Date.UTC(2026, 2, 1 + day, hour);
    learner.observe(encode(callOf(day * 2 + Math.floor(hour / 13))));
    await learner.commit(`day ${day}, ${hour} h`);
  };
  for (let day = 0; day < 20; day++) for (const hour of [12, 18]) await learnAt(day, hour);
  const named = async () => (await learner.log(100)).flatMap(({ commit, refs }) => refs.map((ref) => `${ref}: ${commit.message}`));
  const days = await named();
  expect(days.slice(0, 3)).toEqual(['live: day 19, 18 h', 'day-2026-03-19: day 18, 18 h', 'day-2026-03-18: day 17, 18 h']);
  expect(days).toHaveLength(15);
  await learner.tidy();
  const { from, to, rows } = await learner.diff('day-2026-03-13', 'live');
  expect([from.facts, to.facts]).toEqual([26, 40]);
  expect(rows.length).toBeGreaterThan(0);
  await expect(learner.tag('day-2026-03-01', undefined)).rejects.toThrow('days are named by themselves');
  await learner.forget({ principal: 'p1' });
  expect(await named()).toHaveLength(1);
});

test('going back restores what was said then, bit for bit, and can be gone back from', async () => {
  const { open } = createOpen();
  const learner = await open();
  for (const bytes of facts(40)) learner.observe(bytes);
  await learner.commit('then');
  const said = predictionsOf(learner);
  const then = learner.counts.head!;
  for (const bytes of facts(40, 40)) learner.observe(bytes);
  const later = predictionsOf(learner);
  await learner.rollBack(then.slice(0, 10));
  expect(predictionsOf(learner)).toBe(said);
  expect(predictionsOf(await open())).toBe(said);
  const [, before] = await learner.log(9);
  await learner.rollBack(before!.commit.id);
  expect(predictionsOf(learner)).toBe(later);
  await expect(learner.rollBack('nowhere')).rejects.toThrow('There is no commit, branch or tag "nowhere"');
});

test('what similar calls have shown is learned, replayed, and forgotten with who made them', async () => {
  const { open } = createOpen();
  const learner = await open();
  const compare = (sequence: number, more: Partial<ComparisonInteraction>): boolean => {
    const { atMs, tenant, session, client, policyVersion, arms, toolVersion, principal } = callOf(sequence);
    const origin = { sequence, atMs, tenant, principal, session, client, policyVersion, arms };
    const detail = `d${sequence}`;
    return learner.observe(
      encode({
        ...origin,
        kind: 'comparison',
        upstream: 'files',
        tool: 'read',
        toolVersion,
        edit: 'spelling',
        detail,
        isSame: true,
        ...more,
      }),
    );
  };
  const judge = () =>
    learner.models.similarity.model.judge({
      tool: 'files/read@v1',
      difference: { kind: 'spelling', detail: 'other' },
      maxWrong: 0.02,
    });
  for (let sequence = 0; sequence < 150; sequence++) compare(sequence, {});
  expect(judge()).toMatchObject({ isServed: true, evidence: 150 });
  expect(judge().checkShare).toBeLessThan(1);
  compare(150, { principal: 'liar', isSame: false });
  expect(judge().isServed).toBe(false);
  await expect(learner.replay()).resolves.toMatchObject({ facts: 151, isSame: true });
  await expect(learner.forget({ principal: 'liar' })).resolves.toMatchObject({ forgotten: 1, kept: 150 });
  expect(judge()).toMatchObject({ isServed: true, evidence: 150 });
  await learner.setFrozen(true);
  compare(151, { isSame: false });
  expect(judge()).toMatchObject({ isServed: true, evidence: 150 });
});

test('what experiments have shown is replayed, and forgotten with who was in them', async () => {
  const { open } = createOpen();
  const learner = await open();
  const arms = ['x@1=control'];
  const shown = TOOLS.map((tool, index) => ({ upstream: 'files', tool, staticRank: index + 1, propensity: 1 }));
  for (let index = 0; index < 40; index++) {
    const { sequence, atMs, tenant, principal, client, policyVersion } = callOf(index * 2);
    const session = `s${index}`;
    const search = {
      kind: 'search',
      sequence,
      atMs,
      tenant,
      principal,
      session,
      client,
      policyVersion,
      arms,
      needs: [[1]],
      shown,
    } as const;
    learner.observe(encode(search));
    learner.observe(encode(callOf(index * 2 + 1, { principal, session, arms, ending: 'ok' })));
  }
  const successOf = () => learner.models.experiments.trials.sums({ experiment: 'x@1', arm: 'control', metric: 'success' });
  expect(successOf()).toEqual({ count: 40, sum: 40, sumOfSquares: 40 });
  await learner.flush();
  expect(await learner.replay()).toMatchObject({ isSame: true });
  await learner.forget({ principal: 'p1' });
  expect(successOf().count).toBe(27);
});

test('who is forgotten was never there: the models are those of the others alone, and no older version is left', async () => {
  const { open, store } = createOpen();
  const learner = await open();
  const all = Array.from({ length: 90 }, (_, index) => callOf(index));
  for (const fact of all) learner.observe(encode(fact));
  await learner.commit('all');
  const result = await learner.forget({ principal: 'p1' });
  expect(result).toMatchObject({ forgotten: 30, kept: 60 });
  const other = await createOpen().open();
  for (const fact of all.filter(({ principal }) => principal !== 'p1')) other.observe(encode(fact));
  expect(predictionsOf(learner)).toBe(predictionsOf(other));
  expect((await other.replay()).root).toBe(result.after);
  expect(await learner.log(9)).toHaveLength(1);
  expect((await learner.log(9))[0]!.commit.notes).toMatchObject({
    forgotten: '30',
    'root before': result.before,
    'root after': result.after,
  });
  expect(await store.list('learning.commits')).toHaveLength(1);
  // And it stays so.
  expect(predictionsOf(await open())).toBe(predictionsOf(other));
  for (const bytes of facts(3, 90)) learner.observe(bytes);
  await learner.commit('goes on');
  expect((await open()).counts).toMatchObject({ learned: 63, kept: 63 });
});

test('a tool and a time are forgotten as well', async () => {
  const learner = await createOpen().open();
  for (const bytes of facts(40)) learner.observe(bytes);
  expect(await learner.forget({ upstream: 'files', tool: 'read' })).toMatchObject({ forgotten: 10, kept: 30 });
  expect(learner.models.outcomes.reports().map(({ tool }) => tool)).not.toContain('read');
  expect(await learner.forget({ sinceMs: 1_020_000, untilMs: 1_029_999 })).toMatchObject({ forgotten: 7, kept: 23 });
});

test('frozen, it learns nothing and says what it said, also after a restart', async () => {
  const { open } = createOpen();
  const learner = await open();
  for (const bytes of facts(20)) learner.observe(bytes);
  await learner.setFrozen(true);
  const said = predictionsOf(learner);
  for (const bytes of facts(20, 20)) learner.observe(bytes);
  expect(predictionsOf(learner)).toBe(said);
  const again = await open();
  expect([again.isFrozen, predictionsOf(again)]).toEqual([true, said]);
  await again.setFrozen(false);
  again.observe(facts(1, 40)[0]!);
  expect(again.counts.learned).toBe(21);
});

test('facts are kept up to the bound, and a store that is away loses none', async () => {
  const { open, store } = createOpen(100);
  const learner = await open();
  const { commit } = store;
  let isAway = true;
  store.commit = (operations) => (isAway ? Promise.reject(new Error('away')) : commit(operations));
  for (const bytes of facts(10)) learner.observe(bytes);
  await expect(learner.flush()).rejects.toThrow('away');
  isAway = false;
  for (let from = 10; from < 300; from += 10) {
    for (const bytes of facts(10, from)) learner.observe(bytes);
    await learner.flush();
  }
  expect(learner.counts).toMatchObject({ learned: 300, kept: 100 });
  expect((await open()).counts.kept).toBe(100);
});

test('what was learned between two commits is shown', async () => {
  const learner = await createOpen().open();
  for (const bytes of facts(20)) learner.observe(bytes);
  await learner.commit('one');
  const one = learner.counts.head!;
  learner.observe(encode(callOf(20, { tool: 'new' })));
  await learner.commit('two');
  const { rows } = await learner.diff(one, 'live');
  expect(rows).toContainEqual({ model: 'outcomes', table: 'tools', key: '\0files\0new\0v1', before: undefined, after: [1, 0] });
});

test('a commit that has a name is found by it, kept with it, and gone back to', async () => {
  const { open } = createOpen();
  const learner = await open();
  for (const bytes of facts(20)) learner.observe(bytes);
  const good = await learner.tag('good');
  const before = predictionsOf(learner);
  for (const bytes of facts(20, 20)) learner.observe(bytes);
  await learner.commit('later');
  expect(predictionsOf(learner)).not.toBe(before);
  await learner.rollBack('good');
  expect(predictionsOf(learner)).toBe(before);
  expect((await learner.log(9)).find(({ commit }) => commit.id === good.id)!.refs).toEqual(['good']);
  await learner.tag('good', (await learner.commit('now'), 'live'));
  await learner.untag('good');
  await expect(learner.untag('good')).rejects.toMatchObject({ code: 'UNKNOWN_NAME' });
  await expect(learner.tag('better', 'none')).rejects.toMatchObject({ code: 'UNKNOWN_NAME' });
  for (const name of ['live', 'abcdef0']) await expect(learner.tag(name)).rejects.toMatchObject({ code: 'INVALID_PARAMS' });
});
