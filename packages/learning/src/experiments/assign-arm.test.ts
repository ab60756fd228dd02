import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { assignArm, isBalanced } from './assign-arm.ts';

const units = Array.from({ length: 20_000 }, (_, index) => `session ${index}`);
const has = (experiment: string, share: number) => units.map((unit) => assignArm({ experiment, unit, share }) === 'candidate');
const countOf = (held: readonly boolean[]) => held.filter(Boolean).length;

test('a unit keeps its arm, also while the share grows', () => {
  fc.assert(
    fc.property(
      fc.string(),
      fc.string(),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (experiment, unit, one, other) => {
        const [less, more] = [Math.min(one, other), Math.max(one, other)];
        const before = assignArm({ experiment, unit, share: less });
        expect(assignArm({ experiment, unit, share: less })).toBe(before);
        expect(before === 'control' || assignArm({ experiment, unit, share: more }) === 'candidate').toBe(true);
      },
    ),
  );
});

test('arms have the size of their share, and none at all at its ends', () => {
  expect(countOf(has('a', 0))).toBe(0);
  expect(countOf(has('a', 1))).toBe(units.length);
  const candidate = countOf(has('a', 0.1));
  expect(isBalanced({ control: units.length - candidate, candidate, share: 0.1 })).toBe(true);
});

test('experiments do not depend on each other', () => {
  const [one, other] = [has('a', 0.5), has('b', 0.5)];
  const both = one.filter((held, index) => held && other[index]).length;
  expect(Math.abs(both - units.length / 4)).toBeLessThan(5 * Math.sqrt((units.length * 3) / 16));
});

test('an arm that loses units is noticed', () => {
  expect(isBalanced({ control: 9_000, candidate: 900, share: 0.1 })).toBe(true);
  expect(isBalanced({ control: 9_000, candidate: 700, share: 0.1 })).toBe(false);
  expect(isBalanced({ control: 0, candidate: 0, share: 0.1 })).toBe(true);
});
