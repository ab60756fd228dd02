import fc from 'fast-check';
import { expect, test } from 'vitest';
import { orderArms } from './order-arms.ts';

const places = (counts: Parameters<typeof orderArms>[0]) => orderArms(counts).map(({ place }) => place);

test('the better of two that are known is most likely the best, and one of which little is known gets its chance', () => {
  const [first, second] = orderArms([
    { calls: 200, failed: 30 },
    { calls: 200, failed: 5 },
  ]);
  expect([first!.place, second!.place]).toEqual([1, 0]);
  expect(first!.share).toBeGreaterThan(0.95);
  const unknown = orderArms([
    { calls: 100, failed: 20 },
    { calls: 0, failed: 0 },
  ]).find(({ place }) => place === 1)!;
  expect(unknown.share).toBeGreaterThan(0.1);
  expect(unknown.share).toBeLessThan(0.4);
});

test('what is much worse beyond doubt comes last with no chance, what only may be does not', () => {
  const bad = { calls: 50, failed: 45 };
  const ordered = orderArms([bad, { calls: 50, failed: 1 }, { calls: 0, failed: 0 }]);
  expect(ordered.at(-1)).toMatchObject({ place: 0, isHeldBack: true, share: 0 });
  expect(
    orderArms([
      { calls: 9, failed: 9 },
      { calls: 50, failed: 1 },
    ]).some(({ isHeldBack }) => isHeldBack),
  ).toBe(false);
  expect(orderArms([bad]).some(({ isHeldBack }) => isHeldBack)).toBe(false);
});

test('equals stand as they stood', () => {
  const same = { calls: 20, failed: 2 };
  expect(places([same, same, same])).toEqual([0, 1, 2]);
});

test('each is named once, shares make one, and the same counts are ordered alike', () => {
  const count = fc.double({ min: 0, max: 1e6, noNaN: true });
  const arm = fc.tuple(count, fc.double({ min: 0, max: 1, noNaN: true })).map(([calls, share]) => ({ calls, failed: calls * share }));
  fc.assert(
    fc.property(fc.array(arm, { minLength: 1, maxLength: 6 }), (counts) => {
      const ordered = orderArms(counts);
      expect(ordered.map(({ place }) => place).toSorted()).toEqual([...counts.keys()]);
      expect(ordered.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9);
      expect(orderArms(counts)).toEqual(ordered);
    }),
    { numRuns: 50 },
  );
});

test('by what it records another policy can be judged: the estimate for always the best is what it comes to', () => {
  let state = 9;
  const random = () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
  const success = [0.6, 0.75, 0.95];
  const counts = success.map(() => ({ calls: 0, failed: 0 }));
  let [estimate, succeeded] = [0, 0];
  const turns = 3_000;
  for (let turn = 0; turn < turns; turn++) {
    // As the path does it: a share of all keeps the configured order.
    const ordered = orderArms(counts).toSorted((one, other) => one.place - other.place);
    const shares = ordered.map(({ share, place }) => share * 0.9 + (place === 0 ? 0.1 : 0));
    let rest = random();
    const first = shares.findIndex((share) => (rest -= share) < 0);
    const isOk = random() < success[first]!;
    counts[first]!.calls++;
    if (isOk) succeeded++;
    else counts[first]!.failed++;
    // Of the policy that always begins with the first.
    if (first === 0 && isOk) estimate += 1 / shares[0]! / turns;
  }
  expect(Math.abs(estimate - success[0]!)).toBeLessThan(0.1);
  expect(succeeded / turns).toBeGreaterThan(0.88);
});
