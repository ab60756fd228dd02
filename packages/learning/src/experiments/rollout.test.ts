import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ArmComparison } from './compare-arms.ts';
import { startRollout, stepRollout, type Rollout, type RolloutEvent, type RolloutPolicy } from './rollout.ts';

const policy: RolloutPolicy = {
  goal: { metric: 'ok', better: 'more' },
  guards: [{ metric: 'slow', better: 'less', margin: 0.01 }],
  minStageMs: 1_000,
};

const between = (low: number, high: number): ArmComparison => ({
  low,
  high,
  difference: (low + high) / 2,
  verdict: low > 0 ? 'better' : high < 0 ? 'worse' : 'undecided',
});

function evidence(atMs: number, { ok = between(-0.01, 0.03), slow = between(-0.005, 0.005), isBalanced = true } = {}): RolloutEvent {
  const measured = new Map([
    ['ok', ok],
    ['slow', slow],
  ]);
  return { kind: 'evidence', atMs, sure: measured, suspected: measured, isBalanced };
}

const run = (events: readonly RolloutEvent[], from: Rollout = startRollout(0)) =>
  events.reduce((rollout, event) => stepRollout(rollout, { event, policy }), from);
const gain = { ok: between(0.01, 0.03) };
const harm = { ok: between(-0.03, -0.01) };

test('a candidate goes from the shadow to a canary to promotion, a stage at a time and each after its time', () => {
  expect(run([evidence(500, gain)]).stage).toBe('shadow');
  const canary = run([evidence(1_000, gain)]);
  expect(canary).toMatchObject({ stage: 'canary', share: 0.1, version: 2 });
  expect(run([evidence(1_500, gain)], canary).stage).toBe('canary');
  const promoted = run([evidence(2_000, gain)], canary);
  expect(promoted).toMatchObject({ stage: 'promoted', share: 0.95, version: 3 });
  expect(promoted.steps.map(({ stage, reason }) => `${stage}: ${reason}`)).toEqual([
    'shadow: it is new',
    'canary: no guard is worse in the shadow',
    'promoted: "ok" is better by 0.0200, surely by 0.0100, and every guard holds',
  ]);
});

test('without a sure gain a canary stays one', () => {
  expect(run([evidence(1_000), evidence(9_000)]).stage).toBe('canary');
});

test('a guard that may be worse by more than its margin holds a candidate back', () => {
  const unsure = { ...gain, slow: between(-0.05, 0.05) };
  expect(run([evidence(1_000, unsure)]).stage).toBe('shadow');
});

test('harm demotes at once, from every stage, and names what was worse', () => {
  const canary = run([evidence(1_000, gain)]);
  const promoted = run([evidence(2_000, gain)], canary);
  for (const rollout of [startRollout(0), canary, promoted]) {
    expect(run([evidence(rollout.sinceMs + 1, harm)], rollout)).toMatchObject({ stage: 'demoted', share: 0 });
  }
  expect(run([evidence(2_001, { ...gain, slow: between(0.02, 0.04) })], promoted).steps.at(-1)!.reason).toBe('"slow" is worse by 0.0300');
  expect(run([evidence(2_001, { ...gain, isBalanced: false })], promoted).stage).toBe('demoted');
});

test('a frozen candidate stays, but harm still demotes it', () => {
  const frozen = run([{ kind: 'freeze', atMs: 1 }]);
  expect(run([evidence(5_000, gain)], frozen).stage).toBe('shadow');
  expect(run([evidence(5_000, harm)], frozen).stage).toBe('demoted');
  expect(run([{ kind: 'thaw', atMs: 2 }, evidence(5_000, gain)], frozen).stage).toBe('canary');
});

test('an operator stops a candidate and starts it anew', () => {
  const stopped = run([evidence(1_000, gain), { kind: 'kill', atMs: 1_100 }]);
  expect(stopped).toMatchObject({ stage: 'demoted', version: 3 });
  expect(run([evidence(9_000, gain)], stopped)).toBe(stopped);
  expect(run([{ kind: 'retry', atMs: 9_000 }], stopped)).toMatchObject({ stage: 'shadow', version: 4 });
});

test('whatever happens, versions rise, shares fit the stage, no stage is skipped and the history is bounded', () => {
  const comparison = fc
    .tuple(fc.double({ min: -1, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }))
    .map(([low, width]) => between(low, low + width));
  const event = fc.oneof(
    fc.record({ ok: comparison, slow: comparison, isBalanced: fc.boolean() }).map((seen) => evidence(0, seen)),
    fc.constantFrom<RolloutEvent>(
      { kind: 'freeze', atMs: 0 },
      { kind: 'thaw', atMs: 0 },
      { kind: 'kill', atMs: 0 },
      { kind: 'retry', atMs: 0 },
    ),
  );
  fc.assert(
    fc.property(fc.array(event, { maxLength: 300 }), (events) => {
      let rollout = startRollout(0);
      for (const [index, next] of events.entries()) {
        const before = rollout;
        rollout = stepRollout(rollout, { event: { ...next, atMs: index * 1_000 }, policy });
        const moved = `${before.stage} ${rollout.stage}`;
        expect(rollout.version - before.version).toBe(before.stage === rollout.stage ? 0 : 1);
        expect(
          before.stage === rollout.stage ||
            rollout.stage === 'demoted' ||
            ['shadow canary', 'canary promoted', 'demoted shadow'].includes(moved),
        ).toBe(true);
        expect(rollout.share).toBe({ shadow: 0, demoted: 0, canary: 0.1, promoted: 0.95 }[rollout.stage]);
        expect(rollout.steps.length).toBeLessThanOrEqual(100);
      }
    }),
  );
});
