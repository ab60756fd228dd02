import { expect, test, vi } from 'vitest';
import { Cancellation, type CallerSession, type Notification, type Question } from '@signalbox/core';
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

test('one that is opened ahead is taken by the call that comes, and is not opened twice', async () => {
  const it = startIsolated();
  const call = it.callOf(createSession('s1').session);
  it.isolated.openAhead(call);
  it.isolated.openAhead(call);
  await it.isolated.take(call, 1_000);
  expect([it.opened.length, it.isolated.ahead.counts]).toEqual([1, { tried: 1, used: 1 }]);
  // Calls of clients without a session may need several, so nobody knows which to open.
  it.isolated.openAhead(it.callOf(undefined));
  expect(it.isolated.size).toBe(1);
});

test('half of the places are never taken ahead, and one that was makes room for a call', async () => {
  const it = startIsolated({ command: 'server', isolation: { max: 2 } });
  const callOf = (id: string) => it.callOf(createSession(id).session);
  it.isolated.openAhead(callOf('s1'));
  it.isolated.openAhead(callOf('s2'));
  expect(it.isolated.size).toBe(1);
  await it.isolated.take(callOf('s2'), 1_000);
  await it.isolated.take(callOf('s3'), 1_000);
  expect([it.opened.length, it.isolated.size, it.isolated.ahead.counts.used]).toEqual([3, 2, 0]);
});

test('as long as fewer than half of those opened ahead are used, one is in ten minutes', () => {
  const it = startIsolated({ url: 'http://127.0.0.1:1/mcp' });
  let session = 0;
  const openAhead = () => it.isolated.openAhead(it.callOf(createSession(`s${session++}`).session));
  for (let call = 0; call < 10; call++) openAhead();
  expect(it.isolated.size).toBe(2);
  it.clock.advance(600_000);
  for (let call = 0; call < 10; call++) openAhead();
  expect(it.isolated.ahead.counts.tried).toBe(3);
});

test('a server that asks before there is a call is answered, or else not opened ahead again', async () => {
  const it = startIsolated();
  const { session, asked } = createSession('s1');
  const silent = { ...createSession('s2').session, ask: () => Promise.reject(new Error('nobody listens')) };
  const openAhead = async (whose: CallerSession) => {
    it.isolated.openAhead(it.callOf(whose));
    await vi.waitFor(() => expect(it.opened).toHaveLength(it.isolated.ahead.counts.tried));
    return it.opened.at(-1)!.isolated!.ask({ method: 'roots/list' } as Question);
  };
  await openAhead(session);
  expect([asked.length, it.isolated.size]).toEqual([1, 1]);
  await expect(openAhead(silent)).rejects.toThrow('nobody listens');
  expect(it.isolated.size).toBe(1);
  await it.isolated.take(it.callOf(silent), 1_000);
  expect(it.opened).toHaveLength(3);
  it.isolated.openAhead(it.callOf(createSession('s3').session));
  expect(it.isolated.size).toBe(2);
});
