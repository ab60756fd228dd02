import { GatewayError, RawJson, silentLogger, type Advice, type Answer, type ResultSink } from '@signalbox/core';
import { toParams } from '@signalbox/protocol';
import { expect, test } from 'vitest';
import { createAdviceGuard } from '../advice-guard.ts';
import { createTestClock } from '../testing/test-clock.ts';
import { Breaker } from '../upstreams/breaker.ts';
import { FailureRun } from '../upstreams/failure-run.ts';
import type { Upstream } from '../upstreams/upstream.ts';
import type { TargetedCall } from './call-stages.ts';
import { retry } from './retry.ts';

const ANSWER: Answer = { kind: 'result', result: RawJson.fromValue({}), resultType: 'complete', isError: false, revision: '2026-07-28' };
const BROKEN = { sent: true };

interface CallOptions {
  readonly sink?: Partial<ResultSink>;
  readonly fallbacks?: readonly string[];
  /** What is said of an attempt at an upstream that fails; others go well. */
  readonly failures?: Readonly<Record<string, GatewayError['data']>>;
  readonly attempts?: number;
  readonly isRead?: boolean;
  readonly advice?: Partial<Advice>;
  readonly params?: Readonly<Record<string, unknown>>;
  /** What is drawn, again and again. Default 0.5. */
  readonly draw?: number;
}

/** Upstreams that live on from call to call. */
function createStage() {
  const clock = createTestClock();
  const breakers = new Map<string, Breaker>();
  const breakerOf = (name: string) => {
    const breaker = breakers.get(name) ?? new Breaker({ failures: 5, openMs: 1000 }, clock);
    breakers.set(name, breaker);
    return breaker;
  };
  const runs = new Map<string, FailureRun>();
  const runOf = (name: string) => {
    const run = runs.get(name) ?? new FailureRun(clock);
    runs.set(name, run);
    return run;
  };
  const call = async (options: CallOptions) => {
    const { sink, fallbacks = [], attempts: most = 1, isRead = true, advice, draw = 0.5 } = options;
    const failures: NonNullable<CallOptions['failures']> = options.failures ?? { a: BROKEN };
    const attempts: string[] = [];
    const upstream = (name: string) =>
      ({
        name,
        state: 'ready',
        desired: { config: { retry: { attempts: most, backoffMs: 0 }, breaker: { openMs: 1000 } } },
        breaker: breakerOf(name),
        failureRun: runOf(name),
        recordCall: () => undefined,
      }) as unknown as Upstream;
    const definition = { name: 'x', inputSchema: {}, annotations: { readOnlyHint: isRead } };
    const target = { upstream: 'a', name: 'x', definition };
    const trace = { upstream: undefined, name: undefined, attempts: 0, isCached: false, detour: undefined };
    const made = {
      method: 'tools/call',
      params: toParams(options.params ?? {}),
      target,
      fallbacks: fallbacks.map((name) => ({ ...target, upstream: name })),
      trace,
      deadlineMs: Infinity,
      cancellation: { isCancelled: false },
      sink,
    } as unknown as TargetedCall;
    const guard = advice && createAdviceGuard({ current: { version: 1, ...advice } }, { clock, logger: silentLogger });
    const eager = { ...clock, after: (_: number, then: () => void) => (queueMicrotask(then), () => undefined) };
    const stage = retry({ upstream, advice: guard, clock: eager, random: () => draw });
    const seen = new Set<string>();
    const answer = Promise.resolve(
      stage(made, ({ target: { upstream: name } }) => {
        attempts.push(name);
        // With more than one attempt the second goes well.
        const data = most > 1 && seen.has(name) ? undefined : failures[name];
        seen.add(name);
        return data === undefined ? ANSWER : Promise.reject(new GatewayError('UPSTREAM_UNAVAILABLE', 'It broke off', { data }));
      }),
    );
    const end = await answer.then(
      ({ kind }) => kind,
      (error: GatewayError) => error.code,
    );
    return { attempts: attempts.join(''), end, detour: made.trace.detour };
  };
  return { call, clock, breakerOf, runOf };
}

test('a result of which nothing has reached the caller is asked for again', async () => {
  const { call } = createStage();
  expect(await call({ attempts: 2 })).toMatchObject({ attempts: 'aa', end: 'result' });
  expect(await call({ attempts: 2, sink: { isBegun: false } })).toMatchObject({ attempts: 'aa', end: 'result' });
});

test('a result that has begun to reach the caller is never asked for again, here or elsewhere', async () => {
  const { call } = createStage();
  const sink = { isBegun: true };
  expect(await call({ attempts: 2, sink, fallbacks: ['b'] })).toMatchObject({ attempts: 'a', end: 'UPSTREAM_UNAVAILABLE' });
});

const CD: Advice['fallbacks'] = () => ['c', 'b'].map((upstream, index) => ({ upstream, tool: 'x', share: 1 - index }));

test('fallbacks are tried in the advised order, and what was tried before is told', async () => {
  const { call } = createStage();
  const failures = { a: BROKEN, c: { sent: false } };
  const plain = await call({ fallbacks: ['b', 'c'], failures });
  expect(plain).toMatchObject({
    attempts: 'ab',
    end: 'result',
    detour: { fallbacks: [{ upstream: 'b', propensity: 1 }, { upstream: 'c' }] },
  });
  const advised = await call({ fallbacks: ['b', 'c'], failures, advice: { fallbacks: CD } });
  expect(advised).toMatchObject({ attempts: 'acb', end: 'result' });
  expect(advised.detour!.failed).toEqual(['a', 'c'].map((upstream) => ({ upstream, tool: 'x', error: 'UPSTREAM_UNAVAILABLE' })));
  expect(advised.detour!.fallbacks.map(({ upstream, staticPlace, propensity }) => [upstream, staticPlace, propensity])).toEqual([
    ['c', 2, 0.9],
    ['b', 1, 0.1],
  ]);
  expect((await call({ failures: {} })).detour).toEqual({
    failed: [],
    fallbacks: [],
    afterFailures: [{ upstream: 'a', failures: 2, sinceMs: 0, hasFailed: false }],
  });
  expect((await call({ failures: {} })).detour).toBeUndefined();
});

test('a write that may have run is tried nowhere else, whatever is advised', async () => {
  const { call } = createStage();
  const write = { fallbacks: ['b', 'c'], isRead: false, advice: { fallbacks: CD } };
  expect(await call(write)).toMatchObject({ attempts: 'a', end: 'UPSTREAM_UNAVAILABLE' });
  const unsent = { a: { sent: false }, c: BROKEN };
  expect(await call({ ...write, failures: unsent })).toMatchObject({ attempts: 'ac', end: 'UPSTREAM_UNAVAILABLE' });
});

const LIKELY: Partial<Advice> = { failureRisk: () => 0.9 };

test('what very likely fails again is asked after its fallbacks, and in the end all the same', async () => {
  const { call, runOf } = createStage();
  const more = { fallbacks: ['b', 'c'], advice: LIKELY };
  expect(await call({ ...more, failures: {} })).toMatchObject({ attempts: 'a', detour: undefined });
  expect(await call(more)).toMatchObject({ attempts: 'ab', end: 'result' });
  const turned = await call(more);
  expect(turned).toMatchObject({ attempts: 'b', end: 'result', detour: { failed: [], afterFailures: [] } });
  expect(turned.detour!.fallbacks).toEqual([
    { upstream: 'b', tool: 'x', staticPlace: 1, propensity: 0.95 },
    { upstream: 'c', tool: 'x', staticPlace: 2, propensity: 0 },
    { upstream: 'a', tool: 'x', staticPlace: 0, propensity: 0.05 },
  ]);
  const late = await call({ ...more, failures: { b: BROKEN, c: BROKEN } });
  expect(late).toMatchObject({ attempts: 'bca', end: 'result' });
  expect(late.detour!.afterFailures).toEqual([{ upstream: 'a', failures: 1, sinceMs: 0, hasFailed: false }]);
  expect([runOf('a').now, runOf('b').now]).toEqual([undefined, { failures: 1, sinceMs: 0 }]);
});

test('the target is tried again as often as it is configured also where it is asked last', async () => {
  const { call } = createStage();
  await call({ fallbacks: ['b'], failures: { a: BROKEN } });
  const failures = { a: BROKEN, b: { ...BROKEN, phase: 'call' } };
  expect(await call({ fallbacks: ['b'], failures, attempts: 2, advice: LIKELY })).toMatchObject({ attempts: 'baa', end: 'result' });
});

test('without advice, with little risk, or with risk that is none the configured order stands', async () => {
  const wrong: readonly Partial<Advice>[] = [
    {},
    { failureRisk: () => undefined },
    { failureRisk: () => 0.7 },
    { failureRisk: () => Number.NaN },
    { failureRisk: () => 40 },
    {
      failureRisk: () => {
        throw new Error('broken');
      },
    },
  ];
  for (const advice of [undefined, ...wrong]) {
    const { call } = createStage();
    for (let made = 0; made < 4; made++)
      expect(await call({ fallbacks: ['b'], ...(advice && { advice }) })).toMatchObject({ attempts: 'ab' });
  }
  const { call } = createStage();
  for (let made = 0; made < 4; made++) expect(await call({ advice: LIKELY })).toMatchObject({ attempts: 'a', end: 'UPSTREAM_UNAVAILABLE' });
});

test('a share of calls, and one in thirty seconds where few call, asks the target first, and its answer ends the turn', async () => {
  const { call, clock } = createStage();
  const more = { fallbacks: ['b'], advice: LIKELY };
  const shareOf = ({ detour }: Awaited<ReturnType<typeof call>>) =>
    detour!.fallbacks.map(({ upstream, propensity }) => [upstream, propensity]);
  await call(more);
  const drawn = await call({ ...more, draw: 0.04 });
  expect(drawn).toMatchObject({ attempts: 'ab', detour: { afterFailures: [{ failures: 1, hasFailed: true }] } });
  expect(shareOf(drawn)).toEqual([
    ['a', 0.05],
    ['b', 0.95],
  ]);
  clock.advance(29_999);
  expect((await call(more)).attempts).toBe('b');
  clock.advance(1);
  const due = await call({ ...more, failures: {} });
  expect(due).toMatchObject({ attempts: 'a', detour: { afterFailures: [{ failures: 2, sinceMs: 30_000, hasFailed: false }] } });
  expect(shareOf(due)).toEqual([
    ['a', 1],
    ['b', 0],
  ]);
  expect(await call({ ...more, failures: {} })).toMatchObject({ attempts: 'a', detour: undefined });
});

test('of fallbacks only those that may answer come before the target', async () => {
  const { call } = createStage();
  const more = { fallbacks: ['b', 'c'], advice: LIKELY };
  await call({ ...more, failures: { a: BROKEN, b: BROKEN } });
  const turned = await call(more);
  expect(turned.attempts).toBe('c');
  expect(turned.detour!.fallbacks.map(({ upstream, staticPlace, propensity }) => [upstream, staticPlace, propensity])).toEqual([
    ['c', 2, 0.95],
    ['a', 0, 0.05],
    ['b', 1, 0],
  ]);
  expect((await call({ ...more, failures: { a: BROKEN, b: BROKEN, c: BROKEN } })).attempts).toBe('cab');
  expect((await call({ ...more, failures: {} })).attempts).toBe('a');
});

test('a later round is for the one that has asked, and a write that may have run is tried nowhere else', async () => {
  const { call } = createStage();
  const more = { fallbacks: ['b'], advice: LIKELY };
  await call(more);
  expect(await call({ ...more, params: { requestState: 'x' } })).toMatchObject({ attempts: 'a', end: 'UPSTREAM_UNAVAILABLE' });
  expect(await call({ ...more, isRead: false, failures: { b: BROKEN } })).toMatchObject({ attempts: 'b', end: 'UPSTREAM_UNAVAILABLE' });
});
