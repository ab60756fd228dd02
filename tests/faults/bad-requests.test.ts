import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startGateway, type RunningGateway } from '../e2e/support/gateway.ts';
import { countHandles, residentBytes } from '../e2e/support/process-tree.ts';
import { rpc, type Exchange, type SendOptions } from '../e2e/support/raw-client.ts';
import { adminAccess, callTool, eventually, statusOf, untilState } from './support/observe.ts';
import { goodUpstream, startHttpUpstream, type HttpUpstream } from './support/upstreams.ts';

// One gateway takes everything that follows, and must be as good as new at the end. The upstream behind it counts what reaches it.

const MIB = 1024 * 1024;
let web: HttpUpstream;
let gateway: RunningGateway;
let callsBefore: number;

beforeAll(async () => {
  web = await startHttpUpstream('good', '--prefix', 'web_', '--era', 'both');
  gateway = await startGateway({ config: { mcpServers: { web: { url: web.url }, good: goodUpstream() } } });
  for (const name of ['web', 'good']) await untilState(gateway, name, 'ready');
  await callTool(rpc(gateway.url).modern(), 'web_echo');
  callsBefore = (await web.stats()).requests;
});

afterAll(async () => {
  await gateway.stop();
  await web.kill();
});

const call = { jsonrpc: '2.0', id: 7, method: 'tools/call', params: { name: 'web_echo', arguments: { text: 'x' } } };
const text = JSON.stringify(call);

async function sendInSession(body: unknown, options: SendOptions = {}): Promise<Exchange> {
  const session = await rpc(gateway.url).handshake();
  const answer = await rpc(gateway.url).send(body, { ...options, headers: { 'mcp-session-id': session.sessionId, ...options.headers } });
  await session.close();
  return answer;
}

async function expectNothingArrived(): Promise<void> {
  expect((await web.stats()).requests).toBe(callsBefore);
}

describe('a message that is none', () => {
  test.each([
    ['no JSON', text.slice(0, -5), 400, -32700],
    ['nothing', '', 400, -32700],
    [
      'bytes that are no UTF-8',
      Buffer.concat([Buffer.from(text.slice(0, -4)), Buffer.from([0xc3, 0x28]), Buffer.from('"}}}')]),
      400,
      -32700,
    ],
    ['two messages', `${text}${text}`, 400, -32700],
    ['text', '"hello"', 400, -32600],
    ['a batch', [call, { ...call, id: 8 }], 400, -32600],
    ['another version', { ...call, jsonrpc: '1.0' }, 400, -32600],
    ['a member named twice', text.replace('"id":7', '"id":7,"id":8'), 400, -32600],
    ['an argument named twice', text.replace('"text":"x"', '"text":"x","text":"y"'), 400, -32600],
    ['a nesting of 100 levels', { ...call, params: { ...call.params, arguments: nested(100) } }, 400, -32600],
    ['a nesting of a million levels', `${'{"a":'.repeat(1_000_000)}1${'}'.repeat(1_000_000)}`, 413, -32600],
    ['a nesting of 500,000 levels', `${'{"a":'.repeat(500_000)}1${'}'.repeat(500_000)}`, 400, expect.any(Number)],
    ['a body too large', { ...call, params: { ...call.params, arguments: { text: 'x'.repeat(5 * MIB) } } }, 413, -32600],
    ['an id that is none', { ...call, id: { a: 1 } }, 400, -32600],
    ['params that are no object', { ...call, params: [1] }, 400, -32600],
  ])('%s is refused and reaches no upstream', async (_, body, status, code) => {
    const answer = await sendInSession(body);
    expect(answer.status).toBe(status);
    const message: unknown = expect.stringMatching(/^Cannot /);
    expect(answer.messages[0]).toMatchObject({ jsonrpc: '2.0', error: { code, message } });
    await expectNothingArrived();
  });

  test('a method nobody knows is refused in both generations', async () => {
    const answer = await rpc(gateway.url).modern().exchange('tools/destroy');
    expect([answer.status, answer.messages[0]!.error!.code]).toEqual([404, -32601]);
    const session = await rpc(gateway.url).handshake();
    expect((await session.request('tools/destroy')).error!.code).toBe(-32601);
    await session.close();
    await expectNothingArrived();
  });

  test('a body far too large is refused before it is read, and costs no memory', async () => {
    const before = residentBytes(gateway.pid);
    const answers = await Promise.all(Array.from({ length: 20 }, () => sendEndlessBody()));
    // Who goes on sending into a closed connection may lose the answer, but not many do.
    for (const answer of answers) expect(answer).toMatch(/^(?:HTTP\/1\.1 413 |$)/);
    expect(answers.filter((answer) => answer !== '').length).toBeGreaterThan(10);
    expect(residentBytes(gateway.pid) - before).toBeLessThan(200 * MIB);
    await expectNothingArrived();
  });
});

describe('a request with the wrong frame', () => {
  test.each([
    ['another content type', { 'content-type': 'text/plain' }, 415],
    ['the content type of a form', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
    ['a compressed body', { 'content-encoding': 'gzip' }, 415],
    ['an answer wanted as HTML', { accept: 'text/html' }, 406],
    ['a session nobody knows', { 'mcp-session-id': 'b0b0b0b0-0000-4000-8000-000000000000' }, 404],
    ['a revision nobody knows', { 'mcp-protocol-version': '1999-01-01' }, 400],
    ['a foreign host', { host: 'evil.example' }, 403],
    ['a host that is none', { host: 'a b' }, 400],
    ['a foreign web page', { origin: 'https://evil.example' }, 403],
    ['a page without an origin', { origin: 'null' }, 403],
  ])('%s is refused', async (_, headers, status) => {
    const answer = await sendInSession(call, { headers });
    expect(answer.status).toBe(status);
    expect(answer.messages[0]!.error!.message).toMatch(/^Cannot /);
    await expectNothingArrived();
  });

  test('a modern message and its headers must agree', async () => {
    const session = rpc(gateway.url).modern();
    const params = { name: 'web_echo', arguments: { text: 'x' } };
    for (const headers of [{ 'mcp-name': 'echo' }, { 'mcp-method': 'tools/list' }, { 'mcp-protocol-version': '2025-11-25' }]) {
      const answer = await session.exchange('tools/call', params, { headers });
      expect(answer.status).toBe(400);
      expect(answer.messages[0]!.error).toMatchObject({ code: -32020 });
    }
    await expectNothingArrived();
  });

  test('a stream or an end without a session is refused, and one of a session that ended too', async () => {
    const { send, handshake } = rpc(gateway.url);
    expect((await send(undefined, { method: 'GET' })).status).toBe(400);
    expect((await send(undefined, { method: 'DELETE' })).status).toBe(400);
    expect((await send(undefined, { method: 'PUT' })).status).toBe(405);
    expect((await send({ ...call, method: 'tools/list' })).status).toBe(400);
    const session = await handshake();
    await session.close();
    const headers = { 'mcp-session-id': session.sessionId };
    expect((await send(undefined, { method: 'GET', headers })).status).toBe(404);
    expect((await send(call, { headers })).status).toBe(404);
    await expectNothingArrived();
  });

  test('an id may not be used again while its first request is open', async () => {
    const session = await rpc(gateway.url).handshake();
    const headers = { 'mcp-session-id': session.sessionId };
    const sleep = { jsonrpc: '2.0', id: 'same', method: 'tools/call', params: { name: 'sleep', arguments: { ms: 400 } } };
    const first = rpc(gateway.url).send(sleep, { headers });
    await eventually(
      async () => (await statusOf(gateway)).upstreams[1]!.inFlight,
      (inFlight) => inFlight === 1,
    );
    const second = await rpc(gateway.url).send(sleep, { headers });
    expect(second.messages[0]!.error).toMatchObject({ code: -32600 });
    expect((await first).messages[0]!.result).toMatchObject({ content: [{ text: 'slept 400' }] });
    await session.close();
  });
});

describe('the admin API', () => {
  test.each(['status', 'config', 'calls', 'upstreams/good', 'upstreams/good/logs', 'nowhere'])(
    '/api/v1/%s answers no foreign host, no foreign page and nobody without the token',
    async (path) => {
      const { adminUrl, token } = await adminAccess(gateway.dataDir);
      const { send } = rpc(new URL(`/api/v1/${path}`, adminUrl).href);
      const authorization = `Bearer ${token}`;
      const status = async (headers: object) => (await send(undefined, { method: 'GET', headers: { ...headers } })).status;
      expect(await status({ authorization })).toBe(path === 'nowhere' ? 404 : 200);
      expect(await status({ authorization, host: 'evil.example' })).toBe(403);
      expect(await status({ authorization, origin: 'https://evil.example' })).toBe(403);
      expect(await status({})).toBe(401);
      expect(await status({ authorization: 'Bearer wrong' })).toBe(401);
    },
  );

  test.each(['reload', 'upstreams/good/restart'])('a foreign page cannot POST to /api/v1/%s', async (path) => {
    const { adminUrl, token } = await adminAccess(gateway.dataDir);
    const { send } = rpc(new URL(`/api/v1/${path}`, adminUrl).href);
    const authorization = `Bearer ${token}`;
    for (const headers of [
      { authorization, host: 'evil.example' },
      { authorization, origin: 'https://evil.example' },
    ]) {
      expect((await send({}, { headers })).status).toBe(403);
    }
    expect((await statusOf(gateway)).upstreams[1]!.starts).toBe(1);
  });
});

describe('a client that does not finish', () => {
  test('half a body is no message, whatever it says', async () => {
    const frame = `POST /mcp HTTP/1.1\r\nhost: ${new URL(gateway.url).host}\r\ncontent-type: application/json\r\ncontent-length: 5000\r\n\r\n${text}`;
    const sockets = await Promise.all(Array.from({ length: 50 }, () => openSocket()));
    for (const socket of sockets) socket.write(frame);
    expect((await callTool(rpc(gateway.url).modern(), 'echo')).text).toBe('hi');
    for (const socket of sockets) socket.destroy();
    expect((await callTool(rpc(gateway.url).modern(), 'echo')).text).toBe('hi');
    await expectNothingArrived();
  });

  test('200 connections with half a header hold up nobody and are dropped', async () => {
    const handles = countHandles(gateway.pid);
    const sockets = await Promise.all(Array.from({ length: 200 }, () => openSocket()));
    for (const socket of sockets) socket.write('POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\nx-slow: ');
    const closed = Promise.all(sockets.map((socket) => once(socket, 'close')));
    const { text: answer, tookMs } = await callTool(rpc(gateway.url).modern(), 'echo');
    expect(answer).toBe('hi');
    expect(tookMs).toBeLessThan(1_000);
    await closed;
    await eventually(
      () => countHandles(gateway.pid),
      (now) => now <= handles + 3,
    );
  });
});

test('after all that the gateway answers as if nothing had been', async () => {
  for (const session of [await rpc(gateway.url).handshake(), rpc(gateway.url).modern()]) {
    expect((await callTool(session, 'web_echo')).text).toBe('hi');
    expect((await callTool(session, 'echo')).text).toBe('hi');
    await session.close();
  }
  const { upstreams, sessions } = await statusOf(gateway);
  expect(upstreams.map(({ state, starts, inFlight }) => [state, starts, inFlight])).toEqual([
    ['ready', 1, 0],
    ['ready', 1, 0],
  ]);
  expect(sessions).toEqual({ open: 0, streams: 0 });
});

function nested(levels: number): object {
  return levels === 0 ? {} : { a: nested(levels - 1) };
}

async function openSocket(): Promise<Socket> {
  const { hostname, port } = new URL(gateway.url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  // The other side may end it while we write; whether it does is what is looked at.
  socket.on('error', () => socket.destroy());
  return socket.resume();
}

/** Sends a body that never ends, of undeclared length, until the other side has had enough. Returns what it said. */
async function sendEndlessBody(): Promise<string> {
  const socket = await openSocket();
  let answer = '';
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')));
  const closed = new Promise((resolve) => {
    socket.once('close', resolve);
  });
  socket.write(
    `POST /mcp HTTP/1.1\r\nhost: ${new URL(gateway.url).host}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`,
  );
  const chunk = `10000\r\n${' '.repeat(0x10000)}\r\n`;
  const pump = setInterval(() => {
    for (let count = 0; count < 16 && socket.writable && socket.writableLength < MIB; count++) socket.write(chunk);
  }, 1);
  await closed;
  clearInterval(pump);
  return answer;
}
