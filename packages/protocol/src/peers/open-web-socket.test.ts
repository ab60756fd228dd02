import { Cancellation } from '@signalbox/core';
import { expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import { toParams } from '../messages/encode.ts';
import { until } from '../testing/http.ts';
import { createTestHandler } from '../testing/test-handler.ts';
import { startSocketServer } from '../testing/web-sockets.ts';
import { createHttpServer } from '../transports/http-server.ts';
import { openWebSocket, type WebSocketConnectOptions } from './open-web-socket.ts';
import type { OutgoingRequest } from './peer.ts';
import { createTestSeal } from '../testing/test-seal.ts';

const failureOf = (work: Promise<unknown>) => work.catch((thrown: unknown) => thrown);

const BASE = {
  upstream: 'far',
  client: { name: 'gateway', version: '1' },
  revision: 'auto',
  handshakeMs: 15_000,
  maxMessageBytes: 1_000_000,
  onNotification: () => undefined,
  headers: {},
  connectMs: 10_000,
} satisfies Partial<WebSocketConnectOptions>;

function call(name: string): OutgoingRequest {
  const client = { revision: '2026-07-28', info: undefined, capabilities: {}, logLevel: 'off' } as const;
  const params = toParams({ name, arguments: { text: 'hi' } });
  return {
    method: 'tools/call',
    params,
    client,
    cancellation: new Cancellation(),
    timeoutMs: 15_000,
    emit: undefined,
    wantsProgress: false,
    principal: 'local',
  };
}

/** Our own server at a port that stays the same when it is started again. */
async function start(port = 0) {
  const handler = createTestHandler();
  const server = createHttpServer({
    seal: createTestSeal(),
    handler,
    port,
    limits: { maxMessageBytes: 1_000_000, maxDepth: 32 },
    sessions: { idleSeconds: 60, max: 10, maxAgeSeconds: 3600 },
  });
  const { url } = await server.listen();
  return {
    server,
    handler,
    url: url.replace(/^http/, 'ws'),
    port: Number(new URL(url).port),
    [Symbol.asyncDispose]: () => server.close(0),
  };
}

/** What a server of the handshake generation says, and that it has ended the connection over the first word of a modern client. */
function answerHandshake(socket: WebSocket): void {
  socket.on('message', (data) => {
    const { id, method } = JSON.parse(data.toString()) as { id: number; method: string };
    if (method === 'server/discover') return socket.close(1008, 'say initialize first');
    const result =
      method === 'initialize' ? { protocolVersion: '2024-11-05', capabilities: {}, serverInfo: { name: 'old', version: '1' } } : {};
    if (id !== undefined) socket.send(Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, result })), { binary: false }, () => undefined);
    return undefined;
  });
}

test('both generations are spoken', async () => {
  await using it = await start();
  for (const [revision, spoken] of [
    ['auto', '2026-07-28'],
    ['handshake', '2025-11-25'],
  ] as const) {
    const connection = await openWebSocket({ ...BASE, url: it.url, revision });
    expect(connection.revision).toBe(spoken);
    expect(connection.server.info.name).toBe('test-server');
    expect(await connection.request(call('echo'))).toMatchObject({ kind: 'result', isError: false, revision: spoken });
    await connection.ping(10_000);
    await connection.close();
    expect(await connection.closed).toBe('closed by the gateway');
  }
});

test('a server that ends the connection over an unknown first word gets another and a plain greeting', async () => {
  await using server = await startSocketServer(answerHandshake);
  const connection = await openWebSocket({ ...BASE, url: server.url });
  expect(connection.revision).toBe('2024-11-05');
  expect(server.sockets).toHaveLength(2);
  // The next one after a break is greeted plainly at once.
  server.connections[1]!.destroy();
  await until(() => server.sockets.length === 3, 'the next connection is made');
  await connection.ping(10_000);
  await connection.close();
  await expect(openWebSocket({ ...BASE, url: server.url, revision: 'modern' })).rejects.toMatchObject({
    code: 'UPSTREAM_UNAVAILABLE',
    message: expect.stringContaining('it closed the connection (1008, policy violation): "say initialize first"'),
  });
});

test('a server that is restarted is simply used again', async () => {
  const first = await start();
  const reopened: string[] = [];
  const connection = await openWebSocket({ ...BASE, url: first.url, onReopened: (reason) => reopened.push(reason) });
  const running = connection.request(call('hang'));
  await until(() => first.handler.requests.length === 1, 'the call arrives');
  const failed = failureOf(running);
  await first.server.close(0);
  expect(await failed).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', data: { sent: true } });
  const waiting = connection.request(call('echo'));
  await using second = await start(first.port);
  expect(await waiting).toMatchObject({ kind: 'result' });
  expect(second.handler.requests).toHaveLength(1);
  expect(reopened).toEqual([expect.stringContaining('1001, going away')]);
  await connection.close();
});

test('an address that is none is refused without being shown', async () => {
  await expect(openWebSocket({ ...BASE, url: 'secret of mine' })).rejects.toMatchObject({
    code: 'INVALID_CONFIG',
    message: 'Cannot open upstream "far": its "url" is no address',
  });
});
