import { expect, test } from 'vitest';
import type { Interaction } from '../interaction.ts';
import { createCall } from '../testing/create-call.ts';
import { assignArm } from './assign-arm.ts';
import { Experiments, type ExperimentWish } from './experiments.ts';
import { createTrialReader, unitOf } from './read-trials.ts';
import { createTrialModel } from './trial-model.ts';

const WISH: ExperimentWish = { name: 'learned', kind: 'ranking', share: 0.5, minMs: 0, alpha: 0.05 };

function createRandom(seed: number): () => number {
  let state = seed;
  return () => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0), state / 2 ** 32);
}

interface World {
  /** Chance that a search comes to something, without the candidate and with it. */
  readonly found: readonly [control: number, candidate: number];
  readonly ok?: readonly [control: number, candidate: number];
  readonly sessions?: number;
  readonly seed?: number;
}

/** Sessions of one search each, with a call of what was shown and one of something else, each in the arm that it is given. */
function live(experiments: Experiments, { found, ok = [0.9, 0.9], sessions = 3_000, seed = 1 }: World) {
  const random = createRandom(seed);
  const trials = createTrialModel();
  const read = createTrialReader();
  const observe = (fact: Interaction) => {
    for (const value of read(fact)) trials.observe(value);
  };
  for (let session = 0; session < sessions; session++) {
    const [running] = experiments.running();
    if (running === undefined) break;
    const atMs = session * 1_000;
    const name = `s${session}`;
    const arm = assignArm({ experiment: running.trial, unit: unitOf(name, atMs), share: running.share });
    const index = arm === 'candidate' ? 1 : 0;
    const base = { ...createCall({ session: name, principal: name, atMs, arms: [`${running.trial}=${arm}`] }) };
    observe({ ...base, kind: 'search', needs: [[1]], shown: [{ upstream: base.upstream, tool: 'shown', staticRank: 1, propensity: 1 }] });
    if (random() < found[index]) observe({ ...base, tool: 'shown', ending: 'ok' });
    observe({ ...base, tool: 'other', ending: random() < ok[index] ? 'ok' : 'toolError' });
    if (session % 50 === 0) experiments.step(trials, atMs);
  }
  return trials;
}

test('a candidate that helps is promoted, and goes on being watched', () => {
  const experiments = new Experiments();
  experiments.start(WISH, 0);
  const trials = live(experiments, { found: [0.4, 0.6], sessions: 8_000 });
  const report = experiments.report('learned', trials);
  expect(report).toMatchObject({ stage: 'promoted', currentShare: 0.95, version: 2 });
  expect(report.steps.map(({ stage }) => stage)).toEqual(['canary', 'promoted']);
  live(experiments, { found: [0.6, 0.4], sessions: 60_000 });
  expect(experiments.report('learned', trials).stage).toBe('demoted');
});

test('one that harms is taken back, by what it finds or by how calls end', () => {
  for (const world of [{ found: [0.5, 0.35] }, { found: [0.4, 0.6], ok: [0.95, 0.7] }] satisfies World[]) {
    const experiments = new Experiments();
    experiments.start(WISH, 0);
    const trials = live(experiments, world);
    expect(experiments.report('learned', trials)).toMatchObject({ stage: 'demoted', currentShare: 0 });
    expect(experiments.running()).toEqual([]);
  }
});

test('one that changes nothing is promoted in fewer than one of twenty', () => {
  let promoted = 0;
  for (let seed = 1; seed <= 40; seed++) {
    const experiments = new Experiments();
    experiments.start(WISH, 0);
    const trials = live(experiments, { found: [0.5, 0.5], sessions: 1_500, seed });
    if (experiments.report('learned', trials).steps.some(({ stage }) => stage === 'promoted')) promoted++;
  }
  expect(promoted).toBeLessThanOrEqual(40 * 0.05 + 3 * Math.sqrt(40 * 0.05 * 0.95));
});

test('what a session shows again and again counts ten times, and a search that came to nothing counts as such', () => {
  const trials = createTrialModel();
  const read = createTrialReader();
  const base = { ...createCall({ session: 's', principal: 'p', arms: ['x#1=candidate'] }) };
  const shown = [{ upstream: base.upstream, tool: 'shown', staticRank: 1, propensity: 1 }];
  for (let minute = 0; minute < 30; minute++)
    for (const value of read({ ...base, kind: 'search', atMs: minute * 60_000, needs: [[1]], shown })) trials.observe(value);
  expect(trials.sums({ experiment: 'x#1', arm: 'candidate', metric: 'found' })).toEqual({ count: 10, sum: 0, sumOfSquares: 0 });
  expect(trials.sums({ experiment: 'x#1', arm: 'candidate', metric: 'unit' }).count).toBe(1);
});

test('experiments outlive their process, one of a kind runs at a time, and operators have the last word', () => {
  const experiments = new Experiments();
  experiments.start(WISH, 0);
  const again = new Experiments(experiments.toText());
  expect(again.running()).toEqual([{ trial: 'learned#1', kind: 'ranking', share: 0.5 }]);
  expect(() => again.start(WISH, 1)).toThrow(/"learned".*runs already/);
  expect(() => again.start({ ...WISH, name: 'other' }, 1)).toThrow(/"learned" of the same kind runs/);
  expect(() => again.steer('none', 'stop', 1)).toThrow(/no experiment "none"/);
  expect(() => again.steer('learned', 'remove', 1)).toThrow(/stop it first/);
  again.steer('learned', 'freeze', 1);
  const trials = live(again, { found: [0.3, 0.8] });
  expect(again.report('learned', trials)).toMatchObject({ stage: 'canary', isFrozen: true });
  again.steer('learned', 'stop', 2);
  expect(again.running()).toEqual([]);
  again.start(WISH, 3);
  expect(again.running()).toMatchObject([{ trial: 'learned#3' }]);
  again.steer('learned', 'stop', 4);
  again.steer('learned', 'remove', 5);
  expect(again.reports(trials)).toEqual([]);
});
