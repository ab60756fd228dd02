import { once } from 'node:events';
import { Agent } from 'node:http';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { RawJson, type Outcome } from '@signalbox/core';
import { open, send, sendRaw, until } from '../testing/http.ts';
import { createTestClock } from '../testing/test-clock.ts';
import { createTestHandler, resultOf, type TestHandler } from '../testing/test-handler.ts';
import { createHttpServer, type HttpServerOptions } from './http-server.ts';
import { createTestSeal } from '../testing/test-seal.ts';

const LIMITS = { maxMessageBytes: 100_000, maxDepth: 32 };

async function start(handler: TestHandler = createTestHandler(), options: Partial<HttpServerOptions> = {}) {
  const server = createHttpServer({
    handler,
    seal: createTestSeal(),
    port: 0,
    limits: LIMITS,
    sessions: { idleSeconds: 60, max: 100, maxAgeSeconds: 3600 },
    ...options,
  });
  const { url } = await server.listen();
  return { server, url, handler, [Symbol.asyncDispose]: () => server.close(0) };
}

function call(id: unknown, name: string, params: Record<string, unknown> = {}) {
  return { jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: { text: 'hi' }, ...params } };
}

const INITIALIZE = {
  jsonrpc: '2.0',
  id: 'init',
  method: 'initialize',
  params: { protocolVersion: '2025-06-18', capabilities: { roots: {} }, clientInfo: { name: 'tester', version: '9' } },
};

async function initialize(url: string): Promise<{ readonly headers: Record<string, string>; readonly id: string }> {
  const { headers } = await send(url, { body: INITIALIZE });
  const id = String(headers['mcp-session-id']);
  return { id, headers: { 'Mcp-Session-Id': id, 'MCP-Protocol-Version': '2025-06-18' } };
}

test('initialize opens a session in the revision that was asked for, and requests in it reach the handler', async () => {
  await using it = await start();
  const opened = await send(it.url, { body: INITIALIZE });
  expect(opened.status).toBe(200);
  expect(opened.headers['mcp-session-id']).toMatch(/^[\w.-]{40,}$/);
  expect(opened.messages).toEqual([
    {
      jsonrpc: '2.0',
      id: 'init',
      result: {
        protocolVersion: '2025-06-18',
        capabilities: it.handler.describe().capabilities,
        serverInfo: { name: 'test-server', version: '1.2.3' },
        instructions: 'Use with care',
      },
    },
  ]);
  const headers = { 'Mcp-Session-Id': String(opened.headers['mcp-session-id']) };
  expect((await send(it.url, { headers, body: { jsonrpc: '2.0', method: 'notifications/initialized' } })).status).toBe(202);
  const answer = await send(it.url, { headers, body: call(1, 'echo') });
  expect(answer.headers).toMatchObject({ 'content-type': 'application/json', 'cache-control': 'no-store' });
  expect(answer.text).toBe('{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"{\\"text\\":\\"hi\\"}"}]}}');
  expect(it.handler.requests[0]!.client).toEqual({
    revision: '2025-06-18',
    info: { name: 'tester', version: '9' },
    capabilities: { roots: {} },
    logLevel: 'debug',
  });
});

test('an unknown revision is answered with our newest handshake revision', async () => {
  await using it = await start();
  const body = { ...INITIALIZE, params: { ...INITIALIZE.params, protocolVersion: '1999-01-01' } };
  expect((await send(it.url, { body })).messages[0]).toMatchObject({ result: { protocolVersion: '2025-11-25' } });
});

test('a session must be named, known and not ended, and its end releases what it holds', async () => {
  await using it = await start();
  const { headers } = await initialize(it.url);
  const subscribe = { jsonrpc: '2.0', id: 2, method: 'resources/subscribe', params: { uri: 'file:///a' } };
  expect((await send(it.url, { headers, body: subscribe })).messages[0]).toEqual({ jsonrpc: '2.0', id: 2, result: {} });
  expect(it.handler.wishes).toEqual(['file:///a']);
  const missing = await send(it.url, { body: call(5, 'echo') });
  expect([missing.status, missing.messages[0]]).toMatchObject([400, { id: 5, error: { code: -32600 } }]);
  expect((await send(it.url, { headers: { 'Mcp-Session-Id': 'nobody' }, body: call(6, 'echo') })).messages[0]).toMatchObject({
    id: 6,
    error: { code: -32001 },
  });
  expect((await send(it.url, { method: 'DELETE', headers })).status).toBe(200);
  expect(it.handler.wishes).toEqual([]);
  expect((await send(it.url, { headers, body: call(7, 'echo') })).status).toBe(404);
  expect((await send(it.url, { method: 'DELETE', headers })).status).toBe(404);
  expect((await send(it.url, { method: 'DELETE' })).status).toBe(400);
});

test('a revision header that we do not speak is refused with what we do speak', async () => {
  await using it = await start();
  const { id } = await initialize(it.url);
  const answer = await send(it.url, { headers: { 'Mcp-Session-Id': id, 'MCP-Protocol-Version': '1999-01-01' }, body: call(1, 'echo') });
  expect([answer.status, answer.messages[0]]).toMatchObject([400, { id: 1, error: { code: -32022, data: { requested: '1999-01-01' } } }]);
});

test('ids are echoed in their exact form, however large the number', async () => {
  await using it = await start();
  const { headers } = await initialize(it.url);
  for (const id of ['9007199254740993', '"a\\u0062"', '-7', '"1"', '1']) {
    const body = `{"jsonrpc":"2.0","id":${id},"method":"ping"}`;
    expect((await send(it.url, { headers, body })).text).toBe(`{"jsonrpc":"2.0","id":${id},"result":{}}`);
  }
});

test('what is no message is refused with 400 and the id where it can be read', async () => {
  await using it = await start();
  const cases: [string | Buffer, number, unknown][] = [
    ['{"jsonrpc":"2.0","id":1,', -32700, null],
    ['', -32700, null],
    [Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), -32700, null],
    ['\ufeff{}', -32700, null],
    ['[{"jsonrpc":"2.0","id":1,"method":"ping"}]', -32600, null],
    ['5', -32600, null],
    ['{"jsonrpc":"1.0","id":1,"method":"ping"}', -32600, 1],
    ['{"jsonrpc":"2.0","id":null,"method":"ping"}', -32600, null],
    ['{"jsonrpc":"2.0","id":{},"method":"ping"}', -32600, null],
    ['{"jsonrpc":"2.0","id":1e400,"method":"ping"}', -32600, null],
    ['{"jsonrpc":"2.0","id":1.5,"method":"ping"}', -32600, null],
    ['{"jsonrpc":"2.0","id":"x"}', -32600, 'x'],
    ['{"jsonrpc":"2.0","id":"x","method":"ping","params":[]}', -32600, 'x'],
    ['{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"safe","name":"evil"}}', -32600, 3],
    ['{"jsonrpc":"2.0","id":4,"method":"m","params":{"a":[{"b":1,"\\u0062":2}]}}', -32600, 4],
    [`{"jsonrpc":"2.0","id":5,"method":"m","params":{"a":${'['.repeat(40)}${']'.repeat(40)}}}`, -32600, 5],
    [`${'['.repeat(90_000)}`, -32700, null],
  ];
  for (const [body, code, id] of cases) {
    const answer = await send(it.url, { body });
    expect([answer.status, answer.messages[0]], String(body).slice(0, 80)).toMatchObject([400, { id, error: { code } }]);
  }
  expect(it.handler.requests).toEqual([]);
});

test('keys that JavaScript gives a meaning pass through as data', async () => {
  await using it = await start();
  const { headers } = await initialize(it.url);
  const params = '{"name":"echo","arguments":{"__proto__":{"admin":true},"constructor":{"prototype":1}}}';
  await send(it.url, { headers, body: `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}}` });
  expect(it.handler.requests[0]!.params.get('arguments')!.bytes.toString()).toBe(
    '{"__proto__":{"admin":true},"constructor":{"prototype":1}}',
  );
});

test('bodies of other types, forms and sizes are refused', async () => {
  await using it = await start();
  const status = async (headers: Record<string, string>, body: unknown = INITIALIZE) => (await send(it.url, { headers, body })).status;
  expect(await status({ 'Content-Type': 'text/plain' })).toBe(415);
  expect(await status({ 'Content-Type': 'application/json; charset=utf-16' })).toBe(415);
  expect(await status({ 'Content-Type': 'application/jsonp' })).toBe(415);
  expect(await status({ 'Content-Encoding': 'gzip' })).toBe(415);
  expect(await status({ 'Content-Type': 'Application/JSON ; charset="UTF-8"', 'Content-Encoding': 'identity' })).toBe(200);
  expect(await status({ Accept: 'image/png' })).toBe(406);
  expect(await status({ Accept: 'application/json;q=0, text/html' })).toBe(406);
  expect(await status({ Accept: '*/*' })).toBe(200);
  expect(await status({}, 'x'.repeat(100_001))).toBe(413);
});

test('a client that writes all of a body that is refused still learns why', async () => {
  await using it = await start();
  const body = Buffer.alloc(8_000_000, 'x');
  for (let round = 0; round < 20; round++) {
    expect((await send(it.url, { body })).status).toBe(413);
    expect((await send(it.url, { body, headers: { Host: 'evil.example' } })).status).toBe(403);
  }
});

test('a body without a length is cut off as soon as it is too large', async () => {
  await using it = await start();
  const chunk = `8000\r\n${'x'.repeat(0x8000)}\r\n`;
  const head = 'POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n';
  const answer = await sendRaw(it.url, head + chunk.repeat(4));
  expect(answer).toMatch(/^HTTP\/1\.1 413 /);
  expect(answer.toLowerCase()).toContain('connection: close');
});

test('a body that is cut off does nothing', async () => {
  await using it = await start();
  const body = JSON.stringify(INITIALIZE);
  const head = `POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
  const { hostname, port } = new URL(it.url);
  await new Promise<void>((resolve) => {
    const socket = connect(Number(port), hostname, () => socket.end(head + body.slice(0, -1)));
    socket.on('data', () => undefined).on('close', () => resolve());
  });
  expect(it.server.sessions().open).toBe(0);
});

test('methods that are not served are refused with those that are', async () => {
  await using it = await start();
  for (const method of ['HEAD', 'OPTIONS', 'PUT', 'PATCH']) {
    const answer = await send(it.url, { method });
    expect([answer.status, answer.headers.allow], method).toEqual([405, 'GET, POST, DELETE']);
  }
  for (const method of ['GET', 'DELETE']) {
    const answer = await send(it.url, { method, headers: { 'MCP-Protocol-Version': '2026-07-28', Accept: 'text/event-stream' } });
    expect([answer.status, answer.headers.allow], method).toEqual([405, 'POST']);
  }
});

test('other paths go to the routes, and nowhere if there are none', async () => {
  await using it = await start(createTestHandler(), {
    routes: (request, response) => {
      if (request.url !== '/admin') return false;
      response.end('admin');
      return true;
    },
  });
  const base = new URL(it.url).origin;
  expect((await send(`${base}/admin`, { method: 'GET' })).text).toBe('admin');
  expect((await send(`${base}/admin`, { method: 'GET', headers: { Origin: 'http://evil.example' } })).status).toBe(403);
  expect((await send(`${base}/mcp/x`, { method: 'GET' })).status).toBe(404);
  expect((await send(`${it.url}?a=b`, { body: INITIALIZE })).status).toBe(200);
});

test('progress goes ahead of the answer in its order, with the token of the client, and turns the answer into a stream', async () => {
  await using it = await start();
  const { headers } = await initialize(it.url);
  const answer = await send(it.url, { headers, body: call(1, 'count', { _meta: { progressToken: 77, other: 1 } }) });
  expect(answer.headers).toMatchObject({ 'content-type': 'text/event-stream', 'x-accel-buffering': 'no', 'cache-control': 'no-store' });
  expect(
    answer.messages.map(({ id, method, params }) => [id ?? method, (params as Record<string, unknown> | undefined)?.['progress']]),
  ).toEqual([
    ['notifications/progress', 1],
    ['notifications/message', undefined],
    ['notifications/progress', 2],
    ['notifications/message', undefined],
    ['notifications/progress', 3],
    ['notifications/message', undefined],
    [1, undefined],
  ]);
  expect(answer.messages[0]).toEqual({
    jsonrpc: '2.0',
    method: 'notifications/progress',
    params: { progressToken: 77, progress: 1, total: 3 },
  });
  const [request] = it.handler.requests;
  expect(request!.wantsProgress).toBe(true);
  expect(request!.params.get('_meta')!.bytes.toString()).toBe('{"other":1}');
});

test('without a token there is no progress, and below the level set there are no log messages', async () => {
  await using it = await start();
  const { headers } = await initialize(it.url);
  const setLevel = (level: string) =>
    send(it.url, { headers, body: { jsonrpc: '2.0', id: 1, method: 'logging/setLevel', params: { level } } });
  expect((await setLevel('loud')).messages[0]).toMatchObject({ error: { code: -32602 } });
  expect((await setLevel('error')).messages[0]).toEqual({ jsonrpc: '2.0', id: 1, result: {} });
  const { messages } = await send(it.url, { headers, body: call(2, 'count') });
  expect(messages).toMatchObject([{ method: 'notifications/message', params: { level: 'error', data: 3 } }, { id: 2 }]);
});

test('a client that takes no streams gets its answer as JSON and no notifications, one that takes no JSON an event', async () => {
  await using it = await start();
  const { headers } = await initialize(it.url);
  const json = await send(it.url, {
    headers: { ...headers, Accept: 'application/json' },
    body: call(1, 'count', { _meta: { progressToken: 1 } }),
  });
  expect([json.headers['content-type'], json.messages.length]).toEqual(['application/json', 1]);
  expect(it.handler.requests[0]).toMatchObject({ emit: undefined, wantsProgress: false });
  const events = await send(it.url, { headers: { ...headers, Accept: 'text/event-stream' }, body: call(2, 'echo') });
  expect([events.headers['content-type'], events.messages.length]).toEqual(['text/event-stream', 1]);
});

test('a result larger than one write arrives whole, as JSON and as an event, also when it has line ends', async () => {
  const large = RawJson.fromBytes(Buffer.from(`{"big":9007199254740993,\r\n"text":"${'ü'.repeat(90_000)}"}`));
  const outcome: Outcome = { kind: 'result', result: large, resultType: 'complete', isError: false, revision: '2025-11-25' };
  await using it = await start(createTestHandler(({ method }) => (method === 'large' ? outcome : undefined)));
  const { headers } = await initialize(it.url);
  const body = { jsonrpc: '2.0', id: 1, method: 'large' };
  const json = await send(it.url, { headers, body });
  expect(json.text).toBe(`{"jsonrpc":"2.0","id":1,"result":${large.bytes.toString()}}`);
  const events = await send(it.url, { headers: { ...headers, Accept: 'text/event-stream' }, body });
  expect(events.messages).toEqual(json.messages);
  expect(events.text).toContain('9007199254740993,  "text"');
});

test('a cancelled request is taken back and gets no answer', async () => {
  await using it = await start();
  const { headers } = await initialize(it.url);
  const waiting = send(it.url, { headers, body: call('1', 'hang') });
  await until(() => it.handler.requests.length === 1, 'the call arrives');
  const cancel = (requestId: unknown) =>
    send(it.url, { headers, body: { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId, reason: 'too slow' } } });
  await cancel(1);
  expect(it.handler.cancelled).toEqual([]);
  await cancel('1');
  const answer = await waiting;
  expect([answer.status, answer.text]).toEqual([202, '']);
  expect(it.handler.cancelled).toEqual(['The client cancelled the request: too slow']);
});

test('a second request with the id of one in flight is refused, later it may be used again', async () => {
  await using it = await start();
  const { headers } = await initialize(it.url);
  const first = send(it.url, { headers, body: call(1, 'later') });
  await until(() => it.handler.requests.length === 1, 'the call arrives');
  expect((await send(it.url, { headers, body: call(1, 'echo') })).messages[0]).toMatchObject({ id: 1, error: { code: -32600 } });
  expect((await send(it.url, { headers, body: call('1', 'echo') })).messages[0]).toMatchObject({ id: '1', result: {} });
  it.handler.release();
  expect((await first).messages[0]).toMatchObject({ id: 1, result: {} });
  expect((await send(it.url, { headers, body: call(1, 'echo') })).messages[0]).toMatchObject({ id: 1, result: {} });
});

test('in a handshake revision a broken connection does not cancel', async () => {
  await using it = await start();
  const { headers } = await initialize(it.url);
  const { hostname, port } = new URL(it.url);
  const body = JSON.stringify(call(1, 'hang'));
  const lines = Object.entries({
    ...headers,
    Host: 'localhost',
    'Content-Type': 'application/json',
    'Content-Length': String(body.length),
  });
  const socket = connect(Number(port), hostname, () =>
    socket.write(`POST /mcp HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`),
  );
  await until(() => it.handler.requests.length === 1, 'the call arrives');
  socket.destroy();
  await send(it.url, { headers, body: call(2, 'echo') });
  expect(it.handler.cancelled).toEqual([]);
  await send(it.url, { method: 'DELETE', headers });
  expect(it.handler.cancelled).toEqual(['The client ended its session']);
});

test('each session hears of changed lists and of the resources it asked for, on its newest stream', async () => {
  await using it = await start();
  const { headers } = await initialize(it.url);
  expect((await send(it.url, { method: 'GET', headers: { ...headers, Accept: 'application/json' } })).status).toBe(406);
  const older = await open(it.url, { method: 'GET', headers: { ...headers, Accept: 'text/event-stream' } });
  const newer = await open(it.url, { method: 'GET', headers: { ...headers, Accept: 'text/event-stream' } });
  const deaf = await open(it.url, { method: 'GET', headers: { ...(await initialize(it.url)).headers, Accept: 'text/event-stream' } });
  expect(it.server.sessions()).toEqual({ open: 2, streams: 3 });
  await send(it.url, { headers, body: { jsonrpc: '2.0', id: 1, method: 'resources/subscribe', params: { uri: 'a://1' } } });
  it.handler.publish('notifications/resources/updated', { uri: 'a://2' });
  it.handler.publish('notifications/resources/updated', { uri: 'a://1' });
  it.handler.publish('notifications/tools/list_changed');
  await until(() => newer.messages().length === 2 && deaf.messages().length === 1, 'the notifications arrive');
  expect(newer.messages()).toEqual([
    { jsonrpc: '2.0', method: 'notifications/resources/updated', params: { uri: 'a://1' } },
    { jsonrpc: '2.0', method: 'notifications/tools/list_changed' },
  ]);
  expect(deaf.messages()).toEqual([{ jsonrpc: '2.0', method: 'notifications/tools/list_changed' }]);
  expect(older.messages()).toEqual([]);
  newer.abort();
  await until(() => it.server.sessions().streams === 2, 'the stream is gone');
  it.handler.publish('notifications/prompts/list_changed');
  await until(() => older.messages().length === 1, 'the older stream takes over');
  await send(it.url, { method: 'DELETE', headers });
  await older.ended;
  await until(() => it.server.sessions().streams === 1, 'the session takes its streams along');
  deaf.abort();
});

test('a client that does not read its stream loses it', async () => {
  await using it = await start();
  const { id } = await initialize(it.url);
  const { hostname, port } = new URL(it.url);
  const socket = connect(Number(port), hostname, () =>
    socket.write(`GET /mcp HTTP/1.1\r\nHost: localhost\r\nMcp-Session-Id: ${id}\r\nAccept: text/event-stream\r\n\r\n`),
  );
  socket.on('error', () => undefined);
  await until(() => it.server.sessions().streams === 1, 'the stream is open');
  socket.pause();
  const blob = 'x'.repeat(500_000);
  for (let round = 0; round < 200 && it.server.sessions().streams === 1; round++) {
    it.handler.publish('notifications/vendor', { blob });
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
  expect(it.server.sessions()).toEqual({ open: 1, streams: 0 });
  socket.destroy();
});

test('a slow answer is kept alive every 15 s, and so are streams', async () => {
  const clock = createTestClock();
  await using it = await start(createTestHandler(), { clock });
  const { headers } = await initialize(it.url);
  const stream = await open(it.url, { method: 'GET', headers: { ...headers, Accept: 'text/event-stream' } });
  const waiting = open(it.url, { headers, body: call(1, 'later') });
  const plain = send(it.url, { headers: { ...headers, Accept: 'application/json' }, body: call(2, 'later') });
  await until(() => it.handler.requests.length === 2, 'the calls arrive');
  clock.advance(15_000);
  const slow = await waiting;
  expect([slow.status, slow.headers['content-type']]).toEqual([200, 'text/event-stream']);
  clock.advance(15_000);
  const comments = ': keep-alive\n\n: keep-alive\n\n';
  await until(() => slow.text() === comments && stream.text() === comments, 'the comments arrive');
  it.handler.release();
  await slow.ended;
  expect(slow.messages()).toMatchObject([{ id: 1, result: {} }]);
  expect((await plain).headers['content-type']).toBe('application/json');
  stream.abort();
});

test('idle sessions are let go after their time and taken up again when they are used, those with a stream or a request in flight stay', async () => {
  const clock = createTestClock();
  await using it = await start(createTestHandler(), { clock, sessions: { idleSeconds: 10, max: 100, maxAgeSeconds: 3600 } });
  const [idle, used, streaming, calling] = [
    await initialize(it.url),
    await initialize(it.url),
    await initialize(it.url),
    await initialize(it.url),
  ];
  const stream = await open(it.url, { method: 'GET', headers: { ...streaming.headers, Accept: 'text/event-stream' } });
  const waiting = send(it.url, { headers: { ...calling.headers, Accept: 'application/json' }, body: call(1, 'later') });
  await until(() => it.handler.requests.length === 1, 'the call arrives');
  clock.advance(6000);
  await send(it.url, { headers: used.headers, body: call(1, 'echo') });
  clock.advance(6000);
  expect(it.server.sessions().open).toBe(3);
  expect((await send(it.url, { headers: idle.headers, body: call(1, 'echo') })).status).toBe(200);
  expect(it.server.sessions().open).toBe(4);
  clock.advance(60_000);
  expect(it.server.sessions().open).toBe(2);
  it.handler.release();
  expect((await waiting).status).toBe(200);
  stream.abort();
  await until(() => it.server.sessions().streams === 0, 'the stream is gone');
  clock.advance(20_000);
  expect(it.server.sessions().open).toBe(0);
});

test('one session too many lets go of the one idle longest, and is refused when all are in use', async () => {
  const clock = createTestClock();
  await using it = await start(createTestHandler(), { clock, sessions: { idleSeconds: 10, max: 2, maxAgeSeconds: 3600 } });
  const [first, second] = [await initialize(it.url), await initialize(it.url)];
  clock.advance(1000);
  await send(it.url, { headers: first.headers, body: call(1, 'echo') });
  const third = await initialize(it.url);
  expect(it.server.sessions().open).toBe(2);
  expect((await send(it.url, { headers: second.headers, body: call(1, 'echo') })).status).toBe(200);
  expect(it.server.sessions().open).toBe(2);
  const streams = [];
  for (const { headers } of [first, third])
    streams.push(await open(it.url, { method: 'GET', headers: { ...headers, Accept: 'text/event-stream' } }));
  const refused = await send(it.url, { body: INITIALIZE });
  expect([refused.status, refused.messages[0]]).toMatchObject([503, { id: 'init', error: { code: -32003 } }]);
  for (const stream of streams) stream.abort();
});

test('a missing resource has the code of the client’s revision, a failure of ours says nothing of the inside', async () => {
  const handler = createTestHandler(({ method }) => {
    if (method === 'bad') throw new Error('secret of the inside');
    return method === 'unwritable' ? Promise.resolve(resultOf({ big: 1n })) : undefined;
  });
  await using it = await start(handler);
  const { headers } = await initialize(it.url);
  const read = { jsonrpc: '2.0', id: 1, method: 'resources/read', params: { uri: 'a://x' } };
  expect((await send(it.url, { headers, body: read })).messages[0]).toMatchObject({ error: { code: -32002 } });
  for (const method of ['bad', 'unwritable']) {
    const answer = await send(it.url, { headers, body: { jsonrpc: '2.0', id: 1, method } });
    expect([answer.status, answer.messages[0]]).toEqual([
      200,
      { jsonrpc: '2.0', id: 1, error: { code: -32603, message: 'The gateway failed; its log has the reason' } },
    ]);
  }
});

test('closing lets a request in flight end, and then cancels it', async () => {
  const it = await start();
  const { headers } = await initialize(it.url);
  const waiting = send(it.url, { headers, body: call(1, 'later') });
  await until(() => it.handler.requests.length === 1, 'the call arrives');
  const stream = await open(it.url, { method: 'GET', headers: { ...headers, Accept: 'text/event-stream' } });
  const closed = it.server.close(5000);
  await stream.ended;
  it.handler.release();
  expect((await waiting).messages[0]).toMatchObject({ id: 1, result: {} });
  await closed;
  expect([it.server.sessions(), it.handler.watchers]).toEqual([{ open: 0, streams: 0 }, 0]);

  const other = await start();
  const session = await initialize(other.url);
  const cut = send(other.url, { headers: session.headers, body: call(1, 'hang') }).catch((error: unknown) => error);
  await until(() => other.handler.requests.length === 1, 'the call arrives');
  await other.server.close(0);
  await cut;
  expect(other.handler.cancelled).toEqual(['The gateway is closing']);
});

test('closing waits neither for connections that never asked nor for those whose answer is out', async () => {
  const it = await start();
  const { headers } = await initialize(it.url);
  const silent = connect(Number(new URL(it.url).port), '127.0.0.1');
  await once(silent, 'connect');
  const agent = new Agent({ keepAlive: true });
  const waiting = send(it.url, { headers, body: call(1, 'later'), agent });
  await until(() => it.handler.requests.length === 1, 'the call arrives');
  const begun = performance.now();
  const closed = it.server.close(10_000);
  it.handler.release();
  expect((await waiting).messages[0]).toMatchObject({ id: 1, result: {} });
  await closed;
  expect(performance.now() - begun).toBeLessThan(2000);
  agent.destroy();
  silent.destroy();
});

test('a taken port is said to be taken', async () => {
  await using it = await start();
  const second = createHttpServer({
    seal: createTestSeal(),
    handler: createTestHandler(),
    port: Number(new URL(it.url).port),
    limits: LIMITS,
    sessions: { idleSeconds: 1, max: 1, maxAgeSeconds: 3600 },
  });
  await expect(second.listen()).rejects.toMatchObject({ code: 'CONFLICT' });
});
