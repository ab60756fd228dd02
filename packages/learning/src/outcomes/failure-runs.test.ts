import { expect, test } from 'vitest';
import type { AfterFailures, CallInteraction } from '../interaction.ts';
import { mergeStates } from '../merge-states.ts';
import { createCall } from '../testing/create-call.ts';
import { createFailureRuns, gradeOf } from './failure-runs.ts';

const DAY_MS = 86_400_000;

function modelOf(facts: readonly CallInteraction[]) {
  const model = createFailureRuns();
  for (const fact of facts) model.observe(fact);
  return model;
}

/** Attempts of which the first `failed` have failed. */
function attempts(count: number, failed: number, more: Partial<AfterFailures & Pick<CallInteraction, 'atMs'>> = {}): CallInteraction[] {
  const { atMs = 1_000_000, ...after } = more;
  return Array.from({ length: count }, (_, index) =>
    createCall({ atMs, afterFailures: [{ upstream: 'files', failures: 1, sinceMs: 0, ...after, hasFailed: index < failed }] }),
  );
}

test('attempts are told apart by how many failures came before, and by how long ago the last was', () => {
  const grades = [1, 2, 3, 4, 5, 8, 9, 400].map((failures) => gradeOf({ failures, sinceMs: 0 }));
  expect(grades).toEqual([0, 5, 10, 10, 15, 15, 20, 20]);
  const times = [-5, 0, 999, 1_000, 9_999, 10_000, 60_000, 599_999, 600_000, 1e9].map((sinceMs) => gradeOf({ failures: 1, sinceMs }));
  expect(times).toEqual([0, 0, 0, 1, 1, 2, 3, 3, 4, 4]);
});

test('the risk is what followed before: of the upstream where it is known, of all where it is not', () => {
  const { all, own } = modelOf([...attempts(20, 19), ...attempts(20, 1, { upstream: 'flaky' })]).risks();
  expect(all[0]).toBeCloseTo(21 / 42, 9);
  expect(own.get('files')![0]).toBeCloseTo((19 + 4 * 0.5) / 24, 9);
  expect(own.get('flaky')![0]).toBeCloseTo((1 + 4 * 0.5) / 24, 9);
  expect(own.get('copy')).toBeUndefined();
  // Nothing is known of more failures, or of later attempts.
  expect([all, own.get('files')!].map((risks) => risks.filter((risk) => risk !== undefined).length)).toEqual([1, 1]);
});

test('nothing is said before five attempts, and calls without failures before them teach nothing', () => {
  expect(modelOf(attempts(4, 4)).risks().all[0]).toBeUndefined();
  expect(modelOf(attempts(5, 5)).risks().all[0]).toBeCloseTo(6 / 7, 9);
  const model = modelOf([createCall({}), createCall({ ending: 'unavailable' }), ...attempts(9, 9, { failures: 0 })]);
  expect(model.save().get('attempts')!.size).toBe(0);
});

test('what was weeks ago counts for less and is forgotten in the end', () => {
  const risk = (ageDays: number) =>
    modelOf([...attempts(20, 20), ...attempts(20, 0, { atMs: 1_000_000 + ageDays * DAY_MS })]).risks().all[0]!;
  expect(risk(0)).toBeCloseTo(21 / 42, 9);
  expect(risk(7)).toBeCloseTo(11 / 32, 1);
  expect(risk(60)).toBeCloseTo(1 / 22, 9);
});

test('loading what was saved changes nothing, and two that saw a half each know together what one would', () => {
  const facts = Array.from({ length: 400 }, (_, index) =>
    attempts(1, index % 3, {
      upstream: index % 4 === 0 ? 'copy' : 'files',
      failures: 1 + (index % 11),
      sinceMs: (index * 7_919) % 700_000,
      atMs: 1_000_000 + index * 3_600_000,
    }),
  ).flat();
  const whole = modelOf(facts);
  const copy = createFailureRuns();
  copy.load(whole.save());
  expect(copy.risks()).toEqual(whole.risks());
  const merged = createFailureRuns();
  const [a, b] = [modelOf(facts.slice(0, 150)).save(), modelOf(facts.slice(150)).save()];
  merged.load(mergeStates(whole.tables, { base: new Map(), a, b }));
  expect(merged.risks()).toEqual(whole.risks());
});

test('rows are bounded, whatever fails', () => {
  const model = createFailureRuns();
  for (let index = 0; index < 25_000; index++)
    for (const fact of attempts(1, 1, { upstream: `u${index % 9_000}`, failures: 1 + (index % 10) })) model.observe(fact);
  expect(model.save().get('attempts')!.size).toBeLessThanOrEqual(10_000);
});
