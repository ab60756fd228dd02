import { silentLogger, toGatewayError, type Clock } from '@signalbox/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createBreakingStore } from '../testing/breaking-store.ts';
import { createMemoryStore } from '../testing/memory-store.ts';
import { createRunOnce } from './idempotency.ts';

function setUp(store = createBreakingStore(createMemoryStore())) {
  let time = 0;
  const clock: Clock = { now: () => time, monotonic: () => time, after: () => () => undefined };
  const runOnce = createRunOnce({ store, clock, logger: silentLogger });
  return { store, runOnce, advance: (ms: number) => (time += ms) };
}

const keyed = (key: string, body = '') => ({ key, principal: 'owner local', request: ['post', '/changes', '', body] });
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => toGatewayError(error).code,
  );

test('whatever is sent in any order, each key runs once and answers the same', async () => {
  const request = fc.record({ key: fc.constantFrom('a', 'b', 'c'), body: fc.constantFrom('1', '2') });
  await fc.assert(
    fc.asyncProperty(fc.array(request, { maxLength: 20 }), async (requests) => {
      const { runOnce } = setUp();
      const first = new Map<string, string>();
      const faults: string[] = [];
      for (const { key, body } of requests) {
        const isNew = !first.has(key);
        if (isNew) first.set(key, body);
        let runs = 0;
        const answer = runOnce(keyed(key, body), async () => {
          runs += 1;
          return new Response(body, { status: 201 });
        });
        const said = await answer.then(
          async (response) => `${response.status} ${await response.text()}`,
          (error: unknown) => toGatewayError(error).code,
        );
        if (said !== (first.get(key) === body ? `201 ${body}` : 'CONFLICT')) faults.push(`${key} ${body}: ${said}`);
        if (runs !== (isNew ? 1 : 0)) faults.push(`${key} ran ${runs} times`);
      }
      expect(faults).toEqual([]);
    }),
  );
});

test('what ended with its process, and what was too large to be kept, is not run again', async () => {
  const { store, runOnce } = setUp();
  void runOnce(keyed('a'), () => new Promise<Response>(() => undefined));
  await new Promise((resolve) => setImmediate(resolve));
  expect(await codeOf(runOnce(keyed('a'), async () => new Response('')))).toBe('CONFLICT');
  const next = setUp(store);
  expect(await codeOf(next.runOnce(keyed('a'), async () => new Response('')))).toBe('NOT_REPEATABLE');
  await runOnce(keyed('b'), async () => new Response('x'.repeat(300_000)));
  expect(await codeOf(runOnce(keyed('b'), async () => new Response('')))).toBe('NOT_REPEATABLE');
});

test('what failed for now may be tried again, and what was done stays done when its answer cannot be kept', async () => {
  const { store, runOnce } = setUp();
  expect((await runOnce(keyed('a'), async () => new Response('', { status: 503 }))).status).toBe(503);
  expect((await runOnce(keyed('a'), async () => new Response('', { status: 200 }))).status).toBe(200);
  const done = await runOnce(keyed('b'), async () => {
    store.isAway = true;
    return new Response('done');
  });
  expect(await done.text()).toBe('done');
  store.isAway = false;
  expect(await codeOf(runOnce(keyed('b'), async () => new Response('')))).toBe('CONFLICT');
});

test('keys are let go after a day, and beyond a thousand', async () => {
  const { store, runOnce, advance } = setUp();
  for (let index = 0; index < 1100; index++) {
    advance(1);
    await runOnce(keyed(`k${index}`), async () => new Response(''));
  }
  const kept = await store.list('admin-keys', { limit: 2000 });
  expect(kept.length).toBeLessThanOrEqual(1051);
  expect(kept.some(({ key }) => key.endsWith(' k1099'))).toBe(true);
  expect(kept.some(({ key }) => key.endsWith(' k0'))).toBe(false);
  advance(25 * 60 * 60 * 1000);
  for (let index = 0; index < 60; index++) await runOnce(keyed(`n${index}`), async () => new Response(''));
  expect((await store.list('admin-keys', { limit: 2000 })).length).toBeLessThanOrEqual(60);
});
