import { expect, test } from 'vitest';
import type { CallInteraction, FeedbackInteraction } from '../interaction.ts';
import { createCall } from '../testing/create-call.ts';
import { DAY_MS, START_MS, createRandom } from '../testing/simulate-traffic.ts';
import type { Anomaly } from './anomaly.ts';
import { createBehaviourModel, toAnomalyTopic, type BehaviourModel } from './behaviour-model.ts';

const MINUTE_MS = 60_000;
const create = () => createBehaviourModel({ alertsPerDay: 20, settleDays: 3 });

/** A caller at work: forty times a day three reads within a few minutes, sizes and durations as they come. */
function work(
  model: BehaviourModel,
  { days, from = 0, more = {} }: { days: number; from?: number; more?: Partial<CallInteraction> },
): void {
  const random = createRandom(7 + from);
  for (let day = from; day < from + days; day++)
    for (let round = 0; round < 40; round++)
      for (let call = 0; call < 3; call++)
        model.observe(
          createCall({
            atMs: START_MS + day * DAY_MS + round * 12 * MINUTE_MS + call * MINUTE_MS,
            upstream: 'files',
            tool: ['read', 'list', 'find'][call]!,
            effect: 'read',
            argsShape: ['path:string'],
            argsBytes: 60 + Math.round(40 * random()),
            resultBytes: 1_000 + Math.round(3_000 * random()),
            durationMs: 20 + 30 * random(),
            ending: random() < 0.01 ? 'toolError' : 'ok',
            ...more,
          }),
        );
}

const at = (day: number, minutes = 0) => START_MS + day * DAY_MS + minutes * MINUTE_MS;
const read = (more: Partial<CallInteraction>) =>
  createCall({
    upstream: 'files',
    tool: 'read',
    effect: 'read',
    argsShape: ['path:string'],
    argsBytes: 80,
    resultBytes: 2_000,
    durationMs: 30,
    ...more,
  });

function opinion(anomaly: Anomaly, verdict: number, atMs: number): FeedbackInteraction {
  const { tenant, principal, upstream, tool } = anomaly;
  const base = { sequence: 0, atMs, tenant, principal, session: '', client: '', policyVersion: 0, arms: [] };
  return { kind: 'feedback', ...base, upstream, tool, verdict, need: [], anomaly: toAnomalyTopic(anomaly) };
}

test('who works as always is not told of', () => {
  const model = create();
  work(model, { days: 10 });
  expect(model.list()).toEqual([]);
});

test('a caller with thirty times its calls is told of once, with what is usual', () => {
  const model = create();
  work(model, { days: 10 });
  for (let call = 0; call < 90; call++) model.observe(read({ atMs: at(10) + call * 2_000 }));
  const [anomaly, ...others] = model.list();
  expect(others).toEqual([]);
  expect(anomaly).toMatchObject({ kind: 'rate', principal: 'p1', upstream: 'files', tool: 'read', measure: 'calls in 5 minutes' });
  expect(anomaly!.observed).toBeGreaterThanOrEqual(20);
  expect(anomaly!.expected).toBeLessThan(3);
  expect(anomaly!.high).toBeLessThan(20);
  expect(anomaly!.calls).toBeGreaterThan(300);
  expect(anomaly!.count).toBeGreaterThan(10);
});

test('a burst over many tools is the caller’s', () => {
  const model = create();
  work(model, { days: 10 });
  for (let call = 0; call < 150; call++) model.observe(read({ atMs: at(10) + call * 1_000, tool: `tool-${call % 50}`, upstream: 'files' }));
  expect(model.list().filter(({ kind }) => kind === 'rate')).toMatchObject([{ principal: 'p1', upstream: '', tool: '' }]);
});

test('a first write after a thousand reads is told of, a first read is not', () => {
  const model = create();
  work(model, { days: 9 });
  model.observe(read({ atMs: at(9), tool: 'stat' }));
  expect(model.list()).toEqual([]);
  model.observe(read({ atMs: at(9, 1), tool: 'delete', effect: 'write' }));
  expect(model.list()).toMatchObject([{ kind: 'first-use', tool: 'delete', count: 1, calls: 1_081 }]);
});

test('who reaches for a server that others know for long is told of; who is among the first at a new one is not', () => {
  const model = create();
  work(model, { days: 9 });
  work(model, { days: 9, more: { principal: 'p2', upstream: 'payroll' } });
  model.observe(read({ atMs: at(9), upstream: 'news', tool: 'read' }));
  expect(model.list()).toEqual([]);
  model.observe(read({ atMs: at(9, 1), upstream: 'payroll', tool: 'read' }));
  expect(model.list()).toMatchObject([{ kind: 'first-use', principal: 'p1', upstream: 'payroll' }]);
});

test('arguments a hundred times as large, and a result, are told of', () => {
  const model = create();
  work(model, { days: 10 });
  model.observe(read({ atMs: at(10), argsBytes: 8_000 }));
  model.observe(read({ atMs: at(10, 6), tool: 'list', resultBytes: 400_000 }));
  expect(model.list()).toMatchObject([
    { kind: 'result', tool: 'list', observed: 400_000, count: 1 },
    { kind: 'arguments', tool: 'read', observed: 8_000, count: 1, measure: 'argument bytes' },
  ]);
  expect(model.list()[1]!.expected).toBeGreaterThan(60);
  expect(model.list()[1]!.high).toBeLessThan(1_000);
});

test('arguments of another shape are told of where they never varied, and not with another definition of the tool', () => {
  const model = create();
  work(model, { days: 14 });
  model.observe(read({ atMs: at(14), argsShape: ['command:string'] }));
  expect(model.list()).toMatchObject([{ kind: 'shape', tool: 'read' }]);
  model.observe(read({ atMs: at(14, 1), tool: 'list', toolVersion: 'v2', argsShape: ['folder:string'] }));
  expect(model.list()).toHaveLength(1);
});

test('a destination that was never named is told of where there were few, and not where they always varied', () => {
  const model = create();
  const post = (day: number, minutes: number, destination: string, more: Partial<CallInteraction> = {}) =>
    model.observe(read({ atMs: at(day, minutes), tool: 'post', effect: 'write', destinations: [destination], ...more }));
  for (let day = 0; day < 10; day++)
    for (let call = 0; call < 40; call++) {
      post(day, call, `d${call % 2}`);
      post(day, call, `d${day * 40 + call}`, { principal: 'p2' });
    }
  expect(model.list()).toEqual([]);
  post(10, 0, 'd1');
  post(10, 1, 'other');
  post(10, 1, 'another', { principal: 'p2' });
  // Without a destination there is nothing to tell of.
  model.observe(read({ atMs: at(10, 2), tool: 'post', effect: 'write' }));
  expect(model.list()).toMatchObject([
    { kind: 'destination', principal: 'p1', tool: 'post', measure: 'calls before', calls: 401, count: 1 },
  ]);
});

test('tools in an order that a caller has never called them in are told of where it always works alike', () => {
  const model = create();
  for (let day = 0; day < 20; day++)
    for (let round = 0; round < 100; round++)
      for (const [step, tool] of ['find', 'read', 'list'].entries())
        model.observe(read({ atMs: at(day, round * 10 + step), tool, session: `s${day} ${round}` }));
  expect(model.list()).toEqual([]);
  // Another session begins with something else: there is no order in that.
  model.observe(read({ atMs: at(20), tool: 'list', session: 'x' }));
  expect(model.list()).toEqual([]);
  model.observe(read({ atMs: at(20, 1), tool: 'find', session: 'x' }));
  expect(model.list()).toMatchObject([{ kind: 'sequence', principal: 'p1', tool: 'find', calls: 4_000 }]);
  model.observe(read({ atMs: at(20, 2), tool: 'find', session: 'x' }));
  expect(model.list()).toHaveLength(1);
});

test('rows of an earlier version, which had fewer columns, are taken', () => {
  const [model, again] = [create(), create()];
  work(model, { days: 5 });
  const state = new Map(model.save());
  state.set('pairs', new Map([...state.get('pairs')!].map(([key, row]) => [key, row.slice(0, -2)])));
  again.load(state);
  expect([...again.save()]).toEqual([...model.save()]);
});

test('an endpoint that suddenly fails is told of as the tool’s, one caller whose calls fail as the caller’s', () => {
  const model = create();
  for (const principal of ['p1', 'p2', 'p3']) work(model, { days: 10, more: { principal } });
  for (let call = 0; call < 12; call++)
    model.observe(read({ atMs: at(10, 12 * call), principal: `p${1 + (call % 3)}`, ending: 'unavailable' }));
  expect(model.list()).toMatchObject([{ kind: 'failures', principal: '', upstream: 'files', tool: 'read', observed: 1 }]);
  for (let call = 0; call < 12; call++) model.observe(read({ atMs: at(11, 12 * call), principal: 'p2', tool: 'list', ending: 'refused' }));
  expect(model.list()[0]).toMatchObject({ kind: 'failures', principal: 'p2', tool: 'list' });
});

test('a tool that is slow again and again is told of', () => {
  const model = create();
  for (const principal of ['p1', 'p2', 'p3']) work(model, { days: 10, more: { principal } });
  model.observe(read({ atMs: at(10), durationMs: 30_000 }));
  expect(model.list()).toEqual([]);
  for (let call = 0; call < 12; call++)
    model.observe(read({ atMs: at(10, 12 * call), principal: `p${1 + (call % 3)}`, durationMs: 30_000 }));
  expect(model.list()).toMatchObject([{ kind: 'duration', principal: '', tool: 'read', measure: 'ms', observed: 30_000 }]);
});

test('the first days of a caller are no anomaly, whatever it does', () => {
  const model = create();
  work(model, { days: 9, more: { principal: 'other' } });
  for (let call = 0; call < 3_000; call++)
    model.observe(
      read({
        atMs: at(9) + call * 60_000,
        principal: 'new',
        tool: call === 2_900 ? 'delete' : 'read',
        effect: call === 2_900 ? 'write' : 'read',
        argsBytes: call > 2_950 ? 1_000_000 : 80,
      }),
    );
  expect(model.list()).toEqual([]);
});

test('results that stay larger are told as a drift of the tool, once', () => {
  const model = create();
  work(model, { days: 10 });
  const told: Anomaly[] = [];
  for (let day = 10; day < 30; day++) {
    work(model, { from: day, days: 1, more: { resultBytes: 9_000 } });
    told.push(...model.takeNew());
  }
  const drifts = told.filter(({ kind, tool }) => kind === 'drift' && tool === 'read');
  expect(drifts).toMatchObject([{ principal: '', upstream: 'files', measure: 'result bytes', count: 1 }]);
  expect(drifts[0]!.observed).toBeCloseTo(9_000, -1);
  expect(drifts[0]!.lastMs).toBeLessThan(at(13));
});

test('a share of failures that stays higher is a drift, one bad day is none', () => {
  const model = create();
  work(model, { days: 10 });
  const day = (from: number, every: number) => {
    for (let call = 0; call < 100; call++)
      model.observe(read({ atMs: at(from, 10 * call), ending: call % every === 0 ? 'toolError' : 'ok' }));
  };
  day(10, 4);
  work(model, { from: 11, days: 5 });
  expect(model.list().filter(({ kind }) => kind === 'drift')).toEqual([]);
  for (let from = 16; from < 20; from++) day(from, 4);
  expect(model.list().filter(({ kind }) => kind === 'drift')).toMatchObject([{ tool: 'read', measure: 'failure share', observed: 0.25 }]);
});

test('the same within a day is one, and the next day one more time', () => {
  const model = create();
  work(model, { days: 10 });
  for (const minutes of [0, 60, 120]) model.observe(read({ atMs: at(10, minutes), argsBytes: 50_000 }));
  expect(model.takeNew()).toHaveLength(1);
  expect(model.list()).toMatchObject([{ count: 3, firstMs: at(10), lastMs: at(10, 120) }]);
  model.observe(read({ atMs: at(12), argsBytes: 500_000 }));
  expect(model.takeNew()).toMatchObject([{ count: 1, firstMs: at(12) }]);
  expect(model.takeNew()).toEqual([]);
});

test('a burst that goes on is told once and seen again as long as it does', () => {
  const model = create();
  work(model, { days: 10 });
  const burst = (calls: number, from = 0) => {
    for (let call = from; call < from + calls; call++) model.observe(read({ atMs: at(10) + call * 2_000 }));
  };
  burst(60);
  const [anomaly] = model.takeNew();
  expect(model.takeAgain()).toMatchObject([{ id: anomaly!.id, kind: 'rate' }]);
  expect(model.takeAgain()).toEqual([]);
  burst(20, 60);
  expect([model.takeNew(), model.takeAgain()]).toMatchObject([[], [{ id: anomaly!.id, lastMs: at(10) + 79 * 2_000 }]]);
});

test('what people call noise is not told again, what they call useful is', () => {
  for (const [verdict, times] of [
    [-1, 0],
    [1, 1],
  ] as const) {
    const model = create();
    work(model, { days: 10 });
    model.observe(read({ atMs: at(10), argsBytes: 8_000 }));
    const [anomaly] = model.takeNew();
    model.observe(opinion(anomaly!, verdict, at(10, 1)));
    expect(model.find(anomaly!.id)).toMatchObject({ feedback: verdict > 0 ? 'useful' : 'noise' });
    model.observe(read({ atMs: at(12), argsBytes: 9_000 }));
    expect(model.takeNew()).toHaveLength(times);
    // Of another tool it is told as before.
    model.observe(read({ atMs: at(12, 1), tool: 'list', argsBytes: 8_000 }));
    expect(model.takeNew()).toHaveLength(1);
  }
});

test('much noise of a kind raises what it takes to tell any of it', () => {
  const model = createBehaviourModel({ alertsPerDay: 1_000, settleDays: 3 });
  const callers = Array.from({ length: 12 }, (_, index) => `c${index}`);
  for (const principal of [...callers, 'last']) work(model, { days: 10, more: { principal } });
  model.takeNew();
  for (const principal of callers) model.observe(read({ atMs: at(10), principal, argsBytes: 8_000 }));
  const told = model.takeNew();
  expect(told).toHaveLength(12);
  const before = told[0]!.threshold;
  for (const anomaly of told) model.observe(opinion(anomaly, -1, at(10, 1)));
  model.observe(read({ atMs: at(11), principal: 'last', argsBytes: 80_000 }));
  expect(model.takeNew()[0]!.threshold).toBeGreaterThan(1.5 * before);
});

test('no more is told in a day than may be, and of one caller a quarter of it', () => {
  const model = createBehaviourModel({ alertsPerDay: 8, settleDays: 3 });
  const callers = Array.from({ length: 20 }, (_, index) => `c${index}`);
  for (const principal of callers) work(model, { days: 10, more: { principal } });
  model.takeNew();
  for (const tool of ['read', 'list', 'find']) model.observe(read({ atMs: at(10), principal: 'c0', tool, argsBytes: 1_000_000 }));
  expect(model.takeNew()).toHaveLength(2);
  for (const principal of callers) model.observe(read({ atMs: at(10, 6), principal, tool: 'list', argsBytes: 1_000_000 }));
  expect(model.takeNew()).toHaveLength(6);
  expect(model.heldBack).toBeGreaterThan(10);
  model.observe(read({ atMs: at(11), principal: 'c19', tool: 'find', argsBytes: 1_000_000 }));
  expect(model.takeNew()).toHaveLength(1);
});
