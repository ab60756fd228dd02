import { expect, test } from 'vitest';
import { Cancellation, RawJson, type Notification } from '@signalbox/core';
import { createSession, startIsolated } from '../testing/isolated-clients.ts';

const RELATED = 'io.modelcontextprotocol/related-task';

test('a connection is kept as long as a task runs behind it, and for its idle time afterwards', async () => {
  const it = startIsolated();
  const lease = await it.isolated.take(it.callOf(createSession('s1').session), 1_000);
  const end = new Cancellation();
  lease.hold('t', end);
  it.clock.advance(600_000);
  expect(it.isolated.size).toBe(1);
  end.cancel('over');
  it.clock.advance(200_000);
  expect(it.isolated.size).toBe(0);
});

test('of several connections of one principal, the one that has the task is asked about it', async () => {
  const it = startIsolated();
  const [first, second] = [await it.isolated.take(it.callOf(undefined), 1_000), await it.isolated.take(it.callOf(undefined), 1_000)];
  expect(first.connection).not.toBe(second.connection);
  second.hold('t', new Cancellation());
  first.release();
  expect((await it.isolated.take(it.callOf(undefined, 't'), 1_000)).connection).toBe(second.connection);
  expect((await it.isolated.take(it.callOf(undefined, 'unknown'), 1_000)).connection).toBe(first.connection);
});

test("what the server says and asks of a task outside of calls is its session's, under the session's id for it", async () => {
  const it = startIsolated();
  const { session, asked } = createSession('s1');
  const lease = await it.isolated.take({ ...it.callOf(session), ask: undefined }, 1_000);
  const notification: Notification = {
    method: 'notifications/tasks/status',
    params: RawJson.fromValue({ taskId: 't', status: 'working' }),
  };
  it.opened[0]!.onNotification(notification);
  expect(it.messages).toEqual([{ notification, taskId: 't', caller: { principal: 'alice', session } }]);
  lease.release();
  const params = RawJson.fromValue({ message: 'Name?', _meta: { [RELATED]: { taskId: 't' } } });
  await it.opened[0]!.isolated!.ask({ method: 'elicitation/create', params, cancellation: new Cancellation() });
  expect(asked).toEqual([{ message: 'Name?', _meta: { [RELATED]: { taskId: 'ours of t' } } }]);
});
