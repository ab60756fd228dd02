import type { ExperimentInForce } from '@signalbox/learning';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { armsOf, toTrials } from './to-trials.ts';

const of = (more: Partial<ExperimentInForce>): ExperimentInForce => ({
  trial: 'x@2',
  name: 'x',
  stage: 'canary',
  share: 0.5,
  candidate: { kind: 'limit', limit: 8 },
  ...more,
});
const units = Array.from({ length: 2_000 }, (_, index) => `u${index}`);
const RANKING = { candidate: { kind: 'ranking' } } as const;

test('without experiments nothing is tried', () => {
  expect(toTrials([])).toBeUndefined();
});

test('half of the units have the candidate, and what they are shown is what their arm says', () => {
  const trials = toTrials([of({})])!;
  const candidates = units.filter((unit) => trials(unit)!.limit!.isCandidate);
  expect(Math.abs(candidates.length - 1_000)).toBeLessThan(120);
  fc.assert(
    fc.property(fc.string(), (unit) => {
      const { limit, arms, ranking } = trials(unit)!;
      expect(arms).toEqual([`x@2=${limit!.isCandidate ? 'candidate' : 'control'}`]);
      expect(ranking).toBeUndefined();
    }),
  );
});

test('in the shadow, and once demoted, everybody gets the static ranking; only the shadow has an arm', () => {
  const shadow = toTrials([of({ ...RANKING, stage: 'shadow', share: 0 })])!('u1')!;
  expect(shadow).toMatchObject({ ranking: { isAdvised: false, share: 0 }, arms: ['x@2=shadow'] });
  const demoted = toTrials([of({ ...RANKING, stage: 'demoted', share: 0 })])!('u1')!;
  expect(demoted).toMatchObject({ ranking: { isAdvised: false, share: 0 }, arms: [] });
});

test('another description is shown to its arm only, which stands in the facts of calls as well', () => {
  const candidate = { kind: 'description', upstream: 'files', tool: 'read', description: 'Reads a file' } as const;
  for (const [share, arm, text] of [
    [1, 'candidate', 'Reads a file'],
    [0, 'control', undefined],
  ] as const) {
    const trials = toTrials([of({ candidate, share })])!('u1')!;
    expect(trials.arms).toEqual([]);
    expect(trials.descriptions).toEqual([{ upstream: 'files', tool: 'read', arm: `x@2=${arm}`, ...(text !== undefined && { text }) }]);
    expect(armsOf(trials)).toEqual([`x@2=${arm}`]);
  }
});
