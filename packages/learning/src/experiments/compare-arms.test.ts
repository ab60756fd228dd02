import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareArms, type ArmSums } from './compare-arms.ts';
import { normalQuantile } from './normal-quantile.ts';

const shareOf = (successes: number, count: number): ArmSums => ({ count, sum: successes, sumOfSquares: successes });

function createRandom(seed: number): () => number {
  let state = seed;
  return () => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0), state / 2 ** 32);
}

/** @returns whether a verdict was given at any look, of which there is one after every tenth pair of values. */
function peek({ control, candidate, count, random }: { control: number; candidate: number; count: number; random: () => number }): boolean {
  let [one, other] = [0, 0];
  for (let seen = 1; seen <= count; seen++) {
    if (random() < control) one++;
    if (random() < candidate) other++;
    if (seen % 10 === 0 && compareArms(shareOf(one, seen), shareOf(other, seen), { horizon: count }).verdict !== 'undecided') return true;
  }
  return false;
}

test('looking after every few values calls a difference that is not there in fewer than one of twenty experiments', () => {
  const random = createRandom(5);
  let called = 0;
  for (let run = 0; run < 400; run++) if (peek({ control: 0.7, candidate: 0.7, count: 1_000, random })) called++;
  // 400 runs at 5 %, and three standard errors.
  expect(called).toBeLessThan(400 * 0.05 + 3 * Math.sqrt(400 * 0.05 * 0.95));
});

test('a difference that is there is found', () => {
  const random = createRandom(6);
  let called = 0;
  for (let run = 0; run < 100; run++) if (peek({ control: 0.7, candidate: 0.8, count: 1_000, random })) called++;
  expect(called).toBeGreaterThan(95);
});

test('the interval excludes nothing exactly where there is no verdict, and mirrors when the arms change places', () => {
  const arm = fc.nat({ max: 5_000 }).chain((count) => fc.nat({ max: count }).map((successes) => shareOf(successes, count)));
  fc.assert(
    fc.property(arm, arm, (control, candidate) => {
      const { low, high, verdict, difference } = compareArms(control, candidate);
      expect(low).toBeLessThanOrEqual(difference);
      expect(high).toBeGreaterThanOrEqual(difference);
      expect(verdict).toBe(low > 0 ? 'better' : high < 0 ? 'worse' : 'undecided');
      const back = compareArms(candidate, control);
      expect(back.low).toBeCloseTo(-high, 9);
      expect(back.high).toBeCloseTo(-low, 9);
    }),
  );
});

test('a smaller alpha gives a wider interval, and few values give none', () => {
  const [control, candidate] = [shareOf(700, 1_000), shareOf(760, 1_000)];
  expect(compareArms(control, candidate, { alpha: 0.01 }).low).toBeLessThan(compareArms(control, candidate, { alpha: 0.1 }).low);
  expect(compareArms(shareOf(0, 0), shareOf(0, 0))).toEqual({ difference: 0, low: -Infinity, high: Infinity, verdict: 'undecided' });
  expect(compareArms(shareOf(0, 49), shareOf(49, 49)).verdict).toBe('undecided');
});

test('it goes on past the horizon', () => {
  const { low, high, verdict } = compareArms(shareOf(50_000, 100_000), shareOf(56_000, 100_000), { horizon: 1_000 });
  expect(verdict).toBe('better');
  expect(high - low).toBeLessThan(0.05);
});

test('quantiles of the normal distribution', () => {
  expect(normalQuantile(0.975)).toBeCloseTo(1.95996, 3);
  expect(normalQuantile(0.05)).toBeCloseTo(-1.64485, 3);
  expect([normalQuantile(0), normalQuantile(1)]).toEqual([-Infinity, Infinity]);
});
