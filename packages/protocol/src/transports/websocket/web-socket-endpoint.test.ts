import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { RawJson, systemClock, type Clock } from '@signalbox/core';
import { expect, test } from 'vitest';
import { sendRaw, until } from '../../testing/http.ts';
import { createTestClock } from '../../testing/test-clock.ts';
import { createTestHandler, resultOf, type TestHandler } from '../../testing/test-handler.ts';
import { connectSocket } from '../../testing/web-sockets.ts';
import type { GuardOptions } from '../http-guard.ts';
import { createHttpServer } from '../http-server.ts';
import { createTestSeal } from '../../testing/test-seal.ts';

interface Options {
  readonly guard?: GuardOptions;
  readonly clock?: Clock;
  readonly max?: number;
  readonly handler?: TestHandler;
}

async function start({ guard = {}, clock = systemClock, max = 10, handler = createTestHandler() }: Options = {}) {
  const limits = { maxMessageBytes: 10_000, maxDepth: 32 };
  const server = createHttpServer({
    handler,
    seal: createTestSeal(),
    port: 0,
    guard,
    clock,
    limits,
    sessions: { idleSeconds: 60, max, maxAgeSeconds: 3600 },
  });
  const { url } = await server.listen();
  const { port } = new URL(url);
  /** The answer to an upgrade that consists of a request line and these headers beside the usual ones. */
  const upgrade = (headers: Readonly<Record<string, string | undefined>> = {}, line = 'GET /mcp HTTP/1.1') => {
    const all: Record<string, string | undefined> = {
      Host: `127.0.0.1:${port}`,
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
      'Sec-WebSocket-Protocol': 'mcp',
      ...headers,
    };
    const lines = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]));
    return sendRaw(url, `${[line, ...lines].join('\r\n')}\r\n\r\n`);
  };
  const status = async (...given: Parameters<typeof upgrade>) => Number((await upgrade(...given)).slice(9, 12));
  return { server, handler, url, port, upgrade, status, [Symbol.asyncDispose]: () => server.close(0) };
}

const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'tester', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
};
const INITIALIZE = { jsonrpc: '2.0', id: 0, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {} } };
const call = (id: number | string, name: string, params: object = {}) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name, arguments: { id }, ...params },
});

test('clients of both generations are served on one channel each', async () => {
  await using it = await start();
  const old = await connectSocket(it.url);
  expect(old.subprotocol).toBe('mcp');
  old.send(INITIALIZE);
  old.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
  old.send(call('one', 'count', { _meta: { progressToken: 'mine' } }));
  await until(() => old.messages.some(({ id }) => id === 'one'), 'the answer arrives');
  expect(old.messages[0]).toMatchObject({ id: 0, result: { protocolVersion: '2025-11-25', serverInfo: { name: 'test-server' } } });
  const progress = old.messages.filter(({ method }) => method === 'notifications/progress');
  expect(progress.map(({ params }) => params)).toEqual([1, 2, 3].map((step) => ({ progressToken: 'mine', progress: step, total: 3 })));
  it.handler.publish('notifications/tools/list_changed');

  const modern = await connectSocket(it.url);
  modern.send({ jsonrpc: '2.0', id: 7, method: 'server/discover', params: { _meta: META } });
  modern.send(call(8, 'echo', { _meta: META }));
  await until(() => modern.messages.length === 2, 'both answers arrive');
  expect(modern.messages.find(({ id }) => id === 7)).toMatchObject({
    result: { supportedVersions: expect.arrayContaining(['2026-07-28']) },
  });
  expect(modern.messages.find(({ id }) => id === 8)).toMatchObject({ result: { resultType: 'complete' } });
  await until(() => old.messages.at(-1)?.['method'] === 'notifications/tools/list_changed', 'the old client hears of the change');
  expect(it.server.sessions()).toEqual({ open: 2, streams: 2 });
  old.socket.close(1000);
  modern.connection.destroy();
  await until(() => it.server.sessions().open === 0, 'both are forgotten');
});

test('H1: an upgrade is held to the same hosts and origins as any request', async () => {
  await using it = await start({ guard: { allowedHosts: ['gateway.example'], allowedOrigins: ['https://panel.example'] } });
  expect(await it.status()).toBe(101);
  expect(await it.status({ Host: 'gateway.example' })).toBe(101);
  expect(await it.status({ Origin: `http://localhost:${it.port}` })).toBe(101);
  expect(await it.status({ Origin: 'https://panel.example' })).toBe(101);
  for (const Host of ['evil.example', '127.0.0.1.evil.example', '0.0.0.0']) expect(await it.status({ Host }), Host).toBe(403);
  for (const Host of ['localhost/../admin', 'x@localhost', undefined]) expect(await it.status({ Host }), Host).toBe(400);
  expect(await it.status({ host: 'localhost' })).toBe(400);
  expect(await it.status({ Host: 'evil.example', 'X-Forwarded-Host': 'localhost' })).toBe(403);
  for (const Origin of ['http://evil.example', 'null', 'http://127.0.0.1.evil.example', 'http://localhost:9']) {
    expect(await it.status({ Origin }), Origin).toBe(403);
  }
  expect(await it.status({}, 'GET http://evil.example/mcp HTTP/1.1')).toBe(404);
  expect(it.server.sessions().open).toBeLessThanOrEqual(4);
});

test('an upgrade without the token is refused with the proof that is wanted', async () => {
  await using it = await start({ guard: { token: 'secret' } });
  const refusal = await it.upgrade();
  expect(refusal).toMatch(/^HTTP\/1\.1 401 Unauthorized\r\n/);
  expect(refusal).toContain('WWW-Authenticate: Bearer');
  expect(await it.status({ Authorization: 'Bearer other' })).toBe(401);
  expect(await it.status({ Authorization: 'Bearer secret' })).toBe(101);
});

test('an upgrade that is none of ours is refused with a status and a JSON-RPC error', async () => {
  await using it = await start();
  expect(await it.status({}, 'GET /other HTTP/1.1')).toBe(404);
  expect(await it.status({}, 'GET /sse HTTP/1.1')).toBe(404);
  expect(await it.status({}, 'POST /mcp HTTP/1.1')).toBe(405);
  expect(await it.upgrade({ 'Sec-WebSocket-Version': '12' })).toContain('Sec-WebSocket-Version: 13');
  for (const key of [undefined, 'short', randomBytes(15).toString('base64')])
    expect(await it.status({ 'Sec-WebSocket-Key': key })).toBe(400);
  const other = await it.upgrade({ 'Sec-WebSocket-Protocol': 'chat, superchat' });
  expect(JSON.parse(other.slice(other.indexOf('{')))).toMatchObject({
    id: null,
    error: { code: -32600, message: 'Cannot open a WebSocket without the subprotocol "mcp"', data: { reason: 'INVALID_REQUEST' } },
  });
  expect(await it.upgrade({ 'Sec-WebSocket-Protocol': 'chat, mcp' })).toContain('Sec-WebSocket-Protocol: mcp');
  expect(await it.upgrade({ 'Sec-WebSocket-Protocol': undefined })).not.toContain('Sec-WebSocket-Protocol');
});

test('compression is not agreed to', async () => {
  await using it = await start();
  const answer = await it.upgrade({ 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits' });
  expect(answer).toMatch(/^HTTP\/1\.1 101/);
  expect(answer).not.toContain('Sec-WebSocket-Extensions');
});

test('a plain request that also offers HTTP/2 is served as if it did not', async () => {
  await using it = await start();
  const body = JSON.stringify(INITIALIZE);
  const head = [
    'POST /mcp HTTP/1.1',
    `Host: 127.0.0.1:${it.port}`,
    'Connection: keep-alive, Upgrade, HTTP2-Settings',
    'Upgrade: h2c',
    'HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA',
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
  ].join('\r\n');
  const whole = await sendRaw(it.url, `${head}\r\n\r\n${body}`, /serverInfo/);
  expect(whole).toMatch(/^HTTP\/1\.1 200/);
  expect(whole).toContain('"protocolVersion":"2025-11-25"');
  const socket = connect(Number(it.port), '127.0.0.1');
  let answer = '';
  socket.on('data', (chunk) => (answer += chunk.toString('latin1')));
  socket.write(`${head}\r\nExpect: 100-continue\r\n\r\n${body.slice(0, 10)}`);
  await until(() => answer.includes('100 Continue'), 'the head is read');
  answer = '';
  socket.write(`${body.slice(10)}GET /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
  await until(() => answer.includes('HTTP/1.1 400'), 'the request after it is answered too');
  expect(answer).toMatch(/^HTTP\/1\.1 200/);
  socket.destroy();
});

test('frames that are no messages end the connection with the code and the reason', async () => {
  await using it = await start();
  const endOf = async (act: (client: Awaited<ReturnType<typeof connectSocket>>) => void) => {
    const client = await connectSocket(it.url);
    act(client);
    return client.closed;
  };
  expect(await endOf(({ send }) => send('x'.repeat(10_001)))).toEqual({ code: 1009, reason: 'Cannot accept a message of this size' });
  expect(await endOf(({ send }) => send('{}', true))).toEqual({ code: 1003, reason: 'Cannot accept a binary frame: messages are text' });
  expect(await endOf(({ send }) => send(Buffer.from([0x7b, 0xff, 0x7d])))).toEqual({
    code: 1007,
    reason: 'Cannot read text that is not UTF-8',
  });
  // Without a mask, and with a reserved bit.
  expect(await endOf(({ connection }) => connection.write(Buffer.from([0x81, 0x02, 0x7b, 0x7d])))).toEqual({
    code: 1002,
    reason: 'Cannot read this frame',
  });
  expect(await endOf(({ connection }) => connection.write(Buffer.from([0xc1, 0x82, 0, 0, 0, 0, 0x7b, 0x7d])))).toMatchObject({
    code: 1002,
  });
  await until(() => it.server.sessions().open === 0, 'all are forgotten');
});

test('text that is no message is answered with what is wrong, and the connection goes on', async () => {
  await using it = await start();
  const client = await connectSocket(it.url);
  client.send('no json');
  client.send('[]');
  client.send(`{"jsonrpc":"2.0","id":3,"method":"ping","params":{"x":${'['.repeat(40)}${']'.repeat(40)}}}`);
  client.send('{"jsonrpc":"2.0","id":4,"method":"ping","params":{"a":1,"a":2}}');
  client.send({ jsonrpc: '2.0', id: 5, method: 'ping' });
  await until(() => client.messages.length === 5, 'all are answered');
  expect(client.messages.map(({ id, error }) => [id, (error as { code: number } | undefined)?.code])).toEqual([
    [null, -32700],
    [null, -32600],
    [3, -32600],
    [4, -32600],
    [5, undefined],
  ]);
});

test('an answer of an upstream that is not UTF-8 does not end the connection', async () => {
  const bytes = Buffer.concat([Buffer.from('{"content":[{"type":"text","text":"'), Buffer.from([0xff]), Buffer.from('"}]}')]);
  const handler = createTestHandler(() => ({ ...resultOf({}), result: RawJson.fromBytes(bytes) }));
  await using it = await start({ handler });
  const client = await connectSocket(it.url);
  client.send(call(1, 'echo', { _meta: META }));
  await until(() => client.messages.length === 1, 'the answer arrives');
  expect(client.messages[0]).toMatchObject({ result: { content: [{ text: '\ufffd' }] } });
});

test('a notification cancels one call, the end of the connection all', async () => {
  await using it = await start();
  const client = await connectSocket(it.url);
  client.send(INITIALIZE);
  for (const id of [1, 2, 3]) client.send(call(id, 'hang'));
  client.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 2, reason: 'enough' } });
  await until(() => it.handler.cancelled.length === 1, 'one call is cancelled');
  client.connection.destroy();
  await until(() => it.handler.cancelled.length === 3, 'the others are cancelled');
  expect(it.handler.cancelled).toEqual([
    'The client cancelled the request: enough',
    expect.stringMatching(/^the connection broke off/),
    expect.stringMatching(/^the connection broke off/),
  ]);
});

test('while it closes, what is in flight is answered, idle clients leave at once and nothing new is taken', async () => {
  const it = await start();
  const [idle, busy] = [await connectSocket(it.url), await connectSocket(it.url)];
  busy.send(call(1, 'later', { _meta: META }));
  await until(() => it.handler.requests.length === 1, 'the call arrives');
  const closing = it.server.close(5_000);
  expect(await idle.closed).toEqual({ code: 1001, reason: 'The gateway is closing' });
  busy.send(call(2, 'echo', { _meta: META }));
  await until(() => busy.messages.length === 1, 'the second call is refused');
  expect(busy.messages[0]).toMatchObject({ id: 2, error: { data: { reason: 'OVERLOADED' } } });
  expect(it.handler.requests).toHaveLength(1);
  it.handler.release();
  expect(await busy.closed).toEqual({ code: 1001, reason: 'The gateway is closing' });
  expect(busy.messages.at(-1)).toMatchObject({ id: 1, result: {} });
  await closing;
  expect(it.handler.watchers).toBe(0);
});

test('what is still in flight when the grace is over is cancelled', async () => {
  const it = await start();
  const client = await connectSocket(it.url);
  client.send(call(1, 'hang', { _meta: META }));
  await until(() => it.handler.requests.length === 1, 'the call arrives');
  await it.server.close(30);
  expect(await client.closed).toMatchObject({ code: 1001 });
  expect(it.handler.cancelled).toEqual(['The gateway is closing']);
});

test('clients beyond the bound are refused until one leaves', async () => {
  await using it = await start({ max: 2 });
  const [first] = [await connectSocket(it.url), await connectSocket(it.url)];
  expect(await it.status()).toBe(503);
  first!.socket.close(1000);
  await until(() => it.server.sessions().open === 1, 'one has left');
  expect(await it.status()).toBe(101);
});

test('a client that answers no pings is dropped, one that does is kept', async () => {
  const clock = createTestClock();
  const it = await start({ clock });
  const [alive, dead] = [await connectSocket(it.url), await connectSocket(it.url)];
  dead.connection.pause();
  for (const round of [1, 2, 3]) {
    expect(it.server.sessions().open).toBe(round < 3 ? 2 : 1);
    clock.advance(17_000);
    // The answer comes behind the sign of life.
    alive.send({ jsonrpc: '2.0', id: round, method: 'ping' });
    await until(() => alive.messages.length === round, 'the living client is served');
  }
  dead.connection.destroy();
  alive.connection.destroy();
  await it.server.close(0);
});

test('a client that does not read what it is sent is dropped before it fills our memory', async () => {
  await using it = await start();
  const client = await connectSocket(it.url);
  client.send(INITIALIZE);
  await until(() => client.messages.length === 1, 'the session is open');
  client.connection.pause();
  const data = 'x'.repeat(1_048_576);
  let sent = 0;
  while (it.server.sessions().open === 1 && sent < 60) {
    it.handler.publish('notifications/message', { level: 'info', data });
    sent++;
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
  expect(it.server.sessions().open).toBe(0);
  expect(sent).toBeGreaterThan(16);
  client.connection.destroy();
});
