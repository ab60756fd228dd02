import { systemClock, type Clock } from '@signalbox/core';
import { expect, test } from 'vitest';
import { open, send, sendRaw, until, type OpenAnswer } from '../../testing/http.ts';
import { createTestClock } from '../../testing/test-clock.ts';
import { createTestHandler } from '../../testing/test-handler.ts';
import type { GuardOptions } from '../http-guard.ts';
import { createHttpServer } from '../http-server.ts';
import { createTestSeal } from '../../testing/test-seal.ts';

interface Options {
  readonly guard?: GuardOptions;
  readonly clock?: Clock;
  readonly max?: number;
  readonly path?: string;
  readonly legacySse?: boolean;
}

async function start({ guard = {}, clock = systemClock, max = 10, path = '/mcp', legacySse = true }: Options = {}) {
  const handler = createTestHandler();
  const limits = { maxMessageBytes: 10_000, maxDepth: 32 };
  const server = createHttpServer({
    handler,
    seal: createTestSeal(),
    port: 0,
    path,
    guard,
    clock,
    legacySse,
    limits,
    sessions: { idleSeconds: 60, max, maxAgeSeconds: 3600 },
  });
  const { url } = await server.listen();
  return { server, handler, url, origin: new URL(url).origin, port: new URL(url).port, [Symbol.asyncDispose]: () => server.close(0) };
}

const GET = { method: 'GET', headers: { Accept: 'text/event-stream' } };
const INITIALIZE = { jsonrpc: '2.0', id: 0, method: 'initialize', params: { protocolVersion: '2024-11-05', capabilities: {} } };
const call = (id: number, name: string) => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: { id } } });

/** Opens a stream and reads where it wants messages to go. */
async function connect(
  origin: string,
  path = '/sse',
): Promise<{ stream: OpenAnswer; address: string; messages: () => Record<string, unknown>[] }> {
  const stream = await open(`${origin}${path}`, GET);
  expect(stream.status).toBe(200);
  await until(() => stream.text().includes('\n\n'), 'the address arrives');
  const [first] = stream.text().split('\n\n');
  const address = /^event: endpoint\ndata: (\/\S+)$/.exec(first!)?.[1];
  const messages = () =>
    [...stream.text().matchAll(/^event: message\ndata: (.*)$/gm)].map(([, data]) => JSON.parse(data!) as Record<string, unknown>);
  return { stream, address: `${origin}${address}`, messages };
}

test('a stream names where messages go; they are confirmed there and answered on the stream', async () => {
  await using it = await start();
  const { stream, address, messages } = await connect(it.origin);
  expect(stream.headers).toMatchObject({ 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' });
  expect(address).toMatch(/\/messages\?sessionId=[\w-]{22}$/);
  for (const body of [INITIALIZE, { jsonrpc: '2.0', method: 'notifications/initialized' }, call(1, 'count')]) {
    expect(await send(address, { body })).toMatchObject({ status: 202, text: '' });
  }
  await until(() => messages().length >= 2, 'the answers arrive');
  expect(messages()[0]).toMatchObject({ id: 0, result: { protocolVersion: '2024-11-05' } });
  expect(messages().find(({ id }) => id === 1)).toMatchObject({ result: { content: [{ text: '{"id":1}' }] } });
  it.handler.publish('notifications/tools/list_changed');
  await until(() => messages().at(-1)?.['method'] === 'notifications/tools/list_changed', 'the notification arrives');
  expect(it.server.sessions()).toEqual({ open: 1, streams: 1 });
});

test('a session is its stream: it ends with it, and cancels what is in flight', async () => {
  await using it = await start();
  const { stream, address } = await connect(it.origin);
  await send(address, { body: INITIALIZE });
  await send(address, { body: call(1, 'hang') });
  stream.abort();
  await until(() => it.handler.cancelled.length === 1, 'the call is cancelled');
  expect(it.handler.cancelled).toEqual(['The client closed its stream']);
  expect(await send(address, { body: call(2, 'echo') })).toMatchObject({ status: 404, messages: [{ error: { code: -32001 } }] });
  expect(it.server.sessions()).toEqual({ open: 0, streams: 0 });
});

test('nobody speaks for a session without knowing it, and each answer goes to its own stream', async () => {
  await using it = await start();
  const [first, second] = [await connect(it.origin), await connect(it.origin)];
  expect(first.address).not.toBe(second.address);
  for (const { address } of [first, second]) {
    await send(address, { body: INITIALIZE });
    await send(address, { body: call(1, 'echo') });
  }
  await until(() => first.messages().length === 2 && second.messages().length === 2, 'each has its answers');
  const { address } = first;
  expect((await send(`${it.origin}/messages`, { body: call(2, 'echo') })).status).toBe(400);
  expect((await send(`${it.origin}/messages?sessionId=`, { body: call(2, 'echo') })).status).toBe(400);
  expect((await send(`${address}x`, { body: call(2, 'echo') })).status).toBe(404);
  expect((await send(`${it.origin}/messages?sessionId=__proto__`, { body: call(2, 'echo') })).status).toBe(404);
  expect(it.handler.requests).toHaveLength(2);
});

test('H1: stream and messages are held to the same hosts, origins and token as any request', async () => {
  await using it = await start({ guard: { token: 'secret' } });
  const raw = async (line: string, headers: readonly string[]) =>
    Number((await sendRaw(it.url, `${[line, ...headers, 'Connection: close'].join('\r\n')}\r\n\r\n`)).slice(9, 12));
  const proof = 'Authorization: Bearer secret';
  for (const line of ['GET /sse HTTP/1.1', 'POST /messages?sessionId=x HTTP/1.1']) {
    for (const Host of ['evil.example', '127.0.0.1.evil.example']) expect(await raw(line, [`Host: ${Host}`, proof]), Host).toBe(403);
    expect(await raw(line, ['Host: localhost/../admin', proof])).toBe(400);
    for (const Origin of ['http://evil.example', 'null', 'http://127.0.0.1.evil.example', 'http://localhost:9']) {
      expect(await raw(line, ['Host: localhost', `Origin: ${Origin}`, proof]), Origin).toBe(403);
    }
    expect(await raw(line, ['Host: localhost'])).toBe(401);
    expect(await raw(line, ['Host: localhost', 'Authorization: Bearer other'])).toBe(401);
  }
  expect(await raw('GET /sse HTTP/1.1', ['Host: localhost', proof, `Origin: http://localhost:${it.port}`])).toBe(200);
});

test('what is no message is refused where it was posted, with its status', async () => {
  await using it = await start();
  const { address, messages } = await connect(it.origin);
  await send(address, { body: INITIALIZE });
  const deep = `{"jsonrpc":"2.0","id":3,"method":"ping","params":{"x":${'['.repeat(40)}${']'.repeat(40)}}}`;
  for (const [body, status, error] of [
    ['no json', 400, { id: null, error: { code: -32700 } }],
    ['[]', 400, { id: null, error: { code: -32600 } }],
    [deep, 400, { id: 3, error: { code: -32600 } }],
    ['x'.repeat(10_001), 413, { error: { code: -32600 } }],
  ] as const) {
    expect(await send(address, { body })).toMatchObject({ status, messages: [error] });
  }
  expect((await send(address, { headers: { 'Content-Type': 'text/plain' }, body: '{}' })).status).toBe(415);
  expect((await send(address, GET)).status).toBe(405);
  expect(messages()).toHaveLength(1);
});

test('clients that try Streamable HTTP at the address of the stream are told to use GET', async () => {
  await using it = await start();
  const answer = await send(`${it.origin}/sse`, { body: INITIALIZE });
  expect([answer.status, answer.headers.allow]).toEqual([405, 'GET']);
  expect((await send(`${it.origin}/sse`, { method: 'GET', headers: { Accept: 'application/json' } })).status).toBe(406);
});

test('the two addresses stand beside the one where MCP is spoken, and can be switched off', async () => {
  await using nested = await start({ path: '/tools/mcp' });
  const { address } = await connect(nested.origin, '/tools/sse');
  expect(new URL(address).pathname).toBe('/tools/messages');
  expect((await send(`${nested.origin}/sse`, GET)).status).toBe(404);
  await using off = await start({ legacySse: false });
  expect((await send(`${off.origin}/sse`, GET)).status).toBe(404);
  expect((await send(`${off.origin}/messages?sessionId=x`, { body: INITIALIZE })).status).toBe(404);
});

test('a stream with nothing to say is kept open with comments', async () => {
  const clock = createTestClock();
  const it = await start({ clock });
  const { stream } = await connect(it.origin);
  const before = stream.text();
  clock.advance(16_000);
  await until(() => stream.text().length > before.length, 'a comment arrives');
  expect(stream.text()).toBe(`${before}: keep-alive\n\n`);
  stream.abort();
  await it.server.close(0);
});

test('a client that does not read its stream is dropped before it fills our memory', async () => {
  await using it = await start();
  const { stream, address } = await connect(it.origin);
  await send(address, { body: INITIALIZE });
  stream.pause();
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
  stream.abort();
});

test('streams beyond the bound are refused', async () => {
  await using it = await start({ max: 1 });
  const { stream } = await connect(it.origin);
  expect((await send(`${it.origin}/sse`, GET)).status).toBe(503);
  stream.abort();
  await until(() => it.server.sessions().open === 0, 'the first has left');
  await connect(it.origin);
});

test('while it closes, what is in flight is answered, and each stream ends behind its last answer', async () => {
  const it = await start();
  const [idle, busy] = [await connect(it.origin), await connect(it.origin)];
  await send(busy.address, { body: INITIALIZE });
  await send(busy.address, { body: call(1, 'later') });
  const closing = it.server.close(5_000);
  await idle.stream.ended;
  it.handler.release();
  await busy.stream.ended;
  expect(busy.messages().at(-1)).toMatchObject({ id: 1, result: {} });
  await closing;
});
