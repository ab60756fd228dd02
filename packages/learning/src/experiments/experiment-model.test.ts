import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Interaction, SearchInteraction } from '../interaction.ts';
import { createCall } from '../testing/create-call.ts';
import { createExperimentModel, type ExperimentModel } from './experiment-model.ts';

const TOOLS = ['read', 'write', 'list'];

function searchOf(more: Partial<SearchInteraction> = {}): SearchInteraction {
  return {
    kind: 'search',
    sequence: 1,
    atMs: 1_000,
    tenant: '',
    principal: 'p1',
    session: 's1',
    client: 'test',
    policyVersion: 1,
    arms: ['x@1=control'],
    needs: [[1, 2, 3]],
    shown: TOOLS.map((tool, index) => ({ upstream: 'files', tool, staticRank: index + 1, propensity: 1, candidateRank: 3 - index })),
    answerBytes: 2_048,
    ...more,
  };
}

const sumsOf = ({ trials }: ExperimentModel, metric: string, arm = 'control', experiment = 'x@1') =>
  trials.sums({ experiment, arm, metric });
const meanOf = (model: ExperimentModel, metric: string, arm = 'control') => {
  const { count, sum } = sumsOf(model, metric, arm);
  return sum / count;
};

function learn(facts: readonly Interaction[], model = createExperimentModel()): ExperimentModel {
  for (const fact of facts) model.observe(fact);
  return model;
}

test('a session is one value of each metric, the mean of what it has done', () => {
  const arms = ['x@1=control'];
  const model = learn([
    searchOf(),
    createCall({ atMs: 1_100, arms, tool: 'read' }),
    createCall({ atMs: 1_200, arms, tool: 'read', durationMs: 5_000 }),
    searchOf({ atMs: 2_000 }),
    searchOf({ atMs: 3_000, answerBytes: 8_192 }),
    createCall({ atMs: 3_100, arms, tool: 'write', ending: 'toolError' }),
  ]);
  expect(meanOf(model, 'success')).toBeCloseTo(1 / 3, 3);
  expect(meanOf(model, 'repeated')).toBeCloseTo(1 / 3, 3);
  expect(meanOf(model, 'failed')).toBeCloseTo(1 / 3, 3);
  expect(meanOf(model, 'slow')).toBeCloseTo(1 / 3, 3);
  expect(meanOf(model, 'kilobytes')).toBeCloseTo(4, 3);
  for (const metric of ['success', 'repeated', 'failed', 'slow', 'kilobytes', 'sessions']) expect(sumsOf(model, metric).count).toBe(1);
});

test('a call counts where its session has searched in the same arm, unless its caller cancelled it', () => {
  const model = learn([
    createCall({ arms: ['x@1=control'] }),
    searchOf(),
    createCall({ atMs: 1_100, arms: ['x@1=candidate'] }),
    createCall({ atMs: 1_200, arms: ['x@1=control'], ending: 'cancelled' }),
  ]);
  expect([sumsOf(model, 'failed').count, sumsOf(model, 'failed', 'candidate').count]).toEqual([0, 0]);
});

test('a tool that was not shown is no success, and neither is the same choice a second one', () => {
  const arms = ['x@1=control'];
  const model = learn([
    searchOf(),
    createCall({ atMs: 1_100, arms, tool: 'other' }),
    createCall({ atMs: 1_200, arms, tool: 'read' }),
    createCall({ atMs: 1_300, arms, tool: 'write' }),
  ]);
  expect(sumsOf(model, 'success')).toEqual({ count: 1, sum: 1, sumOfSquares: 1 });
});

test('in the shadow both rankings are judged by where they had what was chosen, and nothing else', () => {
  const arms = ['x@1=shadow'];
  const model = learn([searchOf({ arms }), createCall({ atMs: 1_100, arms, tool: 'list' })]);
  expect(meanOf(model, 'place')).toBeCloseTo(1 / 3, 3);
  expect(meanOf(model, 'place', 'candidate')).toBe(1);
  expect(sumsOf(model, 'success').count).toBe(0);
  expect(sumsOf(model, 'sessions', 'candidate').count).toBe(1);
});

test('what comes of a search counts for its arm, also when its stage has ended before the call', () => {
  const model = learn([searchOf(), createCall({ atMs: 1_100, arms: ['x@2=control'], tool: 'read' })]);
  expect(meanOf(model, 'success')).toBe(1);
  expect(sumsOf(model, 'success', 'control', 'x@2').count).toBe(0);
});

test('facts without arms teach nothing', () => {
  const model = learn([searchOf({ arms: [] }), createCall({ atMs: 1_100 })]);
  expect([...model.save().values()].map((table) => table.size)).toEqual([0, 0]);
});

const facts: fc.Arbitrary<readonly Interaction[]> = fc
  .array(
    fc.record({
      isSearch: fc.boolean(),
      session: fc.constantFrom('s1', 's2', 's3', 's4', 's5', 's6'),
      arms: fc.constantFrom(['x@1=control'], ['x@1=candidate'], ['x@1=shadow'], ['x@1=control', 'y@3=candidate'], ['odd'], []),
      tool: fc.constantFrom(...TOOLS, 'other'),
      ending: fc.constantFrom('ok' as const, 'toolError' as const, 'cancelled' as const),
      gap: fc.nat({ max: 200_000 }),
    }),
    { maxLength: 60 },
  )
  .map((all) => {
    let atMs = 0;
    return all.map(({ isSearch, session, arms, tool, ending, gap }) => {
      atMs += gap;
      return isSearch ? searchOf({ atMs, session, arms }) : createCall({ atMs, session, arms, tool, ending });
    });
  });

test('the sums are those of the sessions as they stand, whatever came', () => {
  fc.assert(
    fc.property(facts, (all) => {
      const model = learn(all);
      for (const arm of ['control', 'candidate']) {
        const { count, sum, sumOfSquares } = sumsOf(model, 'success', arm);
        const rows = [...model.save().get('sessions')!].filter(([name, row]) => name.startsWith(`x@1=${arm}\0`) && row[1]! > 0);
        const means = rows.map(([, row]) => Math.round((row[2]! / row[1]!) * 1_000) / 1_000);
        expect(count).toBe(rows.length);
        expect(sum).toBeCloseTo(
          means.reduce((total, mean) => total + mean, 0),
          6,
        );
        expect(sumOfSquares).toBeCloseTo(
          means.reduce((total, mean) => total + mean * mean, 0),
          6,
        );
        for (const mean of means) expect(mean).toBeLessThanOrEqual(1);
      }
    }),
  );
});

test('the same facts give the same rows, also after a restart between two sessions, and under a limit', () => {
  fc.assert(
    fc.property(facts, facts, (one, other) => {
      const later = other.map((fact) => ({ ...fact, session: `later ${fact.session}`, atMs: fact.atMs + 20_000_000 }));
      for (const maxSessions of [4, 100]) {
        const whole = learn([...one, ...later], createExperimentModel({ maxSessions }));
        const again = createExperimentModel({ maxSessions });
        again.load(learn(one, createExperimentModel({ maxSessions })).save());
        learn(later, again);
        expect(toText(again)).toBe(toText(whole));
        expect(whole.save().get('sessions')!.size).toBeLessThanOrEqual(maxSessions);
      }
    }),
  );
});

function toText(model: ExperimentModel): string {
  return JSON.stringify([...model.save()].map(([name, rows]) => [name, [...rows].toSorted(([a], [b]) => (a < b ? -1 : 1))]));
}
