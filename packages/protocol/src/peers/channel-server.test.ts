import { expect, test } from 'vitest';
import { createTestHandler, type TestHandler } from '../testing/test-handler.ts';
import { until } from '../testing/http.ts';
import type { Channel } from '../transports/channel.ts';
import { createChannelPair } from '../transports/memory.ts';
import { serveChannel } from './channel-server.ts';
import { createTestSeal } from '../testing/test-seal.ts';

type Json = Record<string, unknown>;

function start(handler: TestHandler = createTestHandler()) {
  const { left, right } = createChannelPair({ delivery: 'sync' });
  const received: Json[] = [];
  left.onMessage = (message) => received.push(JSON.parse(message.toString()) as Json);
  const server = serveChannel(right, { handler, seal: createTestSeal(), limits: { maxDepth: 32 } });
  const sendText = (text: string) => left.send(Buffer.from(text));
  return {
    handler,
    server,
    received,
    left: left as Channel,
    sendText,
    send: (message: Json) => sendText(JSON.stringify({ jsonrpc: '2.0', ...message })),
  };
}

function initialize(it: ReturnType<typeof start>): void {
  it.send({
    id: 0,
    method: 'initialize',
    params: { protocolVersion: '2024-11-05', capabilities: {}, clientInfo: { name: 'tester', version: '1' } },
  });
  it.send({ method: 'notifications/initialized' });
  it.received.splice(0);
}

const META = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} };

test('a handshake opens a session; before it only pings are answered', () => {
  const it = start();
  it.send({ id: 1, method: 'ping' });
  it.send({ id: 2, method: 'tools/list' });
  it.send({ id: 3, method: 'initialize', params: { protocolVersion: '2024-11-05', capabilities: {} } });
  it.send({ id: 4, method: 'tools/list' });
  expect(it.received).toMatchObject([
    { id: 1, result: {} },
    { id: 2, error: { code: -32600 } },
    { id: 3, result: { protocolVersion: '2024-11-05', serverInfo: { name: 'test-server' } } },
    { id: 4, result: { tools: [{ name: 'echo' }] } },
  ]);
});

test('both generations are served on one channel, message by message', () => {
  const it = start();
  initialize(it);
  it.send({ id: 1, method: 'tools/list', params: { _meta: META } });
  it.send({ id: 2, method: 'tools/list' });
  it.send({ id: 3, method: 'server/discover', params: { _meta: META } });
  it.send({ id: 4, method: 'server/discover' });
  it.send({ id: 5, method: 'ping', params: { _meta: META } });
  expect(it.received).toMatchObject([
    { id: 1, result: { resultType: 'complete' } },
    { id: 2, result: {} },
    { id: 3, result: { supportedVersions: expect.arrayContaining(['2026-07-28', '2024-11-05']) as string[] } },
    { id: 4, error: { code: -32601 } },
    { id: 5, error: { code: -32601 } },
  ]);
  expect(it.received[1]).not.toHaveProperty('result.resultType');
});

test('a message that cannot be read is answered, and the next one is served', () => {
  const it = start();
  initialize(it);
  it.sendText('{"broken"');
  it.sendText('[]');
  it.sendText('{"jsonrpc":"2.0","id":7,"method":"m","params":{"a":1,"a":2}}');
  it.sendText('{"jsonrpc":"2.0","id":99,"result":{}}');
  it.send({ id: 1, method: 'ping' });
  expect(it.received).toMatchObject([
    { id: null, error: { code: -32700 } },
    { id: null, error: { code: -32600 } },
    { id: 7, error: { code: -32600 } },
    { id: 1, result: {} },
  ]);
});

test('a cancelled request gets no answer in either generation, and only the id of its exact type matches', async () => {
  const it = start();
  initialize(it);
  it.send({ id: 1, method: 'tools/call', params: { name: 'hang' } });
  it.send({ id: '1', method: 'tools/call', params: { name: 'hang', _meta: META } });
  it.send({ method: 'notifications/cancelled', params: { requestId: '1' } });
  expect(it.handler.cancelled.length).toBe(1);
  it.send({ method: 'notifications/cancelled', params: { requestId: 2 } });
  it.send({ method: 'notifications/cancelled', params: {} });
  it.send({ method: 'notifications/cancelled', params: { requestId: 1 } });
  await until(() => it.handler.cancelled.length === 2, 'both are cancelled');
  it.send({ id: 1, method: 'ping' });
  expect(it.received).toEqual([{ jsonrpc: '2.0', id: 1, result: {} }]);
});

test('an id in flight cannot be used twice, whichever generation uses it', async () => {
  const it = start();
  initialize(it);
  it.send({ id: 1, method: 'tools/call', params: { name: 'later' } });
  it.send({ id: 1, method: 'tools/list', params: { _meta: META } });
  it.sendText('{"jsonrpc":"2.0","id":"\\u0061","method":"tools/call","params":{"name":"later"}}');
  it.sendText('{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"later"}}');
  expect(it.received).toMatchObject([
    { id: 1, error: { code: -32600 } },
    { id: 'a', error: { code: -32600 } },
  ]);
  it.handler.release();
  await until(() => it.received.length === 4, 'the first ones are answered');
});

test('changed lists reach the session, updates only subscribers, and modern subscriptions their share', () => {
  const it = start();
  it.handler.publish('notifications/tools/list_changed');
  it.send({ id: 'l', method: 'subscriptions/listen', params: { notifications: { toolsListChanged: true }, _meta: META } });
  it.handler.publish('notifications/tools/list_changed');
  it.handler.publish('notifications/resources/list_changed');
  initialize(it);
  it.send({ id: 1, method: 'resources/subscribe', params: { uri: 'a://1' } });
  it.handler.publish('notifications/resources/updated', { uri: 'a://1' });
  it.send({ id: 2, method: 'resources/unsubscribe', params: { uri: 'a://1' } });
  it.handler.publish('notifications/resources/updated', { uri: 'a://1' });
  it.send({ method: 'notifications/cancelled', params: { requestId: 'l' } });
  it.handler.publish('notifications/tools/list_changed');
  expect(it.received).toEqual([
    { jsonrpc: '2.0', id: 1, result: {} },
    { jsonrpc: '2.0', method: 'notifications/resources/updated', params: { uri: 'a://1' } },
    { jsonrpc: '2.0', id: 2, result: {} },
    { jsonrpc: '2.0', method: 'notifications/tools/list_changed' },
  ]);
  expect(it.handler.wishes).toEqual([]);
});

test('a new handshake begins a new session and gives up the old one', () => {
  const it = start();
  initialize(it);
  it.send({ id: 1, method: 'resources/subscribe', params: { uri: 'a://1' } });
  it.send({ id: 2, method: 'tools/call', params: { name: 'hang' } });
  it.send({ id: 3, method: 'initialize', params: { protocolVersion: '2025-11-25' } });
  expect(it.handler.wishes).toEqual([]);
  expect(it.handler.cancelled).toEqual(['The client began a new session']);
  expect(it.received.at(-1)).toMatchObject({ id: 3, result: { protocolVersion: '2025-11-25' } });
});

test('the end of the channel cancels what is in flight and releases what is held', async () => {
  const it = start();
  initialize(it);
  it.send({ id: 1, method: 'resources/subscribe', params: { uri: 'a://1' } });
  it.send({ id: 2, method: 'tools/call', params: { name: 'hang' } });
  await it.left.close();
  expect(await it.server.closed).toMatch(/closed/);
  expect([it.handler.wishes, it.handler.cancelled.length, it.handler.watchers]).toEqual([[], 1, 0]);
});

test('closing ends subscriptions in good order', async () => {
  const it = start();
  it.send({ id: 'l', method: 'subscriptions/listen', params: { notifications: { toolsListChanged: true }, _meta: META } });
  await it.server.close();
  expect(it.received.at(-1)).toMatchObject({
    id: 'l',
    result: { resultType: 'complete', _meta: { 'io.modelcontextprotocol/subscriptionId': 'l' } },
  });
});

test('subscriptions of a session are bounded', () => {
  const it = start();
  initialize(it);
  for (let index = 0; index < 1025; index++) it.send({ id: index, method: 'resources/subscribe', params: { uri: `a://${index}` } });
  expect(it.received.at(-2)).toMatchObject({ result: {} });
  expect(it.received.at(-1)).toMatchObject({ error: { code: -32003 } });
});
