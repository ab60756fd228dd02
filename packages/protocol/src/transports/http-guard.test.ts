import { expect, test } from 'vitest';
import { send, sendRaw } from '../testing/http.ts';
import { createTestHandler } from '../testing/test-handler.ts';
import type { GuardOptions } from './http-guard.ts';
import { createHttpServer } from './http-server.ts';
import { createTestSeal } from '../testing/test-seal.ts';

const PING = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25' } });

async function start(guard: GuardOptions = {}) {
  const server = createHttpServer({
    seal: createTestSeal(),
    handler: createTestHandler(),
    port: 0,
    guard,
    limits: { maxMessageBytes: 10_000, maxDepth: 32 },
    sessions: { idleSeconds: 60, max: 10, maxAgeSeconds: 3600 },
    routes: (request, response) => {
      if (request.url !== '/admin') return false;
      response.end('admin');
      return true;
    },
  });
  const { url } = await server.listen();
  const post = async (headers: Record<string, string> = {}) => (await send(url, { headers, body: PING })).status;
  const raw = async (lines: readonly string[], target = '/mcp') => {
    const head = [
      `POST ${target} HTTP/1.1`,
      ...lines,
      'Content-Type: application/json',
      `Content-Length: ${PING.length}`,
      'Connection: close',
    ];
    return Number((await sendRaw(url, `${head.join('\r\n')}\r\n\r\n${PING}`)).slice(9, 12));
  };
  return { url, port: new URL(url).port, post, raw, [Symbol.asyncDispose]: () => server.close(0) };
}

test('only loopback names and those allowed are accepted as Host, whatever the port', async () => {
  await using it = await start({ allowedHosts: ['Gateway.example'] });
  for (const host of ['localhost', 'LOCALHOST:1', '127.0.0.1:7420', '[::1]:80', 'gateway.example:443'])
    expect(await it.raw([`Host: ${host}`]), host).toBe(200);
  for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', 'localhost.', '127.0.0.2', '[::2]', '0.0.0.0']) {
    expect(await it.raw([`Host: ${host}`]), host).toBe(403);
  }
});

test('a Host header that can be read in two ways is malformed', async () => {
  await using it = await start();
  for (const host of [
    'localhost/../admin',
    'x@localhost',
    'localhost:port',
    'localhost:80:80',
    'local host',
    '',
    'localhost?x',
    'localhost#x',
    '[::1',
    'localhost,evil.example',
  ]) {
    expect(await it.raw([`Host: ${host}`]), host).toBe(400);
  }
  expect(await it.raw(['Host: localhost', 'Host: localhost'])).toBe(400);
  expect(await it.raw(['Host: localhost', 'host: evil.example'])).toBe(400);
  expect(await it.raw([])).toBe(400);
  expect(await it.raw(['Host: localhost'], 'http://evil.example/mcp')).toBe(400);
});

test('a forwarded host decides nothing', async () => {
  await using it = await start();
  expect(await it.raw(['Host: evil.example', 'X-Forwarded-Host: localhost'])).toBe(403);
  expect(await it.raw(['Host: localhost', 'X-Forwarded-Host: evil.example'])).toBe(200);
});

test('a web page is served only from loopback at our own port or when allowed', async () => {
  await using it = await start({ allowedOrigins: ['https://panel.example'] });
  for (const origin of [`http://localhost:${it.port}`, `http://127.0.0.1:${it.port}`, `http://[::1]:${it.port}`, 'https://panel.example']) {
    expect(await it.post({ Origin: origin }), origin).toBe(200);
  }
  for (const origin of [
    'http://evil.example',
    'null',
    'http://127.0.0.1.evil.example',
    'http://localhost:9',
    `https://localhost:${it.port}`,
    'http://localhost',
    '',
    'https://panel.example.evil.example',
  ]) {
    expect(await it.post({ Origin: origin }), origin).toBe(403);
  }
});

test('the guard stands in front of every route and method', async () => {
  await using it = await start({ token: 'secret-token' });
  const base = new URL(it.url).origin;
  for (const path of ['/mcp', '/admin', '/nowhere']) {
    for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS']) {
      const body = method === 'POST' ? { body: PING } : {};
      const foreign = await send(base + path, { method, headers: { Origin: 'http://evil.example' }, ...body });
      expect(foreign.status, `${method} ${path}`).toBe(403);
    }
  }
  const upgrade = { Connection: 'Upgrade', Upgrade: 'websocket', Origin: 'http://evil.example' };
  expect((await send(it.url, { method: 'GET', headers: upgrade })).status).toBe(403);
});

test('the token opens the MCP address and nothing else, as other routes ask for proofs of their own', async () => {
  await using it = await start({ token: 'secret-token' });
  for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS']) {
    const stranger = await send(it.url, { method, ...(method === 'POST' && { body: PING }) });
    expect([stranger.status, stranger.headers['www-authenticate']], method).toEqual([401, 'Bearer']);
  }
  expect((await send(`${new URL(it.url).origin}/admin`, { method: 'GET' })).status).not.toBe(401);
});

test('the token must be whole and right', async () => {
  await using it = await start({ token: 'secret-token' });
  for (const authorization of ['Bearer secret-token', 'bearer  secret-token'])
    expect(await it.post({ Authorization: authorization })).toBe(200);
  for (const authorization of [
    'Bearer secret-toke',
    'Bearer secret-token2',
    'Bearer',
    'Basic secret-token',
    'secret-token',
    'Bearer secret-token x',
  ]) {
    expect(await it.post({ Authorization: authorization }), authorization).toBe(401);
  }
});

test('too many or too large headers are refused', async () => {
  await using it = await start();
  expect(await it.raw(['Host: localhost', ...Array.from({ length: 250 }, (_, index) => `a${index}: 1`)])).toBe(431);
  expect(await it.raw(['Host: localhost', `a: ${'x'.repeat(17_000)}`])).toBe(431);
});

test('requests that two readers could split differently are refused, and the connection is closed', async () => {
  await using it = await start();
  const cases = [
    ['Content-Length: 5', 'Transfer-Encoding: chunked'],
    ['Content-Length: 5', 'Content-Length: 6'],
    ['Transfer-Encoding: chunked, identity'],
    ['Transfer-Encoding: gzip, chunked'],
    ['Transfer-Encoding: , chunked'],
    ['Transfer-Encoding: xchunked'],
    ['A: b\r\n folded'],
    ['Content-Length : 5'],
  ];
  for (const lines of cases) {
    const text = `POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n${lines.join('\r\n')}\r\n\r\n0\r\n\r\nGET /admin HTTP/1.1\r\nHost: localhost\r\n\r\n`;
    const answer = await sendRaw(it.url, text, /never/);
    expect(answer, lines.join(' ')).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect(answer, lines.join(' ')).not.toContain('admin');
  }
});

test.each(['POST /mcp', 'POST /mcp HTTP/0.9', 'POST /mcp HTTP/2.0', 'POST /mcp HTTP/1.0'])(
  '"%s" with a body in chunks is refused, and the connection is closed',
  async (line) => {
    await using it = await start();
    const head = `${line}\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`;
    expect(await sendRaw(it.url, `${head}${PING.length.toString(16)}\r\n${PING}\r\n0\r\n\r\n`, /never/)).toMatch(/^HTTP\/1\.1 400 /);
  },
);

test('listening beyond loopback needs a token', () => {
  const options = {
    handler: createTestHandler(),
    seal: createTestSeal(),
    port: 0,
    limits: { maxMessageBytes: 1, maxDepth: 1 },
    sessions: { idleSeconds: 1, max: 1, maxAgeSeconds: 3600 },
  };
  expect(() => createHttpServer({ ...options, host: '0.0.0.0' })).toThrow(/without a token/);
  expect(() => createHttpServer({ ...options, host: '0.0.0.0', guard: { token: 'x' } })).not.toThrow();
});
