import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { LatencySketch, readLatencies, sumLatencies } from './latency-sketch.ts';

const times = fc.array(fc.double({ min: 0.01, max: 1_000_000, noNaN: true }), { minLength: 1, maxLength: 300 });

test('percentiles are within two hundredths of the truth', () => {
  fc.assert(
    fc.property(times, (all) => {
      const sketch = new LatencySketch();
      for (const ms of all) sketch.add(ms);
      const sorted = all.toSorted((left, right) => left - right);
      const { count, p50Ms, p90Ms, p99Ms, maxMs } = readLatencies(sketch.total());
      expect([count, maxMs]).toEqual([all.length, sorted.at(-1)]);
      for (const [share, found] of [
        [0.5, p50Ms],
        [0.9, p90Ms],
        [0.99, p99Ms],
      ] as const) {
        const exact = sorted[Math.ceil(share * all.length) - 1]!;
        expect(Math.abs(found - exact)).toBeLessThanOrEqual(0.02 * exact);
      }
    }),
  );
});

test('what is older than five turns is forgotten', () => {
  const sketch = new LatencySketch();
  sketch.add(5);
  for (let turn = 0; turn < 4; turn++) sketch.turn();
  expect(readLatencies(sketch.total()).count).toBe(1);
  sketch.add(7);
  sketch.turn();
  expect(readLatencies(sketch.total())).toMatchObject({ count: 1, maxMs: 7 });
  for (let turn = 0; turn < 5; turn++) sketch.turn();
  expect(sketch.isEmpty).toBe(true);
  expect(readLatencies(sketch.total())).toEqual({ count: 0, p50Ms: 0, p90Ms: 0, p99Ms: 0, maxMs: 0 });
});

test('several sketches add up as if all had gone into one', () => {
  fc.assert(
    fc.property(times, times, (left, right) => {
      const [one, other, both] = [new LatencySketch(), new LatencySketch(), new LatencySketch()];
      for (const ms of left) {
        one.add(ms);
        both.add(ms);
      }
      for (const ms of right) {
        other.add(ms);
        both.add(ms);
      }
      expect(sumLatencies([one.total(), other.total()])).toEqual(both.total());
    }),
  );
});
