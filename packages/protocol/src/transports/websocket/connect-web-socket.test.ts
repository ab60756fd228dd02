import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createHttps } from 'node:https';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { describe, expect, test } from 'vitest';
import { startRawServer } from '../../testing/http-exchanges.ts';
import { until } from '../../testing/http.ts';
import { createTestClock } from '../../testing/test-clock.ts';
import { startSocketServer } from '../../testing/web-sockets.ts';
import { connectWebSocket, type WebSocketAddress } from './connect-web-socket.ts';
import { loadWs } from './load-ws.ts';
import type { WebSocketChannel } from './web-socket-channel.ts';

const failureOf = (work: Promise<unknown>) => work.catch((thrown: unknown) => thrown);

const silent = () => undefined;

async function connect(url: string, more: Partial<WebSocketAddress> = {}) {
  const channel = await connectWebSocket({
    upstream: 'far',
    url: new URL(url),
    headers: {},
    connectMs: 10_000,
    maxMessageBytes: 10_000,
    ...more,
  });
  return { channel, ...listen(channel) };
}

function listen(channel: WebSocketChannel) {
  const messages: string[] = [];
  channel.onMessage = (message) => messages.push(message.toString());
  const closed = new Promise<{ reason: string; undelivered: number | undefined }>((resolve) => {
    channel.onClose = (reason, undelivered) => resolve({ reason, undelivered });
  });
  return { messages, closed };
}

function collect(received: string[]) {
  return (socket: WebSocket) => socket.on('message', (data) => received.push(data.toString()));
}

describe('connecting', () => {
  test('sends the configured headers with the upgrade, and none that are ours by the protocol', async () => {
    await using server = await startSocketServer(silent);
    const headers = {
      Authorization: 'Bearer secret',
      'X-Team': 'a',
      Host: 'evil',
      Upgrade: 'h2c',
      'Sec-WebSocket-Key': 'x',
      'Mcp-Session-Id': 'y',
    };
    const { channel } = await connect(server.url, { headers });
    const [request] = server.requests;
    expect(request!.headers).toMatchObject({
      authorization: 'Bearer secret',
      'x-team': 'a',
      upgrade: 'websocket',
      'sec-websocket-protocol': 'mcp',
    });
    expect(request!.headers.host).toBe(`127.0.0.1:${server.port}`);
    expect(request!.headers).not.toHaveProperty('mcp-session-id');
    expect(request!.headers).not.toHaveProperty('sec-websocket-extensions');
    await channel.close();
  });

  test('says what a refusal means, and shows no header', async () => {
    for (const [status, reason] of [
      [401, /wants credentials.*HTTP 401/],
      [403, /refused the credentials.*HTTP 403/],
      [404, /no MCP server at this address/],
      [302, /redirects elsewhere.*not followed/],
      [503, /failed \(HTTP 503\)/],
    ] as const) {
      await using server = await startSocketServer(silent, { refuse: () => [status, { Location: 'ws://elsewhere/' }] });
      const error: unknown = await connect(server.url, { headers: { Authorization: 'Bearer secret' } }).catch((thrown: unknown) => thrown);
      const data = { phase: 'connect', sent: false, status, host: `127.0.0.1:${server.port}` };
      expect(error).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', message: expect.stringMatching(reason), data });
      expect(JSON.stringify(error)).not.toContain('secret');
    }
  });

  test('tells an address that is no MCP server from one that cannot be reached', async () => {
    await using plain = await startRawServer((socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'));
    await using other = await startSocketServer(silent, { subprotocol: false });
    await using chat = await startSocketServer(silent, { subprotocol: 'chat' });
    for (const [{ port }, reason] of [
      [plain, /HTTP 200 in place of an upgrade/],
      [other, /did not choose the subprotocol "mcp"/],
      [chat, /did not choose the subprotocol "mcp"/],
    ] as const) {
      await expect(connect(`ws://127.0.0.1:${port}/`)).rejects.toMatchObject({
        code: 'UPSTREAM_PROTOCOL',
        message: expect.stringMatching(reason),
      });
    }
    const free = createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    const { port } = free.address() as AddressInfo;
    await once(free.close(), 'close');
    await expect(connect(`ws://127.0.0.1:${port}/`)).rejects.toMatchObject({
      code: 'UPSTREAM_UNAVAILABLE',
      message: 'Cannot reach upstream "far": the connection was refused; nothing listens there',
      data: { phase: 'connect', sent: false },
    });
  });

  test('gives up when no answer comes in time, and lets the connection go', async () => {
    const clock = createTestClock();
    const sockets: Socket[] = [];
    const server = createServer((socket) => sockets.push(socket.on('error', silent).resume())).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const connecting = connect(`ws://127.0.0.1:${port}/`, { clock, connectMs: 700 });
    const failed = failureOf(connecting);
    await until(() => sockets.length === 1 && clock.pending === 1, 'the server has the connection');
    clock.advance(700);
    expect(await failed).toMatchObject({
      code: 'UPSTREAM_UNAVAILABLE',
      message: expect.stringContaining('no connection in 700 ms'),
    });
    await once(server.close(), 'close');
  });

  test('refuses a header or an address that cannot be sent', async () => {
    await expect(connect('ws://127.0.0.1:1/', { headers: { 'X-A': 'a\r\nb' } })).rejects.toMatchObject({ code: 'INVALID_CONFIG' });
    await expect(connect('ws://127.0.0.1:1/#part')).rejects.toMatchObject({
      code: 'INVALID_CONFIG',
      message: expect.stringContaining('fragment'),
    });
  });

  test('works over TLS, and checks the certificate', async () => {
    const read = (name: string) => readFileSync(new URL(`../../../fixtures/tls-localhost-${name}.pem`, import.meta.url), 'utf8');
    const server = createHttps({ key: read('key'), cert: read('cert') });
    const { WebSocket, WebSocketServer } = await loadWs();
    const options = {
      perMessageDeflate: false,
      maxPayload: 1_000,
      closeTimeout: 500,
      noServer: true,
      clientTracking: false,
      WebSocket,
    } as const;
    const webSockets = new WebSocketServer({ ...options, handleProtocols: () => 'mcp' });
    server.on('upgrade', (request, connection, rest) => {
      webSockets.handleUpgrade(request, connection, rest, (socket) =>
        socket.on('message', (data) => socket.send(data, { binary: false }, silent)),
      );
    });
    await once(server.listen(0, 'localhost'), 'listening');
    const url = `wss://localhost:${(server.address() as AddressInfo).port}/`;
    await expect(connect(url)).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', message: expect.stringMatching(/certificate/i) });
    const { channel, messages } = await connect(url, { certificates: read('cert') });
    channel.send(Buffer.from('{"over":"tls"}'));
    await until(() => messages.length === 1, 'the echo arrives');
    await channel.close();
    await once(server.close(), 'close');
  });
});

describe('an open channel', () => {
  test('carries one message in each text frame, in order, from the first moment on', async () => {
    const received: string[] = [];
    await using server = await startSocketServer((socket) => {
      socket.send(Buffer.from('{"at":"once"}'), { binary: false }, silent);
      collect(received)(socket);
    });
    const { channel, messages } = await connect(server.url);
    const sent = Array.from({ length: 500 }, (_, index) => `{"n":${index},"text":"${'x'.repeat(index * 3)}"}`);
    for (const text of sent) channel.send(Buffer.from(text));
    await until(() => received.length === 500, 'all have arrived');
    expect(received).toEqual(sent);
    expect(messages).toEqual(['{"at":"once"}']);
    await channel.close();
  });

  test('sends as text what is not UTF-8 only after mending it', async () => {
    const received: string[] = [];
    await using server = await startSocketServer(collect(received));
    const { channel } = await connect(server.url);
    channel.send(Buffer.from([0x22, 0xc3, 0x28, 0x22]));
    await until(() => received.length === 1, 'it arrives');
    expect(received).toEqual(['"\ufffd("']);
    await channel.close();
  });

  test('says how it ended: the code and the words of the server, a break, or our own wish', async () => {
    await using server = await startSocketServer(silent);
    const ends: [(socket: WebSocket, connection: Socket) => void, unknown][] = [
      [(socket) => socket.close(1001, 'restarting'), 'it closed the connection (1001, going away): "restarting"'],
      [(socket) => socket.close(4000), 'it closed the connection (4000)'],
      [(socket) => socket.close(), 'it closed the connection (1005, no code given)'],
      [(_socket, connection) => connection.destroy(), expect.stringMatching(/^the connection broke off/)],
      [(socket) => socket.send(Buffer.from('{}'), { binary: true }, silent), 'it sent a binary frame'],
      [(socket) => socket.send(Buffer.alloc(10_001, 0x20), { binary: false }, silent), 'it sent a message of more than 10000 bytes'],
      [(socket) => socket.send(Buffer.from([0xff]), { binary: false }, silent), 'it sent text that is not UTF-8'],
      [(_socket, connection) => connection.write(Buffer.from([0xf1, 0x00])), expect.stringMatching(/^it sent a frame that cannot be read/)],
    ];
    for (const [index, [act, reason]] of ends.entries()) {
      const { closed } = await connect(server.url);
      act(server.sockets[index]!, server.connections[index]!);
      expect(await closed).toEqual({ reason, undelivered: 0 });
    }
    const { channel, closed } = await connect(server.url);
    const seen = new Promise((resolve) => {
      server.sockets.at(-1)!.on('close', (code) => resolve(code));
    });
    await Promise.all([channel.close(), channel.close()]);
    expect(await closed).toEqual({ reason: 'closed by the gateway', undelivered: 0 });
    expect(await seen).toBe(1000);
    channel.send(Buffer.from('late'));
  });

  test('closes also when the other end does not agree', async () => {
    await using server = await startRawServer((socket, text) => {
      const key = /sec-websocket-key: (\S+)/i.exec(text)?.[1];
      if (key !== undefined) socket.write(acceptance(key));
    });
    const { channel } = await connect(`ws://127.0.0.1:${server.port}/`);
    const begun = performance.now();
    await channel.close();
    expect(performance.now() - begun).toBeLessThan(8_000);
  });

  test('is given up when the other end answers no pings, and kept while anything moves', async () => {
    const clock = createTestClock();
    await using server = await startSocketServer(silent);
    const { channel, messages, closed } = await connect(server.url, { clock });
    // Behind its sign of life, which goes out on its own.
    server.sockets[0]!.on('ping', () => server.sockets[0]!.send(Buffer.from('{}'), { binary: false }, silent));
    for (let round = 1; round <= 3; round++) {
      clock.advance(16_000);
      await until(() => messages.length === round, 'the server has given a sign of life');
    }
    server.connections[0]!.pause();
    clock.advance(16_000);
    clock.advance(16_000);
    expect(await closed).toEqual({ reason: 'it no longer answers pings', undelivered: 0 });
    await channel.close();
  });
});

describe('what the other end does not read', () => {
  const message = (index: number) => Buffer.from(`{"n":${index},"text":"${'x'.repeat(100_000)}"}`);

  test('waits where it is known not to have left, and what arrived is never among it', async () => {
    const received: string[] = [];
    await using server = await startSocketServer((socket) => {
      socket.on('message', (data) => received.push(data.toString('utf8', 0, 12)));
    });
    const { channel, closed } = await connect(server.url);
    channel.send(message(0));
    await until(() => received.length === 1, 'the first arrives');
    server.connections[0]!.pause();
    const COUNT = 200;
    for (let index = 1; index < COUNT; index++) {
      channel.send(message(index));
      // Some in one turn, some in turns of their own.
      if (index % 7 === 0)
        await new Promise((resolve) => {
          setImmediate(resolve);
        });
    }
    const before = channel.unreadBytes;
    expect(before).toBeGreaterThan(5_000_000);
    server.connections[0]!.destroy();
    const { undelivered } = await closed;
    expect(undelivered).toBeGreaterThan(50);
    expect(undelivered).toBeLessThan(COUNT - received.length + 1);
    expect(channel.unreadBytes).toBeLessThan(before);
  });

  test('goes out in order once it is read again', async () => {
    const received: number[] = [];
    await using server = await startSocketServer((socket) => {
      socket.on('message', (data) => received.push(Number(/\d+/.exec(data.toString('utf8', 0, 12))![0])));
    });
    const { channel } = await connect(server.url);
    server.connections[0]!.pause();
    for (let index = 0; index < 150; index++) channel.send(message(index));
    server.connections[0]!.resume();
    await until(() => received.length === 150, 'all arrive');
    expect(received).toEqual(Array.from({ length: 150 }, (_, index) => index));
    expect(channel.unreadBytes).toBe(0);
    await channel.close();
  });

  test('is bounded: the connection is given up, but never in the middle of sending', async () => {
    await using server = await startSocketServer(silent);
    const { channel, closed } = await connect(server.url);
    server.connections[0]!.pause();
    const large = Buffer.alloc(8 * 1024 * 1024, 0x20);
    let isSending = false;
    let wasWithin = false;
    let sent = 0;
    channel.onClose = ((next) => (reason, undelivered) => {
      wasWithin = isSending;
      next(reason, undelivered);
    })(channel.onClose);
    for (; sent < 16; sent++) {
      isSending = true;
      channel.send(large);
      isSending = false;
    }
    const { reason, undelivered } = await closed;
    expect(reason).toMatch(/^it does not read what it is sent: \d+ bytes are waiting$/);
    expect(wasWithin).toBe(false);
    expect(undelivered).toBe(sent - 1);
  });
});

function acceptance(key: string): string {
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  const lines = ['Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Accept: ${accept}`, 'Sec-WebSocket-Protocol: mcp'];
  return `HTTP/1.1 101 Switching Protocols\r\n${lines.join('\r\n')}\r\n\r\n`;
}
