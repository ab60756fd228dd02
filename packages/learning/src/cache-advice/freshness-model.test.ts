import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CallInteraction } from '../interaction.ts';
import { mergeStates } from '../merge-states.ts';
import { toCallFact, versionedTool } from './call-fact.ts';
import { createFreshnessModel, type FreshnessEvent, type FreshnessModel } from './freshness-model.ts';

function createRandom(seed: number): () => number {
  let state = seed;
  return () => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0), state / 2 ** 32);
}

const read = (atMs: number, { tool = 'u/get@1', key = 'k', result = 'r' } = {}): FreshnessEvent => ({
  kind: 'call',
  atMs,
  upstream: tool.slice(0, tool.indexOf('/')),
  tool,
  effect: 'read',
  callKey: key,
  resultKey: result,
});

const write = (atMs: number, tool: string): FreshnessEvent => ({
  kind: 'call',
  atMs,
  upstream: tool.slice(0, tool.indexOf('/')),
  tool,
  effect: 'write',
  callKey: '',
  resultKey: '',
});

/** Calls at random times, of which the world says what they answer. */
function live(
  model: FreshnessModel,
  { calls, everyMs, answer, seed = 1 }: { calls: number; everyMs: number; answer: (atMs: number) => string; seed?: number },
) {
  const random = createRandom(seed);
  let atMs = 1_000_000;
  for (let call = 0; call < calls; call++) {
    atMs += -Math.log(random() + 1e-12) * everyMs;
    model.observe(read(atMs, { result: answer(atMs) }));
  }
}

const ask = { tool: 'u/get@1', effect: 'read', maxWrong: 0.01 } as const;

test('with nothing seen nothing is cached', () => {
  expect(createFreshnessModel().plan(ask)).toMatchObject({ kind: 'never', wrongHitUpperBound: 1, reason: 'too little evidence' });
});

test('what never changes may be kept, as long as has been seen to go well often enough', () => {
  const model = createFreshnessModel();
  live(model, { calls: 8_000, everyMs: 25_000, answer: () => 'r' });
  const plan = model.plan(ask);
  expect(plan).toMatchObject({ kind: 'exact', reason: 'lasts' });
  // 200,000 s hold some 222 quarters of an hour, and not a hundred hours.
  expect(plan.ttlMs).toBe(900_000);
  expect(plan.wrongHitUpperBound).toBeLessThanOrEqual(0.01);
  expect(model.plan({ ...ask, hintMs: 30_000 }).ttlMs).toBe(30_000);
});

test('what is not held for a read is never cached, however constant', () => {
  const model = createFreshnessModel();
  live(model, { calls: 5_000, everyMs: 1_000, answer: () => 'r' });
  for (const effect of ['write', 'unknown'] as const)
    expect(model.plan({ ...ask, effect })).toMatchObject({ kind: 'never', reason: 'not a read' });
});

test('a clock is never cached', () => {
  const model = createFreshnessModel();
  live(model, { calls: 3_000, everyMs: 300, answer: String });
  expect(model.plan(ask)).toMatchObject({ kind: 'never', reason: 'changes too often' });
});

test('the time to live keeps stale answers below the bound in a world that changes at random', () => {
  // Changes every 1,000 s on average; a hit within 15 s of its entry is stale in 0.75 % at most.
  const random = createRandom(3);
  const changes: number[] = [];
  for (let atMs = 0; atMs < 50_000_000;) changes.push((atMs += -Math.log(random() + 1e-12) * 1_000_000));
  let passed = 0;
  const answer = (atMs: number) => {
    while (passed < changes.length && changes[passed]! < atMs) passed++;
    return String(passed);
  };
  const model = createFreshnessModel();
  live(model, { calls: 30_000, everyMs: 1_000, answer });
  const plan = model.plan(ask);
  expect(plan.kind).toBe('exact');
  expect(plan.ttlMs).toBeLessThanOrEqual(15_000);
  expect(model.plan({ ...ask, maxWrong: 0.2 }).ttlMs).toBeGreaterThan(plan.ttlMs);
});

test('writes that change a read are told from those that do not, also those of another upstream', () => {
  const model = createFreshnessModel();
  const random = createRandom(5);
  const writers = ['u/rename@1', 'u/log@1', 'v/push@1', 'v/ping@1'];
  let [atMs, state] = [0, 0];
  for (let round = 0; round < 4_000; round++) {
    model.observe(read((atMs += 400), { result: `r${state}` }));
    if (random() < 0.7) {
      const writer = writers[Math.floor(random() * writers.length)]!;
      if (writer === 'u/rename@1' || writer === 'v/push@1') state++;
      model.observe(write((atMs += 400), writer));
    }
  }
  const plan = model.plan(ask);
  expect(plan.invalidatedBy).toEqual(['u/rename@1', 'v/push@1']);
  expect(plan.sparedBy).toEqual(['u/log@1']);
  expect(plan.kind).toBe('exact');
});

test('until it is shown harmless a write of the same upstream drops results', () => {
  const model = createFreshnessModel();
  for (let round = 0; round < 30; round++) {
    model.observe(read(round * 1_000));
    model.observe(write(round * 1_000 + 500, 'u/touch@1'));
  }
  for (let call = 0; call < 3_000; call++) model.observe(read(100_000 + call * 300));
  expect(model.plan(ask)).toMatchObject({ kind: 'exact', invalidatedBy: ['u/touch@1'], sparedBy: [] });
});

test('failed checks of real hits end a plan', () => {
  const model = createFreshnessModel();
  live(model, { calls: 5_000, everyMs: 1_000, answer: () => 'r' });
  expect(model.plan(ask).kind).toBe('exact');
  for (let check = 0; check < 20; check++) model.observe({ kind: 'check', tool: ask.tool, isSame: check % 4 > 0 });
  expect(model.plan(ask)).toMatchObject({ kind: 'never', reason: 'checks have failed', evidence: { checks: 20, failedChecks: 5 } });
});

const events = fc.array(
  fc.oneof(
    fc
      .record({ atMs: fc.oneof(fc.nat(100_000), fc.double()), key: fc.constantFrom('k', 'l', ''), result: fc.constantFrom('a', 'b', '') })
      .map(({ atMs, ...rest }) => read(atMs, rest)),
    fc.record({ atMs: fc.nat(100_000), tool: fc.constantFrom('u/w@1', 'v/w@1') }).map(({ atMs, tool }) => write(atMs, tool)),
    fc.boolean().map((isSame): FreshnessEvent => ({ kind: 'check', tool: ask.tool, isSame })),
  ),
  { maxLength: 200 },
);

function learn(seen: readonly FreshnessEvent[]): FreshnessModel {
  const model = createFreshnessModel();
  for (const event of seen) model.observe(event);
  return model;
}

test('a saved model plans alike after it is loaded', () => {
  fc.assert(
    fc.property(events, (seen) => {
      const model = learn(seen);
      const other = createFreshnessModel();
      other.load(model.save());
      for (const maxWrong of [0.01, 0.3, 0.9]) expect(other.plan({ ...ask, maxWrong })).toEqual(model.plan({ ...ask, maxWrong }));
    }),
  );
});

test('two halves merged are the sum of both', () => {
  fc.assert(
    fc.property(events, events, (one, other) => {
      const [a, b] = [learn(one), learn(other)];
      const merged = mergeStates(a.tables, { base: new Map(), a: a.save(), b: b.save() });
      // A model that forgets between the halves what waits for a comparison has seen the same.
      const inTurn = learn(one);
      inTurn.load(inTurn.save());
      const alone = learn(other);
      for (const [table, rows] of merged) {
        for (const [key, row] of rows) {
          const expected = row.map(
            (_, column) => (inTurn.save().get(table)!.get(key)?.[column] ?? 0) + (alone.save().get(table)!.get(key)?.[column] ?? 0),
          );
          expect(row).toEqual(expected);
        }
      }
    }),
    { numRuns: 30 },
  );
});

test('memory is bounded', () => {
  const model = createFreshnessModel({ maxTools: 50, maxPairs: 50, maxKept: 50 });
  for (let step = 0; step < 800; step++) {
    model.observe(write(step * 10, `u/w${step % 300}@1`));
    for (const at of [1, 2]) model.observe(read(step * 10 + at, { tool: `u/get${step % 200}@1`, key: `k${step % 200}` }));
  }
  expect(model.save().get('tools')!.size).toBeLessThanOrEqual(50);
  expect(model.save().get('pairs')!.size).toBeLessThanOrEqual(50);
});

const call: CallInteraction = {
  kind: 'call',
  sequence: 1,
  atMs: 5,
  tenant: 't',
  principal: 'p',
  session: 's',
  client: '',
  policyVersion: 0,
  arms: [],
  upstream: 'u',
  tool: 'get',
  toolVersion: '1',
  effect: 'unknown',
  argsKey: 'a',
  argsShape: [],
  argsBytes: 0,
  resultBytes: 0,
  resultKey: 'r',
  ending: 'ok',
  errorCode: '',
  durationMs: 1,
  queueMs: 0,
  attempts: 1,
  cached: false,
};

test('a call speaks of freshness when its upstream has answered', () => {
  expect(toCallFact(call, 'read')).toEqual({
    atMs: 5,
    upstream: 'u',
    tool: versionedTool(call),
    effect: 'read',
    callKey: 't|p|a',
    resultKey: 'r',
  });
  expect(toCallFact({ ...call, cached: true }, 'read')).toBeUndefined();
  expect(toCallFact({ ...call, ending: 'refused' }, 'write')).toBeUndefined();
  // A write that timed out may have been carried out.
  expect(toCallFact({ ...call, ending: 'timeout' }, 'write')).toMatchObject({ effect: 'write', callKey: '' });
});
