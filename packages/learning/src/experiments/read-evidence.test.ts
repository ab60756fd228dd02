import { expect, test } from 'vitest';
import { readEvidence } from './read-evidence.ts';
import { startRollout, stepRollout, type Rollout, type RolloutPolicy } from './rollout.ts';
import { createTrialModel } from './trial-model.ts';

const policy: RolloutPolicy = {
  goal: { metric: 'ok', better: 'more' },
  guards: [{ metric: 'slow', better: 'less', margin: 0.05 }],
  minStageMs: 0,
};

function createRandom(seed: number): () => number {
  let state = seed;
  return () => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0), state / 2 ** 32);
}

interface World {
  readonly ok: number;
  readonly slow?: number;
  readonly seed: number;
}

/** A canary beside a control that succeeds in 80 of 100 calls and is slow in 10. @returns where it ended, after how many calls an arm. */
function live({ ok, slow = 0.1, seed }: World): { stage: string; calls: number } {
  const random = createRandom(seed);
  const trials = createTrialModel();
  let rollout: Rollout = { ...startRollout(0), stage: 'canary' };
  let calls = 0;
  while (calls < 6_000 && rollout.stage === 'canary') {
    calls++;
    for (const [arm, shares] of [
      ['control', [0.8, 0.1]],
      ['candidate', [ok, slow]],
    ] as const) {
      trials.observe({ experiment: 'x', arm, metric: 'ok', value: random() < shares[0] ? 1 : 0 });
      trials.observe({ experiment: 'x', arm, metric: 'slow', value: random() < shares[1] ? 1 : 0 });
    }
    if (calls % 50 === 0)
      rollout = stepRollout(rollout, { event: readEvidence(trials, { experiment: 'x', policy, atMs: calls, horizon: 6_000 }), policy });
  }
  return { stage: rollout.stage, calls };
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
const lives = (world: Omit<World, 'seed'>, count = 20) => Array.from({ length: count }, (_, seed) => live({ ...world, seed: seed + 1 }));

test('what is better is promoted, what is worse is demoted, and sooner', () => {
  const [better, worse] = [lives({ ok: 0.86 }), lives({ ok: 0.74 })];
  expect(better.filter(({ stage }) => stage === 'promoted').length).toBeGreaterThanOrEqual(17);
  expect(worse.every(({ stage }) => stage === 'demoted')).toBe(true);
  expect(median(worse.map(({ calls }) => calls))).toBeLessThan(median(better.map(({ calls }) => calls)));
});

test('what is no better is hardly ever promoted, and neither is a gain that breaks a guard', () => {
  expect(lives({ ok: 0.8 }, 15).filter(({ stage }) => stage === 'promoted').length).toBeLessThanOrEqual(1);
  expect(lives({ ok: 0.86, slow: 0.25 }).every(({ stage }) => stage === 'demoted')).toBe(true);
});
