import { expect, test } from 'vitest';
import { Cancellation, type Notification } from '@signalbox/core';
import { createSession, startIsolated } from '../testing/isolated-clients.ts';

test.each([
  ['a process each', { command: 'server' }, 16],
  ['a session each over HTTP', { url: 'http://127.0.0.1:1/mcp' }, 1024],
  ['a session each over HTTP+SSE', { url: 'http://127.0.0.1:1/sse', type: 'sse' }, 1024],
  ['a session each over WebSocket', { url: 'ws://127.0.0.1:1/mcp' }, 1024],
  ['as many as are configured', { url: 'http://127.0.0.1:1/mcp', isolation: { max: 2 } }, 2],
])('%s, and no more at once than there may be', async (_what, entry, max) => {
  const it = startIsolated(entry);
  const take = (id: string) => it.isolated.take(it.callOf(createSession(id).session), 1_000);
  const [first] = await Promise.all(Array.from({ length: max }, (_, index) => take(`s${index}`)));
  const late = take('one more').then(
    () => undefined,
    (error: Error) => error.message,
  );
  await Promise.resolve();
  expect(it.opened).toHaveLength(max);
  it.clock.advance(1_000);
  expect(await late).toContain(`all ${max} for single clients were in use for 1000 ms; raise "isolation.max"`);

  first!.release();
  await take('another');
  expect(it.opened).toHaveLength(max + 1);
  expect(it.isolated.size).toBe(max);
});

test('what its server says outside of requests goes to the call in flight, and where there is none or another to the session', async () => {
  const it = startIsolated();
  const { session, told } = createSession('s1');
  const heard: string[] = [];
  const call = { ...it.callOf(session), emit: ({ method }: Notification) => void heard.push(method) };
  const say = (method: string) => it.opened[0]!.onNotification({ method, params: undefined });
  const first = await it.isolated.take(call, 1_000);
  say('notifications/elicitation/complete');
  const second = await it.isolated.take({ ...call }, 1_000);
  say('notifications/two');
  second.release();
  first.hold('task', new Cancellation());
  say('notifications/task-runs');
  expect(heard).toEqual(['notifications/elicitation/complete']);
  expect(told).toEqual(['notifications/two', 'notifications/task-runs']);
});

test('of the connections of a principal the last used one is taken, so that the others become idle', async () => {
  const it = startIsolated();
  const [first, second] = [await it.isolated.take(it.callOf(undefined), 1_000), await it.isolated.take(it.callOf(undefined), 1_000)];
  first.release();
  second.release();
  expect((await it.isolated.take(it.callOf(undefined), 1_000)).connection).toBe(second.connection);
});
