import { Cancellation, type ClientProfile, type Notification, type Outcome, type ResultOutcome } from '@signalbox/core';
import { expect, test } from 'vitest';
import { toParams } from '../messages/encode.ts';
import { createTestHandler, resultOf } from '../testing/test-handler.ts';
import { createTestSeal } from '../testing/test-seal.ts';
import { createChannelPair } from '../transports/memory.ts';
import { openChannel } from './channel-client.ts';
import { serveChannel } from './channel-server.ts';
import type { OutgoingRequest, RequestHandler, TaskWish } from './peer.ts';

type Json = Record<string, unknown>;

const TASKS = { 'io.modelcontextprotocol/tasks': {} };
const modernMeta = (capabilities: Json) => ({
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': capabilities,
});

/** A client of ours at the other end of a channel, message by message. */
function serve(handler: RequestHandler) {
  const { left, right } = createChannelPair({ delivery: 'sync' });
  const received: Json[] = [];
  left.onMessage = (message) => received.push(JSON.parse(message.toString()) as Json);
  serveChannel(right, { handler, seal: createTestSeal(), limits: { maxDepth: 32 } });
  const send = (message: Json) => left.send(Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...message })));
  const initialize = (protocolVersion: string) => {
    send({ id: 0, method: 'initialize', params: { protocolVersion, capabilities: {}, clientInfo: { name: 'c', version: '1' } } });
    return (received.splice(0)[0]!['result'] as Json)['capabilities'] as Json;
  };
  return { received, send, initialize };
}

test('tasks are announced to each revision in its own form', () => {
  const handler = {
    ...createTestHandler(),
    describe: () => ({ info: { name: 's', version: '1' }, capabilities: { tools: {}, extensions: TASKS }, instructions: undefined }),
  };
  expect(serve(handler).initialize('2025-11-25')).toEqual({
    tools: {},
    tasks: { list: {}, cancel: {}, requests: { tools: { call: {} } } },
  });
  expect(serve(handler).initialize('2025-06-18')).toEqual({ tools: {} });
  const modern = serve(handler);
  modern.send({ id: 1, method: 'server/discover', params: { _meta: modernMeta({}) } });
  expect(modern.received[0]).toMatchObject({ result: { capabilities: { extensions: TASKS } } });
  expect(modern.received[0]).not.toHaveProperty('result.capabilities.tasks');
});

test('a task is not passed on to a client that did not declare that it takes one', () => {
  const task: ResultOutcome = { ...(resultOf({ resultType: 'task', taskId: 't' }, '2026-07-28') as ResultOutcome), resultType: 'task' };
  const it = serve(createTestHandler(() => task));
  const call = (id: number, capabilities: Json) =>
    it.send({ id, method: 'tools/call', params: { name: 'echo', _meta: modernMeta(capabilities) } });
  call(1, {});
  call(2, { extensions: TASKS });
  const refusal = { error: { code: -32006, message: expect.stringContaining('declare') as string } };
  expect(it.received.splice(0)).toMatchObject([refusal, { result: { resultType: 'task', taskId: 't' } }]);
  it.initialize('2025-11-25');
  it.send({ id: 3, method: 'tools/call', params: { name: 'echo' } });
  expect(it.received).toMatchObject([refusal]);
});

test('who listens for tasks is told of those it may hear of, and hears of them under its subscription', () => {
  const wishes = new Map<string, TaskWish>();
  const handler: RequestHandler = {
    ...createTestHandler(),
    watchTask: (taskId, wish) => {
      if (taskId === 'foreign') return undefined;
      wishes.set(taskId, wish);
      return () => wishes.delete(taskId);
    },
  };
  const it = serve(handler);
  const listen = (id: number, taskIds: unknown, capabilities: Json = { extensions: TASKS }) =>
    it.send({ id, method: 'subscriptions/listen', params: { notifications: { taskIds }, _meta: modernMeta(capabilities) } });
  listen(1, ['mine', 'foreign', 'mine']);
  expect(it.received.splice(0)).toMatchObject([
    { method: 'notifications/subscriptions/acknowledged', params: { notifications: { taskIds: ['mine'] } } },
  ]);
  wishes.get('mine')!.listener({ method: 'notifications/tasks', params: toParams({ it: { taskId: 'mine' } }).get('it') });
  expect(it.received.splice(0)).toEqual([
    {
      jsonrpc: '2.0',
      method: 'notifications/tasks',
      params: { taskId: 'mine', _meta: { 'io.modelcontextprotocol/subscriptionId': 1 } },
    },
  ]);
  it.send({ method: 'notifications/cancelled', params: { requestId: 1 } });
  expect(wishes.size).toBe(0);
  listen(2, ['mine'], {});
  listen(3, 'mine');
  listen(4, ['foreign']);
  expect(it.received).toMatchObject([
    { id: 2, error: { code: -32021, data: { requiredCapabilities: { extensions: TASKS } } } },
    { id: 3, error: { code: -32602 } },
    { method: 'notifications/subscriptions/acknowledged', params: { notifications: {} } },
    { id: 4, result: { resultType: 'complete' } },
  ]);
});

test('the progress of a task reaches the session that began it, under the token of the call', async () => {
  let emit: ((notification: Notification) => void) | undefined;
  const handler = createTestHandler((request) => {
    ({ emit } = request);
    return resultOf(request.params.has('task') ? { task: { taskId: 't', status: 'working' } } : { content: [] });
  });
  const it = serve(handler);
  it.initialize('2025-11-25');
  const progress = { method: 'notifications/progress', params: toParams({ it: { progressToken: 9, progress: 1 } }).get('it') };
  const call = (id: number, params: Json) =>
    it.send({ id, method: 'tools/call', params: { name: 'echo', ...params, _meta: { progressToken: 'of-the-client' } } });
  call(1, { task: {} });
  it.received.splice(0);
  emit!(progress);
  expect(it.received.splice(0)).toMatchObject([{ params: { progressToken: 'of-the-client', progress: 1 } }]);
  call(2, {});
  it.received.splice(0);
  emit!(progress);
  expect(it.received).toEqual([]);
});

/** A server at the other end of a channel, message by message. */
async function connect(revision: 'handshake' | 'modern', capabilities: Json) {
  const { left, right } = createChannelPair();
  const seen: Json[] = [];
  const notifications: Notification[] = [];
  const anomalies: string[] = [];
  const send = (message: Json) => right.send(Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...message })));
  right.onMessage = (bytes) => {
    const message = JSON.parse(bytes.toString()) as { id?: unknown; method: string };
    seen.push(message as unknown as Json);
    const { id, method } = message;
    if (method === 'initialize') send({ id, result: { protocolVersion: '2025-11-25', capabilities, serverInfo: {} } });
    if (method === 'server/discover') send({ id, result: { supportedVersions: ['2026-07-28'], capabilities } });
    if (method === 'tools/call') send({ id, result: { task: { taskId: 't', status: 'working' } } });
  };
  const connection = await openChannel(left, {
    upstream: 'tasks',
    client: { name: 'signalbox', version: '1' },
    revision,
    handshakeMs: 5_000,
    maxMessageBytes: 100_000,
    onNotification: (notification) => notifications.push(notification),
    onAnomaly: (text) => anomalies.push(text),
  });
  return { connection, seen, send, notifications, anomalies, [Symbol.asyncDispose]: () => connection.close() };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

function request(extra: Partial<OutgoingRequest>): OutgoingRequest {
  const client: ClientProfile = { revision: '2025-11-25', info: undefined, capabilities: {}, logLevel: 'debug' };
  return {
    method: 'tools/call',
    params: toParams({ name: 'work', task: {} }),
    client,
    principal: 'local',
    cancellation: new Cancellation(),
    timeoutMs: 1_000,
    emit: undefined,
    wantsProgress: false,
    ...extra,
  };
}

test('progress of a task comes to the call that began it until the task is over, and is stray afterwards', async () => {
  await using it = await connect('handshake', { tasks: {} });
  const emitted: unknown[] = [];
  const taskEnd = new Cancellation();
  const emit = ({ params }: Notification) => emitted.push(params?.value);
  const answer: Outcome = await it.connection.request(request({ emit, wantsProgress: true, taskEnd }));
  expect(answer).toMatchObject({ kind: 'result' });
  const token = (it.seen.at(-1) as { id: number }).id;
  const progress = (step: number) => it.send({ method: 'notifications/progress', params: { progressToken: token, progress: step } });
  progress(1);
  await turn();
  taskEnd.cancel('over');
  progress(2);
  await turn();
  expect(emitted).toEqual([{ progressToken: token, progress: 1 }]);
  expect(it.anomalies).toEqual(['progress for no request in flight']);
});

test('a log message that names a task is nobody else’s, although others are being served', async () => {
  await using it = await connect('handshake', { tasks: {} });
  const emitted: unknown[] = [];
  const hanging = it.connection.request(request({ method: 'tasks/result', emit: (notification) => emitted.push(notification) }));
  const params = { level: 'info', data: 'x', _meta: { 'io.modelcontextprotocol/related-task': { taskId: 't' } } };
  it.send({ method: 'notifications/message', params });
  await turn();
  expect(emitted).toEqual([]);
  expect(it.notifications.map((notification) => notification.params?.value)).toEqual([params]);
  await it.connection.close();
  await expect(hanging).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
});

test('news of tasks are asked for of modern servers that have tasks, and given up with them where a server minds', async () => {
  await using it = await connect('modern', { tools: { listChanged: true }, extensions: TASKS });
  it.connection.watchTask('a');
  await turn();
  it.connection.watchTask('b');
  await turn();
  const listens = () => it.seen.filter(({ method }) => method === 'subscriptions/listen') as { id: number; params: Json }[];
  expect(listens().map(({ params }) => params['notifications'])).toEqual([
    { toolsListChanged: true },
    { toolsListChanged: true, taskIds: ['a'] },
    { toolsListChanged: true, taskIds: ['a', 'b'] },
  ]);
  expect(listens()[1]!.params['_meta']).toMatchObject({ 'io.modelcontextprotocol/clientCapabilities': { extensions: TASKS } });
  it.send({ id: listens()[2]!.id, error: { code: -32602, message: 'what are tasks?' } });
  await turn();
  expect(listens().at(-1)!.params['notifications']).toEqual({ toolsListChanged: true });

  await using plain = await connect('modern', { tools: { listChanged: true } });
  plain.connection.watchTask('a');
  await turn();
  expect(plain.seen.filter(({ method }) => method === 'subscriptions/listen')).toHaveLength(1);
});
