import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { mergeStates } from '../merge-states.ts';
import { createTrialModel, type TrialValue } from './trial-model.ts';

const values: fc.Arbitrary<readonly TrialValue[]> = fc.array(
  fc.record({
    experiment: fc.constantFrom('x', 'y'),
    arm: fc.constantFrom('control', 'candidate'),
    metric: fc.constantFrom('ok', 'seconds'),
    value: fc.oneof(fc.constantFrom(0, 1), fc.double()),
  }),
);

function learn(seen: readonly TrialValue[]) {
  const model = createTrialModel();
  for (const value of seen) model.observe(value);
  return model;
}

test('two halves merged are the whole, to the last bit', () => {
  fc.assert(
    fc.property(values, values, (one, other) => {
      const [a, b] = [learn(one), learn(other)];
      const merged = createTrialModel();
      merged.load(mergeStates(a.tables, { base: new Map(), a: a.save(), b: b.save() }));
      const whole = learn([...one, ...other]);
      for (const arm of ['control', 'candidate']) {
        for (const metric of ['ok', 'seconds'])
          expect(merged.sums({ experiment: 'x', arm, metric })).toEqual(whole.sums({ experiment: 'x', arm, metric }));
      }
      expect(merged.compare({ experiment: 'y', metric: 'ok' })).toEqual(whole.compare({ experiment: 'y', metric: 'ok' }));
    }),
  );
});

test('a difference between arms shows', () => {
  const seen = Array.from({ length: 4_000 }, (_, index): TrialValue => {
    const arm = index % 2 === 0 ? 'control' : 'candidate';
    return { experiment: 'x', arm, metric: 'ok', value: index % 10 < (arm === 'control' ? 6 : 9) ? 1 : 0 };
  });
  expect(learn(seen).compare({ experiment: 'x', metric: 'ok' }).verdict).toBe('better');
});

test('memory is bounded, and values that are no numbers are left out', () => {
  const model = createTrialModel({ maxRows: 50 });
  for (let index = 0; index < 500; index++) model.observe({ experiment: `e${index}`, arm: 'control', metric: 'ok', value: 1 });
  model.observe({ experiment: 'x', arm: 'control', metric: 'ok', value: Number.NaN });
  expect(model.save().get('arms')!.size).toBeLessThanOrEqual(50);
  expect(model.sums({ experiment: 'x', arm: 'control', metric: 'ok' }).count).toBe(0);
});

test('a value that takes the place of another leaves the sums as if the other had never been', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 50, noNaN: true }), { minLength: 1, maxLength: 20 }), (told) => {
      const of = { experiment: 'x', arm: 'control', metric: 'ok' };
      const steps = told.map((value, index) => ({ ...of, value, instead: told[index - 1] }));
      expect(learn(steps).sums(of)).toEqual(learn([{ ...of, value: told.at(-1)! }]).sums(of));
    }),
  );
});
