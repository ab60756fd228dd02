import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CallInteraction } from '../interaction.ts';
import { mergeStates } from '../merge-states.ts';
import type { ModelState } from '../model.ts';
import { createCall } from '../testing/create-call.ts';
import { createToolOutcomes } from './tool-outcomes.ts';

const calls = fc.array(
  fc
    .record({
      tool: fc.constantFrom('a', 'b'),
      ending: fc.constantFrom('ok', 'toolError', 'timeout', 'refused'),
      durationMs: fc.double({ min: 0, max: 1e6, noNaN: true }),
    })
    .map((call) => createCall({ ...call, ending: call.ending as CallInteraction['ending'] })),
);

function learn(facts: readonly CallInteraction[], from?: ModelState) {
  const model = createToolOutcomes();
  if (from !== undefined) model.load(from);
  for (const fact of facts) model.observe(fact);
  return model;
}

test('what two gateways have counted adds up to what one would have, bit for bit', () => {
  fc.assert(
    fc.property(calls, calls, calls, (before, one, other) => {
      const base = learn(before).save();
      const { tables } = learn([]);
      const merged = learn([], mergeStates(tables, { base, a: learn(one, base).save(), b: learn(other, base).save() }));
      expect(merged.reports()).toEqual(learn([...before, ...one, ...other]).reports());
    }),
  );
});

test('loading what was saved changes nothing that is said, also of what comes later', () => {
  fc.assert(
    fc.property(calls, calls, (before, after) => {
      const model = learn(before);
      const copy = learn(after, model.save());
      for (const fact of after) model.observe(fact);
      expect(copy.reports()).toEqual(model.reports());
    }),
  );
});

test('quantiles are near, a wait is advised once there is enough to go by, and refusals say nothing of a tool', () => {
  const model = learn(Array.from({ length: 1000 }, (_, index) => createCall({ durationMs: 10 + index })));
  model.observe(createCall({ ending: 'refused' }));
  const [report] = model.reports();
  expect(report).toMatchObject({ calls: 1000, failed: 0 });
  expect(report!.p50Ms / 510).toBeCloseTo(1, 0);
  expect(report!.p95Ms / 960).toBeCloseTo(1, 0);
  expect(report!.timeoutMs! / 3_000).toBeCloseTo(1, 0);
  expect(learn([createCall({})]).reports()[0]!.timeoutMs).toBeUndefined();
});

test('the risk of a tool with few calls is near that of all, and of one with many its own', () => {
  const good = Array.from({ length: 200 }, () => createCall({ tool: 'good' }));
  const bad = Array.from({ length: 100 }, () => createCall({ tool: 'bad', ending: 'toolError' }));
  const risks = new Map(
    learn([...good, ...bad, createCall({ tool: 'new' })])
      .reports()
      .map(({ tool, failureRisk }) => [tool, failureRisk]),
  );
  expect(risks.get('good')).toBeLessThan(0.02);
  expect(risks.get('bad')).toBeGreaterThan(0.95);
  expect(risks.get('new')).toBeGreaterThan(0.2);
  expect(risks.get('new')).toBeLessThan(0.4);
});

test('a tool in whose place another one answered has failed, once for each call', () => {
  const model = createToolOutcomes();
  const failed = { upstream: 'main', tool: 'read', toolVersion: 'v1', errorCode: 'UPSTREAM_UNAVAILABLE' };
  const again = { ...failed, upstream: 'files' };
  model.observe(createCall({ attempts: 4, failed: [failed, failed, again] }));
  const counts = model.reports().map(({ upstream, calls, failed: ended, p95Ms }) => [upstream, calls, ended, p95Ms > 0]);
  expect(counts).toEqual([
    ['files', 1, 0, true],
    ['main', 1, 1, false],
  ]);
});
