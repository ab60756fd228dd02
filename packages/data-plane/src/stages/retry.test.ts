import { GatewayError, RawJson, type Answer, type ResultSink } from '@signalbox/core';
import { expect, test } from 'vitest';
import type { Upstream } from '../upstreams/upstream.ts';
import type { TargetedCall } from './call-stages.ts';
import { retry } from './retry.ts';

const ANSWER: Answer = { kind: 'result', result: RawJson.fromValue({}), resultType: 'complete', isError: false, revision: '2026-07-28' };

/** Makes a call that may run twice, whose first attempt breaks off. */
async function call(sink: Partial<ResultSink> | undefined, fallbacks: readonly string[] = []) {
  const attempts: string[] = [];
  const upstream = (name: string) =>
    ({
      name,
      state: 'ready',
      desired: { config: { retry: { attempts: 2, backoffMs: 0 } } },
      breaker: { allows: () => true, succeeded: () => undefined, failed: () => undefined, abandoned: () => undefined },
      recordCall: () => undefined,
    }) as unknown as Upstream;
  const run = () => undefined;
  const clock = { now: () => 0, monotonic: () => 0, after: (_: number, then: () => void) => (queueMicrotask(then), run) };
  const target = { upstream: 'a', name: 'x', definition: undefined };
  const made = {
    method: 'resources/read',
    target,
    fallbacks: fallbacks.map((name) => ({ ...target, upstream: name })),
    trace: { upstream: undefined, name: undefined, attempts: 0, isCached: false },
    deadlineMs: Infinity,
    cancellation: { isCancelled: false },
    sink,
  } as unknown as TargetedCall;
  const stage = retry({ upstream, clock, random: () => 0 });
  const answer = Promise.resolve(
    stage(made, ({ target }) => {
      attempts.push(target.upstream);
      const error = new GatewayError('UPSTREAM_UNAVAILABLE', 'It broke off', { data: { sent: true } });
      return attempts.length === 1 ? Promise.reject(error) : ANSWER;
    }),
  );
  return {
    attempts,
    end: await answer.then(
      ({ kind }) => kind,
      (error: GatewayError) => error.code,
    ),
  };
}

test('a result of which nothing has reached the caller is asked for again', async () => {
  expect(await call(undefined)).toEqual({ attempts: ['a', 'a'], end: 'result' });
  expect(await call({ isBegun: false })).toEqual({ attempts: ['a', 'a'], end: 'result' });
});

test('a result that has begun to reach the caller is never asked for again, here or elsewhere', async () => {
  expect(await call({ isBegun: true }, ['b'])).toEqual({ attempts: ['a'], end: 'UPSTREAM_UNAVAILABLE' });
});
