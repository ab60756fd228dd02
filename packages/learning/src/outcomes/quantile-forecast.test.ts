import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createQuantileForecast } from './quantile-forecast.ts';

function random(seed: number) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}

function coverageOf(valueOf: (index: number, next: () => number) => number, level = 0.95): number {
  const forecast = createQuantileForecast({ level });
  const next = random(7);
  let [covered, count] = [0, 0];
  for (let index = 0; index < 6_000; index++) {
    const value = valueOf(index, next);
    const said = forecast.predict();
    if (index >= 500) {
      count++;
      if (value <= said!) covered++;
    }
    forecast.observe(value);
  }
  return covered / count;
}

test('values stay below as often as is wanted: on noise, with long tails, on a walk, after a shift', () => {
  for (const valueOf of [
    (_: number, next: () => number) => next(),
    (_: number, next: () => number) => (-Math.log(1 - next())) ** 3,
    (index: number, next: () => number) => index / 10 + next(),
    (index: number, next: () => number) => (index > 3_000 ? 100 : 1) * (1 + next()),
  ])
    expect(Math.abs(coverageOf(valueOf) - 0.95)).toBeLessThan(0.02);
  expect(Math.abs(coverageOf((_, next) => next(), 0.8) - 0.8)).toBeLessThan(0.02);
});

test('whatever comes, a forecast is a number, and nothing is said of a series that has not begun', () => {
  expect(createQuantileForecast().predict()).toBeUndefined();
  const values = fc.array(fc.oneof(fc.double({ min: -1e9, max: 1e9 }), fc.constantFrom(0, 1, Number.NaN, Infinity)), {
    minLength: 1,
    maxLength: 100,
  });
  fc.assert(
    fc.property(values, (series) => {
      const forecast = createQuantileForecast({ window: 10 });
      for (const value of series) forecast.observe(value);
      expect(Number.isFinite(forecast.predict() ?? 0)).toBe(true);
    }),
    { examples: [[[0, 2.342183008954951e-308, 2.105263157894738, 0]]] },
  );
});
