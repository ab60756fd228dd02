import { expect, test } from 'vitest';
import { open, send, until } from '../testing/http.ts';
import { createTestClock } from '../testing/test-clock.ts';
import { createTestHandler } from '../testing/test-handler.ts';
import { createTestSeal } from '../testing/test-seal.ts';
import type { RequestHandler } from '../peers/peer.ts';
import type { HandlersByPath } from './http-endpoints.ts';
import { createHttpServer } from './http-server.ts';

const INITIALIZE = {
  jsonrpc: '2.0',
  id: 'init',
  method: 'initialize',
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'tester', version: '9' } },
};
const STREAM = { Accept: 'text/event-stream' };

function call(name: string) {
  return { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: {} } };
}

function createHandlers(initial: Record<string, RequestHandler>) {
  let current = new Map(Object.entries(initial));
  const listeners = new Set<() => void>();
  const handlers: HandlersByPath = {
    get current() {
      return current;
    },
    watch: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const replace = (next: Record<string, RequestHandler>) => {
    current = new Map(Object.entries(next));
    for (const listener of listeners) listener();
  };
  return { handlers, replace, listeners };
}

async function start(initial: Record<string, RequestHandler>, clock = createTestClock()) {
  const { handlers, replace, listeners } = createHandlers(initial);
  const handler = createTestHandler();
  const server = createHttpServer({
    handler,
    more: handlers,
    seal: createTestSeal(),
    port: 0,
    limits: { maxMessageBytes: 100_000, maxDepth: 32 },
    sessions: { idleSeconds: 60, max: 100, maxAgeSeconds: 3600 },
    clock,
  });
  const { url } = await server.listen();
  return {
    server,
    handler,
    clock,
    replace,
    listeners,
    url,
    at: (path: string) => new URL(path, url).href,
    [Symbol.asyncDispose]: () => server.close(0),
  };
}

async function initialize(url: string): Promise<Record<string, string>> {
  const { headers } = await send(url, { body: INITIALIZE });
  return { 'Mcp-Session-Id': String(headers['mcp-session-id']) };
}

test('each path is answered by its own handler, with and without a query', async () => {
  const one = createTestHandler();
  await using it = await start({ '/mcp/one': one });
  const headers = await initialize(it.at('/mcp/one'));
  expect((await send(it.at('/mcp/one?from=here'), { headers, body: call('echo') })).status).toBe(200);
  expect([one.requests.length, it.handler.requests.length]).toEqual([1, 0]);
  await send(it.url, { headers: await initialize(it.url), body: call('echo') });
  expect([one.requests.length, it.handler.requests.length]).toEqual([1, 1]);
  for (const path of ['/mcp/on', '/mcp/one/', '/mcp/one2', '/mcp/', '/one'])
    expect([path, (await send(it.at(path), { body: INITIALIZE })).status]).toEqual([path, 404]);
});

test('a session of one path is unknown on another', async () => {
  await using it = await start({ '/mcp/one': createTestHandler(), '/mcp/two': createTestHandler() });
  const headers = await initialize(it.at('/mcp/one'));
  for (const url of [it.url, it.at('/mcp/two')])
    expect((await send(url, { headers, body: call('echo') })).messages[0]).toMatchObject({ error: { code: -32001 } });
  expect((await send(it.at('/mcp/one'), { headers, body: call('echo') })).status).toBe(200);
  expect(it.server.sessions()).toEqual({ open: 1, streams: 0 });
});

test('what one handler tells reaches the sessions of its path only', async () => {
  const one = createTestHandler();
  await using it = await start({ '/mcp/one': one });
  const streams = await Promise.all(
    [it.url, it.at('/mcp/one')].map(async (url) => open(url, { method: 'GET', headers: { ...(await initialize(url)), ...STREAM } })),
  );
  one.publish('notifications/tools/list_changed');
  it.handler.publish('notifications/prompts/list_changed');
  await until(() => streams.every((stream) => stream.messages().length > 0), 'both streams carry something');
  expect(streams.map((stream) => stream.messages().map(({ method }) => method))).toEqual([
    ['notifications/prompts/list_changed'],
    ['notifications/tools/list_changed'],
  ]);
});

test('paths appear and go while it listens, and one that keeps its handler keeps its sessions', async () => {
  const kept = createTestHandler();
  const replaced = createTestHandler();
  await using it = await start({ '/mcp/kept': kept, '/mcp/gone': createTestHandler(), '/mcp/replaced': replaced });
  const [ofKept, ofGone, ofReplaced] = await Promise.all(['kept', 'gone', 'replaced'].map((name) => initialize(it.at(`/mcp/${name}`))));
  const stream = await open(it.at('/mcp/gone'), { method: 'GET', headers: { ...ofGone, ...STREAM } });

  it.replace({ '/mcp/kept': kept, '/mcp/replaced': createTestHandler(), '/mcp/new': createTestHandler() });
  await stream.ended;
  it.clock.advance(1_000);
  expect((await send(it.at('/mcp/kept'), { headers: ofKept!, body: call('echo') })).status).toBe(200);
  expect((await send(it.at('/mcp/new'), { body: INITIALIZE })).status).toBe(200);
  const gone = await send(it.at('/mcp/gone'), { headers: ofGone!, body: call('echo') });
  expect([gone.status, gone.text]).toEqual([404, expect.stringContaining('Cannot find anything') as string]);
  // What is at the same address now takes the session up.
  expect((await send(it.at('/mcp/replaced'), { headers: ofReplaced!, body: call('echo') })).status).toBe(200);
  expect([replaced.watchers, replaced.requests.length, it.server.sessions().open]).toEqual([0, 0, 3]);
});

test('a call in flight at a path that goes is answered, and its session ends after it', async () => {
  const leaving = createTestHandler();
  await using it = await start({ '/mcp/leaving': leaving });
  const headers = await initialize(it.at('/mcp/leaving'));
  const waiting = send(it.at('/mcp/leaving'), { headers, body: call('later') });
  await until(() => leaving.requests.length === 1, 'the call arrives');
  it.replace({});
  it.clock.advance(5_000);
  expect(it.server.sessions().open).toBe(1);
  leaving.release();
  expect((await waiting).messages[0]).toMatchObject({ id: 1, result: {} });
  it.clock.advance(1_000);
  expect(it.server.sessions().open).toBe(0);
});

test('closing ends the sessions of every path and follows no further change', async () => {
  const one = createTestHandler();
  const it = await start({ '/mcp/one': one });
  await initialize(it.at('/mcp/one'));
  await it.server.close(0);
  it.replace({ '/mcp/two': createTestHandler() });
  expect([it.server.sessions(), one.watchers, it.listeners.size]).toEqual([{ open: 0, streams: 0 }, 0, 0]);
});
