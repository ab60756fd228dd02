import { expect, test } from 'vitest';
import {
  Cancellation,
  RawJson,
  parseGatewayConfig,
  silentLogger,
  type CallerSession,
  type ClientProfile,
  type Notification,
  type Outcome,
} from '@signalbox/core';
import type { Connection } from '@signalbox/protocol';
import type { TargetedCall } from '../stages/call-stages.ts';
import type { TaskMessage } from '../tasks/task-messages.ts';
import { createTestClock } from '../testing/test-clock.ts';
import { IsolatedConnections } from './isolated-connections.ts';
import type { OpenOptions } from './open-connection.ts';

const RELATED = 'io.modelcontextprotocol/related-task';
const client: ClientProfile = { revision: '2025-11-25', info: undefined, capabilities: { elicitation: {} }, logLevel: 'off' };
const answered: Outcome = {
  kind: 'result',
  result: RawJson.fromValue({ action: 'cancel' }),
  resultType: 'complete',
  isError: false,
  revision: '2025-11-25',
};

function createSession(id: string) {
  const asked: unknown[] = [];
  const session: CallerSession = {
    id,
    client,
    ask: ({ params }) => {
      asked.push(params?.value);
      return Promise.resolve(answered);
    },
    notify: () => undefined,
    watchEnd: () => () => undefined,
  };
  return { session, asked };
}

function start() {
  const clock = createTestClock();
  const opened: OpenOptions[] = [];
  const messages: TaskMessage[] = [];
  const config = parseGatewayConfig({ mcpServers: { up: { command: 'server', isolation: { idleSeconds: 60 } } } }).mcpServers['up']!;
  const isolated = new IsolatedConnections(
    { name: 'up', config, generation: 0 },
    {
      open: (options) => {
        opened.push(options);
        const connection = { closed: new Promise<string>(() => undefined), close: () => Promise.resolve(), isCorrelated: false };
        return Promise.resolve({ connection: connection as unknown as Connection, pid: undefined, stderr: () => [] });
      },
      tasks: { take: (_upstream, message) => messages.push(message), name: (_upstream, id) => `ours of ${id}` },
      clock,
      startPermit: () => Promise.resolve(() => undefined),
    },
    silentLogger,
  );
  const callOf = (session: CallerSession | undefined, taskId?: string): TargetedCall =>
    ({
      client,
      principal: 'alice',
      session,
      ask: () => Promise.resolve(answered),
      cancellation: new Cancellation(),
      task: taskId === undefined ? undefined : { ref: { upstream: 'up', id: taskId }, publicId: 'x' },
    }) as unknown as TargetedCall;
  return { clock, opened, messages, isolated, callOf };
}

test('a connection is kept as long as a task runs behind it, and for its idle time afterwards', async () => {
  const it = start();
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
  const it = start();
  const [first, second] = [await it.isolated.take(it.callOf(undefined), 1_000), await it.isolated.take(it.callOf(undefined), 1_000)];
  expect(first.connection).not.toBe(second.connection);
  second.hold('t', new Cancellation());
  first.release();
  expect((await it.isolated.take(it.callOf(undefined, 't'), 1_000)).connection).toBe(second.connection);
  expect((await it.isolated.take(it.callOf(undefined, 'unknown'), 1_000)).connection).toBe(first.connection);
});

test("what the server says and asks of a task outside of calls is its session's, under the session's id for it", async () => {
  const it = start();
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
