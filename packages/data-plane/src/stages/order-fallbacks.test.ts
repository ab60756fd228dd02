import { silentLogger, type Advice, type Target } from '@signalbox/core';
import { expect, test } from 'vitest';
import { createAdviceGuard } from '../advice-guard.ts';
import { createTestClock } from '../testing/test-clock.ts';
import { orderFallbacks } from './order-fallbacks.ts';

const FALLBACKS: readonly Target[] = ['b', 'c', 'd'].map((upstream) => ({ upstream, name: 'x', definition: undefined }));
const advise = (...shares: readonly (readonly [upstream: string, share: number])[]): Advice['fallbacks'] => {
  return () => shares.map(([upstream, share]) => ({ upstream, tool: 'x', share }));
};
function order(fallbacks: Advice['fallbacks'], draws: readonly number[] = [0.5, 0], targets = FALLBACKS) {
  const advice = createAdviceGuard({ current: { version: 1, fallbacks } }, { clock: createTestClock(), logger: silentLogger });
  const left = [...draws];
  const { targets: ordered, choices } = orderFallbacks(targets, { advice, random: () => left.shift()! });
  return { names: ordered.map(({ upstream }) => upstream).join(''), choices };
}

test('fallbacks are drawn by the advised shares beside a share of the configured order, and the record says how likely each was', () => {
  const advice = advise(['d', 0.75], ['b', 0.25], ['c', 0]);
  expect(order(advice).names).toBe('dbc');
  expect(order(advice, [0.5, 0.8]).names).toBe('bdc');
  expect(order(advice, [0.05]).names).toBe('bcd');
  const { choices } = order(advice);
  expect(choices.map(({ upstream, staticPlace }) => [upstream, staticPlace])).toEqual([
    ['d', 3],
    ['b', 1],
    ['c', 2],
  ]);
  const propensities = choices.map(({ propensity }) => propensity);
  for (const [index, wanted] of [0.675, 0.325, 0].entries()) expect(propensities[index]).toBeCloseTo(wanted, 9);
});

test('what is recorded is how often each is first', () => {
  let state = 7;
  const random = () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
  const firsts = new Map<string, number>();
  let choices: ReturnType<typeof order>['choices'] = [];
  for (let turn = 0; turn < 4_000; turn++) {
    const made = order(advise(['d', 3], ['b', 1], ['c', 1]), [random(), random()]);
    firsts.set(made.names[0]!, (firsts.get(made.names[0]!) ?? 0) + 1 / 4_000);
    ({ choices } = made);
  }
  for (const { upstream, propensity } of choices) expect(Math.abs(firsts.get(upstream)! - propensity)).toBeLessThan(0.03);
});

test('without advice, with advice that makes no sense, and for a single fallback the configured order stands', () => {
  const wrong: readonly Advice['fallbacks'][] = [
    undefined,
    () => undefined,
    () => [],
    advise(['d', 1]),
    advise(['d', 1], ['d', 1], ['b', 1]),
    advise(['d', 1], ['b', 1], ['stranger', 1]),
    advise(['d', Number.NaN], ['b', 1], ['c', 1]),
    advise(['d', -1], ['b', 2], ['c', 1]),
    advise(['d', Infinity], ['b', 1], ['c', 1]),
    advise(['d', 0], ['b', 0], ['c', 0]),
    () => [undefined, null, 3] as never,
    () => {
      throw new Error('broken');
    },
  ];
  for (const advice of wrong) {
    const { names, choices } = order(advice);
    expect(names).toBe('bcd');
    expect(choices.map(({ propensity }) => propensity)).toEqual([1, 0, 0]);
  }
  const never = () => {
    throw new Error('there is nothing to ask');
  };
  expect(order(never, [], FALLBACKS.slice(0, 1))).toEqual({
    names: 'b',
    choices: [{ upstream: 'b', tool: 'x', staticPlace: 1, propensity: 1 }],
  });
});
