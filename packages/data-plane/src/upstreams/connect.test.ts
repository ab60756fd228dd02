import { Cancellation, parseGatewayConfig, silentLogger, systemClock } from '@signalbox/core';
import { createSeal } from '@signalbox/security';
import { createChildGuard, createHttpServer, type RequestHandler } from '@signalbox/protocol';
import { expect, test } from 'vitest';
import { createOpen } from './connect.ts';

const handler: RequestHandler = {
  describe: () => ({ info: { name: 'far', version: '1' }, capabilities: {}, instructions: undefined }),
  request: () => {
    throw new Error('nobody asks');
  },
  watch: () => () => undefined,
  subscribe: () => () => undefined,
};

async function start() {
  const limits = { maxMessageBytes: 100_000, maxDepth: 32 };
  const server = createHttpServer({
    seal: createSeal({ key: Buffer.alloc(32, 7) }),
    handler,
    port: 0,
    guard: { token: 'secret' },
    limits,
    sessions: { idleSeconds: 60, max: 10, maxAgeSeconds: 3600 },
  });
  const { url } = await server.listen();
  const open = createOpen({
    client: { name: 'gateway', version: '1' },
    environment: { TOKEN: 'secret', HOST: new URL(url).host },
    guard: createChildGuard({ clock: systemClock }),
    loadModule: () => Promise.reject(new Error('no modules here')),
    maxMessageBytes: 100_000,
    clock: systemClock,
    logger: silentLogger,
  });
  const connect = async (entry: object) => {
    const headers = { Authorization: 'Bearer ${env:TOKEN}' };
    const config = parseGatewayConfig({ mcpServers: { far: { headers, ...entry } } }).mcpServers['far']!;
    const { connection } = await open({
      desired: { name: 'far', config, generation: 0 },
      lastRevision: undefined,
      onNotification: () => undefined,
      onStderr: () => undefined,
      cancellation: new Cancellation(),
    });
    const { open: sessions } = server.sessions();
    await connection.close();
    return { isHandshake: connection.revision.startsWith('2025'), sessions };
  };
  return { connect, [Symbol.asyncDispose]: () => server.close(0) };
}

test('each kind of address is opened over its transport, with references resolved', async () => {
  await using it = await start();
  expect(await it.connect({ url: 'http://${env:HOST}/mcp' })).toEqual({ isHandshake: false, sessions: 0 });
  expect(await it.connect({ url: 'ws://${env:HOST}/mcp' })).toEqual({ isHandshake: false, sessions: 1 });
  expect(await it.connect({ url: 'ws://${env:HOST}/mcp', type: 'ws', revision: 'handshake' })).toEqual({ isHandshake: true, sessions: 1 });
  expect(await it.connect({ url: 'http://${env:HOST}/sse', type: 'sse' })).toEqual({ isHandshake: true, sessions: 1 });
});

test('an address that refuses Streamable HTTP is asked for HTTP+SSE, unless its type says otherwise', async () => {
  await using it = await start();
  const url = 'http://${env:HOST}/sse';
  expect(await it.connect({ url })).toEqual({ isHandshake: true, sessions: 1 });
  expect(await it.connect({ url, type: 'http' })).toEqual({ isHandshake: true, sessions: 1 });
  for (const type of ['streamable-http', 'streamableHttp']) {
    await expect(it.connect({ url, type })).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', data: { status: 405 } });
  }
});
