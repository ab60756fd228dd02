import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CallInteraction, Interaction } from '../interaction.ts';
import { createCall } from '../testing/create-call.ts';
import { DAY_MS, START_MS, createRandom, simulateTraffic } from '../testing/simulate-traffic.ts';
import { ANOMALY_KINDS, MEASURES } from './anomaly.ts';
import { createBehaviourModel, toAnomalyTopic, type BehaviourModel } from './behaviour-model.ts';

const create = () => createBehaviourModel({ alertsPerDay: 20, settleDays: 0 });
const rowsOf = (model: BehaviourModel) =>
  [...model.save()].map(([name, table]) => [name, [...table].toSorted(([a], [b]) => (a < b ? -1 : 1))]);

const amount = fc.oneof(fc.nat({ max: 200 }), fc.nat(), fc.maxSafeNat());
const call = fc
  .record({
    principal: fc.constantFrom('p1', 'p2', ''),
    upstream: fc.constantFrom('a', 'b'),
    tool: fc.constantFrom('x', 'y', 'z'),
    effect: fc.constantFrom('read' as const, 'write' as const, 'unknown' as const),
    toolVersion: fc.constantFrom('v1', 'v2', ''),
    argsShape: fc.constantFrom([], ['a:string'], ['a:string', 'b:number']),
    argsBytes: amount,
    resultBytes: amount,
    durationMs: fc.oneof(amount, fc.double()),
    ending: fc.constantFrom('ok', 'toolError', 'refused', 'timeout', 'cancelled', 'unavailable'),
    cached: fc.boolean(),
    atMs: fc.oneof({ weight: 20, arbitrary: fc.nat({ max: 30 * DAY_MS }) }, { weight: 1, arbitrary: fc.double() }),
  })
  .map((more): Interaction => createCall(more as Partial<CallInteraction>));
const opinion = fc
  .record({
    kind: fc.constantFrom(...ANOMALY_KINDS),
    measure: fc.constantFrom(...MEASURES),
    verdict: fc.integer({ min: -1, max: 1 }),
    upstream: fc.constantFrom('a', 'b', ''),
    tool: fc.constantFrom('x', ''),
  })
  .map(({ kind, measure, verdict, upstream, tool }): Interaction => {
    const base = { sequence: 0, atMs: 1_000, tenant: '', principal: 'p1', session: '', client: '', policyVersion: 0, arms: [] };
    return { kind: 'feedback', ...base, upstream, tool, verdict, need: [], anomaly: toAnomalyTopic({ kind, measure }) };
  });
const many = fc.array(fc.oneof({ weight: 20, arbitrary: call }, { weight: 1, arbitrary: opinion }), { maxLength: 400 });

test('the same facts give the same rows, and a model that is loaded goes on as if it had not been saved', () => {
  fc.assert(
    fc.property(many, fc.nat({ max: 400 }), (facts, cut) => {
      const [one, other] = [create(), create()];
      let resumed = create();
      for (const [index, fact] of facts.entries()) {
        one.observe(fact);
        other.observe(fact);
        if (index === cut) {
          const state = resumed.save();
          resumed = create();
          resumed.load(state);
        }
        resumed.observe(fact);
      }
      expect(rowsOf(other)).toEqual(rowsOf(one));
      expect(rowsOf(resumed)).toEqual(rowsOf(one));
      expect(resumed.list()).toEqual(one.list());
    }),
    { numRuns: 60 },
  );
});

test('whatever comes, rows are numbers in their columns and a copy stays as it is', () => {
  fc.assert(
    fc.property(many, (facts) => {
      const model = create();
      for (const fact of facts) model.observe(fact);
      const state = model.save();
      const kept = JSON.stringify([...state].map(([name, table]) => [name, [...table]]));
      for (const { name, columns } of model.tables)
        for (const row of state.get(name)!.values()) {
          expect(row).toHaveLength(columns.length);
          expect(row.every(Number.isFinite)).toBe(true);
        }
      for (const fact of facts) model.observe(fact);
      expect(JSON.stringify([...state].map(([name, table]) => [name, [...table]]))).toBe(kept);
    }),
    { numRuns: 40 },
  );
});

test('no table grows beyond its bound, and whoever is known best is kept', () => {
  const model = create();
  for (let index = 0; index < 500; index++) model.observe(createCall({ atMs: START_MS + index * 1_000, principal: 'known' }));
  for (let index = 0; index < 60_000; index++)
    model.observe(
      createCall({
        atMs: START_MS + index,
        principal: `p${index}`,
        upstream: `u${index % 9_000}`,
        tool: `t${index}`,
        argsShape: [`a${index}:string`],
      }),
    );
  const sizes = Object.fromEntries([...model.save()].map(([name, table]) => [name, table.size]));
  expect(sizes).toMatchObject({ alerts: 0, opinions: 0, budget: 0 });
  for (const [name, most] of Object.entries({ pairs: 20_000, callers: 5_000, tools: 5_000, shapes: 40_000, upstreams: 20_000 })) {
    expect([name, sizes[name]! <= most]).toEqual([name, true]);
    expect([name, sizes[name]! > most / 2]).toEqual([name, true]);
  }
  expect([...model.save().get('pairs')!.keys()].some((key) => key.includes('known'))).toBe(true);
});

test('in no day more is told than may be, whatever is going on', () => {
  const random = createRandom(3);
  const model = createBehaviourModel({ alertsPerDay: 6, settleDays: 0 });
  const told = new Map<number, number>();
  for (const fact of simulateTraffic({ days: 12, callers: 40, seed: 1 })) {
    const isWild = fact.atMs > START_MS + 5 * DAY_MS && random() < 0.004;
    model.observe(isWild ? { ...fact, argsBytes: 10 ** (5 + 3 * random()), resultBytes: 10 ** (6 + 3 * random()) } : fact);
    for (const { lastMs } of model.takeNew()) told.set(Math.floor(lastMs / DAY_MS), (told.get(Math.floor(lastMs / DAY_MS)) ?? 0) + 1);
  }
  const counts = [...told.values()];
  expect(counts.length).toBeGreaterThan(5);
  expect(Math.max(...counts)).toBe(6);
  expect(model.heldBack).toBeGreaterThan(0);
});

test('two weeks of quiet traffic are nearly silent, and of what is abnormal in them nearly all is found', () => {
  for (const seed of [1, 2, 3]) {
    const quiet = simulateTraffic({ days: 14, callers: 30, seed });
    const model = createBehaviourModel({ alertsPerDay: 20, settleDays: 3 });
    for (const fact of quiet) model.observe(fact);
    expect(model.list().length).toBeLessThanOrEqual(6);

    const { facts, abnormal } = withAnomalies(quiet);
    const other = createBehaviourModel({ alertsPerDay: 20, settleDays: 3 });
    for (const fact of facts) other.observe(fact);
    const isTrue = (each: { readonly kind: string; readonly principal: string; readonly tool: string }) =>
      abnormal.some(
        ({ kind, principal, tool }) => kind === each.kind && tool === each.tool && (principal === each.principal || each.principal === ''),
      );
    const told = other.list();
    const found = abnormal.filter((each) =>
      told.some((one) => one.kind === each.kind && one.tool === each.tool && ['', each.principal].includes(one.principal)),
    );
    expect(found.length / abnormal.length).toBeGreaterThanOrEqual(0.9);
    expect(told.filter(isTrue).length / told.length).toBeGreaterThanOrEqual(0.7);
  }
}, 60_000);

/** Puts something abnormal on each of the last ten days: one thing of each of four kinds in turn. */
function withAnomalies(quiet: readonly CallInteraction[]) {
  const facts: CallInteraction[] = [...quiet];
  const abnormal: { readonly kind: string; readonly principal: string; readonly tool: string }[] = [];
  for (let day = 4; day < 14; day++) {
    const kind = (['rate', 'first-use', 'arguments', 'failures'] as const)[day % 4]!;
    const atMs = START_MS + day * DAY_MS + 13 * 3_600_000;
    // Those who read customers' data, one after the other.
    const principal = `caller-${1 + 3 * (day - 4)}`;
    const base = createCall({
      principal,
      upstream: 'shop',
      tool: 'customer',
      effect: 'read',
      argsShape: ['query:string'],
      argsBytes: 300,
      resultBytes: 4_000,
      durationMs: 200,
      atMs,
    });
    const tool = kind === 'first-use' ? 'refund' : 'customer';
    const count = { rate: 400, 'first-use': 1, arguments: 3, failures: 12 }[kind];
    for (let index = 0; index < count; index++)
      facts.push({
        ...base,
        tool,
        atMs: atMs + index * 700,
        ...(kind === 'first-use' && { effect: 'write' as const }),
        ...(kind === 'arguments' && { argsBytes: 40_000 }),
        ...(kind === 'failures' && { ending: 'refused' as const }),
      });
    abnormal.push({ kind, principal, tool });
  }
  return { facts: facts.toSorted((a, b) => a.atMs - b.atMs), abnormal };
}
