import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CallInteraction } from '../interaction.ts';
import { mergeStates } from '../merge-states.ts';
import { createTrialModel, toTrialValues, type TrialValue } from './trial-model.ts';

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

const call: CallInteraction = {
  kind: 'call',
  sequence: 1,
  atMs: 0,
  tenant: '',
  principal: 'p',
  session: 's',
  client: '',
  policyVersion: 0,
  arms: ['rank=v2=candidate', 'odd'],
  upstream: 'u',
  tool: 't',
  toolVersion: '1',
  effect: 'unknown',
  argsKey: '',
  argsShape: [],
  argsBytes: 0,
  resultBytes: 0,
  resultKey: '',
  ending: 'toolError',
  errorCode: '',
  durationMs: 1_500,
  queueMs: 0,
  attempts: 1,
  cached: false,
};

test('a call speaks for the arms that it went by, unless its caller cancelled it', () => {
  const of = { experiment: 'rank=v2', arm: 'candidate' };
  expect(toTrialValues(call, { slowMs: 1_000 })).toEqual([
    { ...of, metric: 'ok', value: 0 },
    { ...of, metric: 'seconds', value: 1.5 },
    { ...of, metric: 'slow', value: 1 },
  ]);
  expect(toTrialValues({ ...call, ending: 'cancelled' })).toEqual([]);
});
