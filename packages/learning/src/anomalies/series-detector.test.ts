import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createSeriesDetector } from './series-detector.ts';

const MINUTE = 60_000;
const wave = (index: number) => 100 + 50 * Math.sin((2 * Math.PI * index) / 288) + ((index * 7919) % 13) / 4;
const points = (count: number, valueOf: (index: number) => number, from = 0) =>
  Array.from({ length: count }, (_, index) => ({ atMs: (from + index) * 5 * MINUTE, value: valueOf(from + index) }));

function alarmsIn(detector: ReturnType<typeof createSeriesDetector>, series: ReturnType<typeof points>) {
  return series.flatMap((point, index) => {
    const { isAnomaly, kind } = detector.observe(point);
    return isAnomaly ? [{ index, kind }] : [];
  });
}

test('a series that goes on as it was raises no alarm', () => {
  const detector = createSeriesDetector();
  alarmsIn(detector, points(2_000, wave));
  expect(alarmsIn(detector, points(2_000, wave, 2_000))).toEqual([]);
});

test('a spike beyond everything, a shift and a missing peak are each found, and told of once', () => {
  const prepare = () => {
    const detector = createSeriesDetector();
    alarmsIn(detector, points(288 * 20, wave));
    return detector;
  };
  expect(
    alarmsIn(
      prepare(),
      points(50, (index) => (index % 10 === 5 ? 900 : wave(index)), 288 * 20),
    ),
  ).toEqual([{ index: 5, kind: 'reach' }]);
  expect(
    alarmsIn(
      prepare(),
      points(90, (index) => wave(index) + 400, 288 * 20),
    ),
  ).toHaveLength(1);
  expect(
    alarmsIn(
      prepare(),
      points(144, () => 100, 288 * 20),
    ),
  ).toMatchObject([{ kind: 'season' }]);
});

test('saving and loading changes nothing that is said later, and what is no number is passed over', () => {
  const value = fc.oneof(fc.double({ min: -1e6, max: 1e6, noNaN: true }), fc.constantFrom(Number.NaN, Infinity));
  fc.assert(
    fc.property(fc.array(value, { maxLength: 400 }), fc.array(value, { maxLength: 50 }), (before, after) => {
      const detector = createSeriesDetector();
      for (const [index, each] of before.entries()) detector.observe({ atMs: index * MINUTE, value: each });
      const copy = createSeriesDetector(JSON.parse(JSON.stringify(detector.save())) as ReturnType<typeof detector.save>);
      for (const [index, each] of after.entries()) {
        const point = { atMs: (before.length + index) * MINUTE, value: each };
        expect(copy.observe(point)).toEqual(detector.observe(point));
      }
    }),
    { numRuns: 30 },
  );
});
