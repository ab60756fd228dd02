import { expect, test } from 'vitest';
import type { Seal } from '@signalbox/core';
import { open, send, until } from '../testing/http.ts';
import { createTestClock } from '../testing/test-clock.ts';
import { createTestHandler, type TestHandler } from '../testing/test-handler.ts';
import { createTestSeal } from '../testing/test-seal.ts';
import { createHttpServer } from './http-server.ts';

async function start({
  handler = createTestHandler(),
  seal = createTestSeal(),
  path = '/mcp',
}: { handler?: TestHandler; seal?: Seal; path?: string } = {}) {
  const clock = createTestClock();
  const server = createHttpServer({
    handler,
    seal,
    path,
    port: 0,
    limits: { maxMessageBytes: 100_000, maxDepth: 32 },
    sessions: { idleSeconds: 600, max: 10, maxAgeSeconds: 3600 },
    clock,
  });
  const { url } = await server.listen();
  return { url, server, handler, clock, [Symbol.asyncDispose]: () => server.close(0) };
}

async function initialize(url: string, protocolVersion = '2025-11-25'): Promise<Record<string, string>> {
  const params = { protocolVersion, capabilities: { roots: {} }, clientInfo: { name: 'tester', version: '9', extra: { kept: true } } };
  const { headers } = await send(url, { body: { jsonrpc: '2.0', id: 0, method: 'initialize', params } });
  return { 'Mcp-Session-Id': String(headers['mcp-session-id']), 'MCP-Protocol-Version': protocolVersion };
}

const call = (name: string, id = 1) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name, arguments: {}, _meta: { progressToken: 't' } },
});
const idsIn = (text: string) => [...text.matchAll(/^id: (.*)$/gm)].map((match) => match[1]);

function resume(url: string, session: Record<string, string>, lastEventId: string) {
  return open(url, { method: 'GET', headers: { ...session, Accept: 'text/event-stream', 'Last-Event-ID': lastEventId } });
}

test('the events of a stream are numbered, and the first one can be resumed from', async () => {
  await using it = await start();
  const session = await initialize(it.url);
  const answer = await send(it.url, { headers: session, body: call('count') });
  expect(answer.text.startsWith('id: 1.0\nretry: 1000\ndata: \n\n')).toBe(true);
  expect(idsIn(answer.text)).toEqual(['1.0', '1.1', '1.2', '1.3', '1.4', '1.5', '1.6', '1.7']);
  const again = await send(it.url, { headers: session, body: call('count') });
  expect(idsIn(again.text)[0]).toBe('2.0');
});

test('clients of earlier revisions get numbers, but no event without a message', async () => {
  await using it = await start();
  const answer = await send(it.url, { headers: await initialize(it.url, '2025-06-18'), body: call('count') });
  expect(idsIn(answer.text)[0]).toBe('1.1');
  expect(answer.text).not.toContain('retry');
});

test('after a broken connection a client goes on from the last event it saw, and misses and repeats none', async () => {
  await using it = await start();
  const session = await initialize(it.url);
  const answer = open(it.url, { headers: session, body: call('later', 2) });
  await until(() => it.handler.requests.length === 1, 'the call runs');
  // A call that takes its time becomes a stream, so that there is a place to come back to.
  it.clock.advance(5_000);
  const stream = await answer;
  await until(() => stream.text().includes('id: '), 'the stream begins');
  const place = idsIn(stream.text())[0]!;
  stream.abort();
  await stream.ended;
  const back = await resume(it.url, session, place);
  it.handler.release();
  await back.ended;
  expect(back.messages()).toMatchObject([{ id: 2, result: {} }]);
});

test('what came while nobody listened is given to who comes back, also after the end', async () => {
  await using it = await start();
  const session = await initialize(it.url);
  const whole = await send(it.url, { headers: session, body: call('count') });
  const back = await resume(it.url, session, '1.4');
  await back.ended;
  expect(back.messages()).toEqual(whole.messages.slice(4));
  const nothing = await resume(it.url, session, '1.7');
  await nothing.ended;
  expect(nothing.messages()).toEqual([]);
});

test("no session gets another one's events, and what is not kept is refused", async () => {
  await using it = await start();
  const [own, other] = [await initialize(it.url), await initialize(it.url)];
  await send(it.url, { headers: own, body: call('count') });
  for (const [session, place] of [
    [other, '1.1'],
    [own, '1.99'],
    [own, '7.1'],
  ] as const) {
    const refused = await resume(it.url, session, place);
    await refused.ended;
    expect([refused.status, refused.text()]).toEqual([400, expect.stringContaining('not kept any more') as string]);
  }
});

test("a session's own stream goes on where it broke off", async () => {
  await using it = await start();
  const session = await initialize(it.url);
  const first = await open(it.url, { method: 'GET', headers: { ...session, Accept: 'text/event-stream' } });
  it.handler.publish('notifications/tools/list_changed');
  await until(() => first.messages().length === 1, 'the first notification comes');
  const place = idsIn(first.text()).at(-1)!;
  first.abort();
  await until(() => it.server.sessions().streams === 0, 'the stream is gone');
  it.handler.publish('notifications/prompts/list_changed');
  const back = await resume(it.url, session, place);
  await until(() => back.messages().length === 1, 'what was missed comes');
  it.handler.publish('notifications/resources/list_changed');
  await until(() => back.messages().length === 2, 'what follows comes');
  expect(back.messages().map(({ method }) => method)).toEqual([
    'notifications/prompts/list_changed',
    'notifications/resources/list_changed',
  ]);
  back.abort();
});

test('a session goes on after a restart and at another server with the same key, at the same address only', async () => {
  const seal = createTestSeal();
  await using before = await start({ seal });
  const session = await initialize(before.url);
  await using after = await start({ seal });
  await using elsewhere = await start({ seal, path: '/mcp/other' });
  await using stranger = await start();
  expect((await send(after.url, { headers: session, body: call('echo') })).status).toBe(200);
  expect(after.handler.requests[0]!.client).toMatchObject({
    revision: '2025-11-25',
    info: { name: 'tester', version: '9', extra: { kept: true } },
    capabilities: { roots: {} },
  });
  expect((await send(elsewhere.url, { headers: session, body: call('echo') })).status).toBe(404);
  expect((await send(stranger.url, { headers: session, body: call('echo') })).status).toBe(404);
});

test('a session its client ended is gone, and one that is too old as well', async () => {
  await using it = await start();
  const [ended, old] = [await initialize(it.url), await initialize(it.url)];
  expect((await send(it.url, { method: 'DELETE', headers: ended })).status).toBe(200);
  expect((await send(it.url, { headers: ended, body: call('echo') })).status).toBe(404);
  it.clock.advance(3_600_001);
  expect((await send(it.url, { headers: old, body: call('echo') })).status).toBe(404);
});
