import { GatewayError, RawJson, silentLogger, type Advice, type Answer, type ResultSink } from '@signalbox/core';
import { expect, test } from 'vitest';
import { createAdviceGuard } from '../advice-guard.ts';
import { createTestClock } from '../testing/test-clock.ts';
import { Breaker } from '../upstreams/breaker.ts';
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
  const call = async (options: CallOptions) => {
    const { sink, fallbacks = [], attempts: most = 1, isRead = true, advice } = options;
    const failures: NonNullable<CallOptions['failures']> = options.failures ?? { a: BROKEN };
    const attempts: string[] = [];
    const upstream = (name: string) =>
      ({
        name,
        state: 'ready',
        desired: { config: { retry: { attempts: most, backoffMs: 0 } } },
        breaker: breakerOf(name),
        recordCall: () => undefined,
      }) as unknown as Upstream;
    const definition = { name: 'x', inputSchema: {}, annotations: { readOnlyHint: isRead } };
    const target = { upstream: 'a', name: 'x', definition };
    const trace = { upstream: undefined, name: undefined, attempts: 0, isCached: false, detour: undefined };
    const made = {
      method: 'tools/call',
      target,
      fallbacks: fallbacks.map((name) => ({ ...target, upstream: name })),
      trace,
      deadlineMs: Infinity,
      cancellation: { isCancelled: false },
      sink,
    } as unknown as TargetedCall;
    const guard = advice && createAdviceGuard({ current: { version: 1, ...advice } }, { clock, logger: silentLogger });
    const eager = { ...clock, after: (_: number, then: () => void) => (queueMicrotask(then), () => undefined) };
    const stage = retry({ upstream, advice: guard, clock: eager, random: () => 0.5 });
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
  return { call, clock, breakerOf };
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
  expect((await call({ failures: {} })).detour).toBeUndefined();
});

test('a write that may have run is tried nowhere else, whatever is advised', async () => {
  const { call } = createStage();
  const write = { fallbacks: ['b', 'c'], isRead: false, advice: { fallbacks: CD } };
  expect(await call(write)).toMatchObject({ attempts: 'a', end: 'UPSTREAM_UNAVAILABLE' });
  const unsent = { a: { sent: false }, c: BROKEN };
  expect(await call({ ...write, failures: unsent })).toMatchObject({ attempts: 'ac', end: 'UPSTREAM_UNAVAILABLE' });
});
