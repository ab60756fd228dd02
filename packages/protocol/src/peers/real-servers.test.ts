import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { Cancellation, type Notification, type Outcome } from '@signalbox/core';
import { afterEach, expect, test } from 'vitest';
import { toParams } from '../messages/encode.ts';
import { startChild } from '../transports/stdio-child.ts';
import { openChannel } from './channel-client.ts';
import { openHttp } from './http-connection.ts';
import { openHttpOrLegacySse, openLegacySse } from './open-legacy-sse.ts';
import { openWebSocket } from './open-web-socket.ts';
import type { Connection, OutgoingRequest } from './peer.ts';

const failureOf = (work: Promise<unknown>) => work.catch((thrown: unknown) => thrown);

const everything = fileURLToPath(
  new URL('../../../../node_modules/@modelcontextprotocol/server-everything/dist/index.js', import.meta.url),
);
const sdkServer = fileURLToPath(new URL('../../fixtures/sdk-http-server.mjs', import.meta.url));
const sdkChannelServer = fileURLToPath(new URL('../../fixtures/sdk-channel-server.mjs', import.meta.url));
const base = {
  upstream: 'real',
  client: { name: 'signalbox', version: '0.1.0' },
  revision: 'auto',
  handshakeMs: 15_000,
  maxMessageBytes: 10_000_000,
  onNotification: () => undefined,
} as const;
const processes: ChildProcess[] = [];
const connections: Connection[] = [];

afterEach(async () => {
  await Promise.all(connections.splice(0).map((connection) => connection.close()));
  for (const child of processes.splice(0)) child.kill('SIGKILL');
});

function request(method: string, params: object, extra: Partial<OutgoingRequest> = {}): OutgoingRequest {
  const client = { revision: '2026-07-28', info: undefined, capabilities: {}, logLevel: 'off' } as const;
  return {
    method,
    params: toParams({ ...params }),
    client,
    cancellation: new Cancellation(),
    timeoutMs: 10_000,
    emit: undefined,
    wantsProgress: false,
    principal: 'local',
    ...extra,
  };
}

function valueOf(outcome: Outcome): Readonly<Record<string, unknown>> {
  if (outcome.kind === 'error') throw new Error(outcome.error.message);
  return outcome.result.object ?? {};
}

async function exercise(connection: Connection): Promise<void> {
  connections.push(connection);
  expect(connection.revision).toBe('2025-11-25');
  await connection.ping(5_000);
  const { tools } = valueOf(await connection.request(request('tools/list', {})));
  expect(tools).toContainEqual(expect.objectContaining({ name: 'echo' }));
  const echo = valueOf(await connection.request(request('tools/call', { name: 'echo', arguments: { message: 'hi' } })));
  expect(echo['content']).toEqual([{ type: 'text', text: 'Echo: hi' }]);
  const steps: unknown[] = [];
  const emit = ({ method, params }: Notification) => method === 'notifications/progress' && steps.push(params?.object?.['progress']);
  const long = { name: 'trigger-long-running-operation', arguments: { duration: 0.3, steps: 3 } };
  await connection.request(request('tools/call', long, { emit, wantsProgress: true }));
  expect(steps).toEqual([1, 2, 3]);
  await connection.setLogLevel('error');
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

test('server-everything over stdio', async () => {
  const child = await startChild({
    upstream: 'real',
    command: process.execPath,
    args: [everything, 'stdio'],
    env: {},
    cwd: '/',
    stopMs: 1_000,
    maxMessageBytes: 10_000_000,
  });
  await exercise(await openChannel(child, base));
  expect(child.garbage).toBe(0);
});

test('server-everything over Streamable HTTP, and again after its restart', async () => {
  const port = await freePort();
  const start = async () => {
    const child = spawn(process.execPath, [everything, 'streamableHttp'], {
      env: { PORT: String(port) },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    processes.push(child);
    await once(child.stderr, 'data');
    return child;
  };
  const first = await start();
  const url = `http://127.0.0.1:${port}/mcp`;
  let connection: Connection | undefined;
  await expect.poll(async () => (connection = await openHttp({ ...base, url, headers: {}, connectMs: 2_000 }))).toBeDefined();
  await exercise(connection!);
  first.kill('SIGKILL');
  await once(first, 'exit');
  await start();
  const echo = () => connection!.request(request('tools/call', { name: 'echo', arguments: { message: 'back' } })).then(valueOf);
  await expect.poll(echo, { timeout: 5_000 }).toEqual({ content: [{ type: 'text', text: 'Echo: back' }] });
});

test.each(['json', 'sse'])('a server built on the SDK that answers with %s, also after it has forgotten us', async (kind) => {
  const child = spawn(process.execPath, [sdkServer, kind], { stdio: ['ignore', 'pipe', 'inherit'] });
  processes.push(child);
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const origin = `http://127.0.0.1:${Number(line.toString())}`;
  const connection = await openHttp({ ...base, url: `${origin}/mcp`, headers: {}, connectMs: 2_000 });
  connections.push(connection);
  const hello = async () => valueOf(await connection.request(request('tools/call', { name: 'hello', arguments: {} })))['content'];
  expect(await hello()).toEqual([{ type: 'text', text: 'hello' }]);
  await fetch(`${origin}/forget`);
  expect(await hello()).toEqual([{ type: 'text', text: 'hello' }]);
});

test('server-everything over HTTP+SSE, until it is killed', async () => {
  const port = await freePort();
  const child = spawn(process.execPath, [everything, 'sse'], { env: { PORT: String(port) }, stdio: ['ignore', 'ignore', 'pipe'] });
  processes.push(child);
  const url = `http://127.0.0.1:${port}/sse`;
  const connect = async () => (connection = await openHttpOrLegacySse({ ...base, url, headers: {}, connectMs: 10_000 }));
  let connection: Connection | undefined;
  await expect.poll(connect, { timeout: 10_000 }).toBeDefined();
  await exercise(connection!);
  const slow = { name: 'trigger-long-running-operation', arguments: { duration: 30, steps: 3 } };
  const lost = failureOf(connection!.request(request('tools/call', slow)));
  await connection!.ping(5_000);
  child.kill('SIGKILL');
  expect(await lost).toMatchObject({
    code: 'UPSTREAM_UNAVAILABLE',
    data: { sent: true },
  });
  await connection!.closed;
});

test.each([
  ['HTTP+SSE', (port: number) => openLegacySse({ ...base, url: `http://127.0.0.1:${port}/sse`, headers: {}, connectMs: 10_000 })],
  ['WebSocket', (port: number) => openWebSocket({ ...base, url: `ws://127.0.0.1:${port}/`, headers: {}, connectMs: 10_000 })],
])('a server built on the SDK over %s', async (_transport, connect) => {
  const child = spawn(process.execPath, [sdkChannelServer], { stdio: ['ignore', 'pipe', 'inherit'] });
  processes.push(child);
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const connection = await connect(Number(line.toString()));
  connections.push(connection);
  expect(connection.revision).toBe('2025-11-25');
  expect(valueOf(await connection.request(request('tools/list', {})))['tools']).toMatchObject([{ name: 'hello' }]);
  const hello = async () => valueOf(await connection.request(request('tools/call', { name: 'hello', arguments: {} })))['content'];
  expect(await Promise.all(Array.from({ length: 50 }, hello))).toEqual(Array.from({ length: 50 }, () => [{ type: 'text', text: 'hello' }]));
  await connection.ping(10_000);
});
