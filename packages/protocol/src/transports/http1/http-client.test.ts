import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createTestClient, serve } from '../../testing/http-exchanges.ts';
import { until } from '../../testing/http.ts';
import { createTestClock } from '../../testing/test-clock.ts';

// Two turns of the event loop: in between, what has arrived for this process is seen.
async function lookAround(): Promise<void> {
  await setImmediate();
  await setImmediate();
}

const echo: RequestListener = (request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' }).end(Buffer.concat(chunks)));
};

test('requests one after the other share a connection', async () => {
  await using web = await serve(createServer(echo));
  await using it = await createTestClient(web.url);
  for (let index = 0; index < 20; index++) {
    const { status, text, mediaType } = await it.ask({ body: Buffer.from(`"${index}"`) });
    expect({ status, text, mediaType }).toEqual({ status: 200, text: `"${index}"`, mediaType: 'application/json' });
  }
  expect(web.count()).toBe(1);
});

test('the server sees the request as it was given', async () => {
  let seen: unknown;
  await using web = await serve(
    createServer((request, response) => {
      seen = { method: request.method, url: request.url, headers: request.headers };
      response.writeHead(204).end();
    }),
  );
  await using it = await createTestClient(`${web.url}?a=b`);
  const { status, text } = await it.ask({ method: 'DELETE', headers: ['mcp-session-id', '7'] });
  expect({ status, text }).toEqual({ status: 204, text: '' });
  expect(seen).toMatchObject({ method: 'DELETE', url: '/mcp?a=b', headers: { 'mcp-session-id': '7', host: `127.0.0.1:${web.port}` } });
});

test.each([0, 1, 16_000, 16_384, 65_536, 300_000, 5_000_000])('a body of %d bytes goes and comes whole', async (length) => {
  await using web = await serve(createServer(echo));
  await using it = await createTestClient(web.url, { maxMessageBytes: 8_000_000 });
  const body = Buffer.alloc(length, 'abcdefghij-');
  for (let round = 0; round < 2; round++) {
    const result = await it.ask({ body });
    expect(result.body?.equals(body)).toBe(true);
  }
  expect(web.count()).toBe(1);
});

test('a body without a known length comes whole', async () => {
  await using web = await serve(
    createServer((_request, response) => {
      for (let index = 0; index < 100; index++) response.write(String(index % 10).repeat(1_000));
      response.end();
    }),
  );
  await using it = await createTestClient(web.url);
  const { text } = await it.ask();
  expect(text).toHaveLength(100_000);
  expect(text?.slice(0, 3_000)).toBe('0'.repeat(1_000) + '1'.repeat(1_000) + '2'.repeat(1_000));
});

test('events are handed on as they come, and the connection is used again after the stream', async () => {
  let write: ((text: string) => void) | undefined;
  await using web = await serve(
    createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      write = (text) => (text === '' ? response.end() : response.write(text));
      write('data: first\n\n');
    }),
  );
  await using it = await createTestClient(web.url);
  const { result, ended } = it.start();
  await until(() => result.events.length === 1, 'the first event is here');
  write!('data: sec');
  write!('ond\n\ndata: third\n\n');
  await until(() => result.events.length === 3, 'all events are here');
  expect(result.events).toEqual(['first', 'second', 'third']);
  expect(result.isStreamEnd).toBeUndefined();
  write!('');
  expect((await ended).isStreamEnd).toBe(true);
  const next = it.start();
  await until(() => next.result.events.length === 1, 'the next stream has begun');
  next.exchange.abort();
  expect(web.count()).toBe(1);
});

test('an event beyond the bound fails the exchange', async () => {
  await using web = await serve(
    createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`data: ok\n\ndata: ${'x'.repeat(5_000)}`);
    }),
  );
  await using it = await createTestClient(web.url, { maxMessageBytes: 1_000 });
  expect(await it.ask()).toMatchObject({ events: ['ok'], reason: 'the answer has more than 1000 bytes', sent: true });
});

test.each([
  ['announced', { 'content-length': 2_000 }],
  ['not announced', {}],
])('a body beyond the bound fails the exchange at once, %s', async (_name, headers) => {
  let isClosed = false;
  await using web = await serve(
    createServer((_request, response) => {
      response.on('close', () => (isClosed = true));
      response.writeHead(200, headers).write('x'.repeat(1_500));
    }),
  );
  await using it = await createTestClient(web.url, { maxMessageBytes: 1_000 });
  expect(await it.ask()).toMatchObject({ reason: 'the answer has more than 1000 bytes', sent: true });
  await until(() => isClosed, 'the server sees the connection closed');
});

test('an exchange broken off in its body is over for the server and silent for its sink', async () => {
  let closed = 0;
  await using web = await serve(
    createServer((request, response) => {
      response.on('close', () => closed++);
      if (request.method === 'GET') response.writeHead(200, { 'content-length': 100 }).write('part');
      else response.end('next');
    }),
  );
  await using it = await createTestClient(web.url);
  const { exchange, result } = it.start({ method: 'GET' });
  await until(() => result.status === 200, 'the head is here');
  expect(exchange.isSent).toBe(true);
  exchange.abort();
  exchange.abort();
  await until(() => closed === 1, 'the server sees the connection closed');
  expect((await it.ask()).text).toBe('next');
  expect(result).toMatchObject({ status: 200, events: [] });
  expect(result.reason ?? result.text).toBeUndefined();
  expect(web.count()).toBe(2);
});

test('no more requests are in flight than connections are allowed; the others follow in their order', async () => {
  const held: (() => void)[] = [];
  const order: string[] = [];
  await using web = await serve(
    createServer((request, response) => {
      order.push(request.headers['x-place'] as string);
      held.push(() => response.end('{}'));
    }),
  );
  await using it = await createTestClient(web.url, { maxConnections: 256 });
  const running = Array.from({ length: 300 }, (_, index) => it.start({ headers: ['x-place', String(index)] }));
  await until(() => held.length === 256, '256 requests have come');
  expect(running.filter(({ exchange }) => exchange.isSent)).toHaveLength(256);
  running[260]!.exchange.abort();
  for (let index = 256; index < 299; index++) {
    held.shift()!();
    await until(() => order.length === index + 1, 'the next request has come');
  }
  expect(order.slice(256).map(Number)).toEqual([256, 257, 258, 259, ...Array.from({ length: 39 }, (_, index) => 261 + index)]);
  for (const answer of held) answer();
  const results = await Promise.all(running.filter((_, index) => index !== 260).map(({ ended }) => ended));
  expect(results.every(({ text }) => text === '{}')).toBe(true);
  expect(web.count()).toBe(256);
});

test('a request between the restarts of its server gets a fresh connection', async () => {
  const first = await serve(createServer(echo));
  await using it = await createTestClient(first.url);
  expect((await it.ask()).text).toBe('{}');
  await first[Symbol.asyncDispose]();
  await lookAround();
  expect(await it.ask()).toMatchObject({ reason: 'the connection was refused; nothing listens there', sent: false });
  await using second = await serve(createServer(echo), { port: first.port });
  expect((await it.ask()).text).toBe('{}');
  expect(second.count()).toBe(1);
});

test('idle connections are closed after a minute, or shortly before the server would', async () => {
  let hint = '';
  await using web = await serve(
    createServer((_request, response) => {
      if (hint !== '') response.setHeader('keep-alive', hint).setHeader('connection', 'keep-alive');
      response.end('{}');
    }),
  );
  web.server.keepAliveTimeout = 0;
  const clock = createTestClock();
  await using it = await createTestClient(web.url, { clock });
  const ask = async (afterMs: number) => {
    clock.advance(afterMs);
    expect((await it.ask()).text).toBe('{}');
    return web.count();
  };
  expect(await ask(0)).toBe(1);
  expect(await ask(59_999)).toBe(1);
  expect(await ask(60_000)).toBe(2);
  hint = 'timeout=5';
  expect(await ask(0)).toBe(2);
  expect(await ask(3_999)).toBe(2);
  expect(await ask(4_000)).toBe(3);
  clock.advance(5_000);
  await until(() => clock.pending === 0, 'nothing is watched any more');
});

test.each([
  ['localhost', '127.0.0.1'],
  ['[::1]', '::1'],
])('a server is found at %s', async (name, host) => {
  await using web = await serve(createServer(echo), { host, name });
  await using it = await createTestClient(web.url);
  expect((await it.ask()).text).toBe('{}');
});

test('closing breaks off what is under way and what waits', async () => {
  await using web = await serve(createServer());
  const it = await createTestClient(web.url);
  const running = it.start();
  await until(() => running.exchange.isSent, 'the request is sent');
  const waiting = it.start();
  await it.client.close();
  expect(await running.ended).toMatchObject({ reason: 'the client is closed', sent: true });
  expect(await waiting.ended).toMatchObject({ reason: 'the client is closed', sent: false });
  expect(await it.ask()).toMatchObject({ reason: 'the client is closed', sent: false });
});

const fixture = (name: string) => readFileSync(new URL(`../../../fixtures/${name}`, import.meta.url), 'utf8');
const cert = fixture('tls-localhost-cert.pem');
const startTls = (listener: RequestListener) => createTlsServer({ cert, key: fixture('tls-localhost-key.pem') }, listener);

test.each(['localhost', '127.0.0.1'])('TLS works with a trusted certificate for %s', async (name) => {
  let protocol: unknown;
  const server = startTls(echo);
  server.on('secureConnection', (socket) => (protocol = socket.alpnProtocol));
  await using web = await serve(server, { name });
  await using it = await createTestClient(web.url, { certificates: cert });
  const body = Buffer.alloc(200_000, 'abcdefg');
  for (let round = 0; round < 3; round++) expect((await it.ask({ body })).body?.equals(body)).toBe(true);
  expect(web.count()).toBe(1);
  expect(protocol).toBe('http/1.1');
});

test('a connection over TLS that its server has closed is not used again', async () => {
  const server = startTls(echo);
  const sockets: Duplex[] = [];
  server.on('secureConnection', (socket) => sockets.push(socket));
  await using web = await serve(server);
  await using it = await createTestClient(web.url, { certificates: cert });
  for (let round = 0; round < 3; round++) {
    expect((await it.ask()).text).toBe('{}');
    sockets[round]!.end();
    await once(sockets[round]!, 'close');
    await lookAround();
  }
  expect(web.count()).toBe(3);
});

test.each(['http', 'https'])('answers that come at the same time are not mixed up (%s)', async (scheme) => {
  await using web = await serve(scheme === 'https' ? startTls(echo) : createServer(echo));
  await using it = await createTestClient(web.url, { certificates: cert });
  const bodies = Array.from({ length: 40 }, (_, index) => Buffer.alloc(1_000 + index * 7_919, `${index}-`));
  for (let round = 0; round < 3; round++) {
    const results = await Promise.all(bodies.map((body) => it.ask({ body })));
    expect(results.every(({ body }, index) => body!.equals(bodies[index]!))).toBe(true);
  }
  expect(web.count()).toBeLessThanOrEqual(40);
});

test('an untrusted certificate is refused before anything is sent', async () => {
  let requests = 0;
  await using web = await serve(startTls(() => requests++));
  await using it = await createTestClient(web.url);
  expect(await it.ask()).toMatchObject({ reason: expect.stringMatching(/certificate.*\(DEPTH_ZERO_SELF_SIGNED_CERT\)/), sent: false });
  expect(requests).toBe(0);
});

test('a certificate for another name is refused', async () => {
  await using web = await serve(startTls(echo), { name: '127.0.0.2', host: '127.0.0.2' });
  await using it = await createTestClient(web.url, { certificates: cert });
  expect(await it.ask()).toMatchObject({ reason: expect.stringContaining('ERR_TLS_CERT_ALTNAME_INVALID'), sent: false });
});
