import { Client as NewClient, StreamableHTTPClientTransport as NewTransport } from '@modelcontextprotocol/client';
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport as OldSseTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport as OldTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { WebSocketClientTransport as OldWebSocketTransport } from '@modelcontextprotocol/sdk/client/websocket.js';
import { ResourceUpdatedNotificationSchema, ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { RawJson, type Outcome, type Request } from '@signalbox/core';
import { expect, test, vi } from 'vitest';
import { until } from '../testing/http.ts';
import { createTestHandler, resultOf } from '../testing/test-handler.ts';
import { createHttpServer } from './http-server.ts';
import { createTestSeal } from '../testing/test-seal.ts';
import { loadWs } from './websocket/load-ws.ts';

async function start() {
  const pace = { heard: (_step: number): Promise<void> => Promise.resolve() };
  const handler = createTestHandler(({ params, emit }) => (params.get('name')?.value === 'paced' ? countPaced(pace, emit) : undefined));
  const server = createHttpServer({
    seal: createTestSeal(),
    handler,
    port: 0,
    limits: { maxMessageBytes: 100_000, maxDepth: 32 },
    sessions: { idleSeconds: 60, max: 10, maxAgeSeconds: 3600 },
  });
  const { url } = await server.listen();
  return { server, url: new URL(url), handler, pace, [Symbol.asyncDispose]: () => server.close(0) };
}

async function countPaced(pace: { heard: (step: number) => Promise<void> }, emit: Request['emit']): Promise<Outcome> {
  for (const progress of [1, 2, 3]) {
    emit?.({ method: 'notifications/progress', params: RawJson.fromValue({ progressToken: 'any', progress, total: 3 }) });
    await pace.heard(progress);
  }
  return resultOf({ content: [] });
}

const NAME = { name: 'tester', version: '1' };
const TEXT = [{ type: 'text', text: '{"text":"hi"}' }];

/** Everything a handshake client does, whatever the transport. `hears` resolves when it would hear of changes. */
async function exercise(it: Awaited<ReturnType<typeof start>>, client: OldClient, hears: () => Promise<void>): Promise<void> {
  expect(client.getServerVersion()).toEqual({ name: 'test-server', version: '1.2.3' });
  expect(client.getInstructions()).toBe('Use with care');
  expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['echo']);
  expect((await client.callTool({ name: 'echo', arguments: { text: 'hi' } })).content).toEqual(TEXT);
  const steps: number[] = [];
  // The client loses a notification that comes in one piece with the answer behind it, so the server goes on when it is heard.
  it.pace.heard = (step) => until(() => steps.length === step, `step ${step} is heard`);
  await client.callTool({ name: 'paced' }, undefined, { onprogress: ({ progress }) => steps.push(progress) });
  expect(steps).toEqual([1, 2, 3]);
  await expect(client.callTool({ name: 'missing' })).rejects.toMatchObject({ code: -32602 });
  await expect(client.readResource({ uri: 'a://1' })).rejects.toMatchObject({ code: -32002 });

  const heard: string[] = [];
  client.setNotificationHandler(ToolListChangedNotificationSchema, ({ method }) => void heard.push(method));
  client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => void heard.push(params.uri));
  await hears();
  await client.subscribeResource({ uri: 'a://1' });
  it.handler.publish('notifications/tools/list_changed');
  it.handler.publish('notifications/resources/updated', { uri: 'a://1' });
  await until(() => heard.length === 2, 'the notifications arrive');
  expect(heard).toEqual(['notifications/tools/list_changed', 'a://1']);
  await client.setLoggingLevel('error');
  await client.ping();

  const controller = new AbortController();
  const waiting = client.callTool({ name: 'hang' }, undefined, { signal: controller.signal });
  await until(() => it.handler.requests.some(({ params }) => params.get('name')?.value === 'hang'), 'the call arrives');
  controller.abort('enough');
  await expect(waiting).rejects.toThrow(/enough/);
  await until(() => it.handler.cancelled.length === 1, 'the call is cancelled');
}

test('the official client of the first generation lists, calls, follows progress, listens, cancels and leaves', async () => {
  await using it = await start();
  const client = new OldClient(NAME, { capabilities: {} });
  const transport = new OldTransport(it.url);
  // Its types do not tell absent from undefined.
  await client.connect(transport as Parameters<OldClient['connect']>[0]);
  await exercise(it, client, () => until(() => it.server.sessions().streams === 1, 'the client opens its stream'));
  await transport.terminateSession();
  await client.close();
  expect(it.server.sessions().open).toBe(0);
});

test('it does the same over WebSocket', async () => {
  // The client takes the one of the platform, which this version of Node does not have.
  const { WebSocket } = await loadWs();
  const options = { perMessageDeflate: false, maxPayload: 100_000, closeTimeout: 500 } as const;
  class PlatformWebSocket extends WebSocket {
    constructor(url: URL, subprotocol: string) {
      super(url, [subprotocol], options);
    }
  }
  vi.stubGlobal('WebSocket', PlatformWebSocket);
  await using it = await start();
  const client = new OldClient(NAME, { capabilities: {} });
  await client.connect(new OldWebSocketTransport(new URL(it.url.href.replace(/^http/, 'ws'))));
  await exercise(it, client, () => Promise.resolve());
  expect(it.server.sessions()).toEqual({ open: 1, streams: 1 });
  await client.close();
  await until(() => it.server.sessions().open === 0, 'the client is forgotten');
  vi.unstubAllGlobals();
});

test('it does the same over HTTP+SSE', async () => {
  await using it = await start();
  const client = new OldClient(NAME, { capabilities: {} });
  await client.connect(new OldSseTransport(new URL('/sse', it.url)));
  await exercise(it, client, () => Promise.resolve());
  expect(it.server.sessions()).toEqual({ open: 1, streams: 1 });
  await client.close();
  await until(() => it.server.sessions().open === 0, 'the client is forgotten');
});

test('the official client of the second generation speaks the modern revision, also when it may choose', async () => {
  for (const mode of ['auto', { pin: '2026-07-28' }] as const) {
    await using it = await start();
    const client = new NewClient(NAME, { versionNegotiation: { mode } });
    await client.connect(new NewTransport(it.url));
    expect(client.getNegotiatedProtocolVersion()).toBe('2026-07-28');
    expect(client.getServerVersion()).toMatchObject({ name: 'test-server' });
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['echo']);
    expect((await client.callTool({ name: 'echo', arguments: { text: 'hi' } })).content).toEqual(TEXT);
    const steps: number[] = [];
    await client.callTool({ name: 'count', arguments: { text: 'hi' } }, { onprogress: ({ progress }) => steps.push(progress) });
    expect(steps).toEqual([1, 2, 3]);
    await expect(client.callTool({ name: 'missing' })).rejects.toMatchObject({ code: -32602 });

    const heard: string[] = [];
    client.setNotificationHandler('notifications/tools/list_changed', ({ method }) => void heard.push(method));
    client.setNotificationHandler('notifications/resources/updated', ({ params }) => void heard.push(params.uri));
    const subscription = await client.listen({ toolsListChanged: true, promptsListChanged: true, resourceSubscriptions: ['a://1'] });
    expect(subscription.honoredFilter).toEqual({ toolsListChanged: true, resourceSubscriptions: ['a://1'] });
    it.handler.publish('notifications/tools/list_changed');
    it.handler.publish('notifications/resources/updated', { uri: 'a://1' });
    await until(() => heard.length === 2, 'the notifications arrive');
    await subscription.close();
    await until(() => it.handler.wishes.length === 0, 'the wish is withdrawn');

    const controller = new AbortController();
    const waiting = client.callTool({ name: 'hang' }, { signal: controller.signal });
    await until(() => it.handler.requests.some(({ params }) => params.get('name')?.value === 'hang'), 'the call arrives');
    controller.abort('enough');
    await expect(waiting).rejects.toThrow(/enough/);
    await until(() => it.handler.cancelled.length === 1, 'the call is cancelled');
    await client.close();
    expect(it.server.sessions().open).toBe(0);
  }
});

test('the official client of the second generation speaks a handshake revision when not told otherwise', async () => {
  await using it = await start();
  const client = new NewClient(NAME);
  await client.connect(new NewTransport(it.url));
  expect(client.getNegotiatedProtocolVersion()).toBe('2025-11-25');
  expect((await client.callTool({ name: 'echo', arguments: { text: 'hi' } })).content).toEqual(TEXT);
  expect(it.server.sessions().open).toBe(1);
  await client.close();
});
