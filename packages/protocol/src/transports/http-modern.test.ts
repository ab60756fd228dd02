import { expect, test } from 'vitest';
import { RawJson, type Outcome } from '@signalbox/core';
import { open, send, until } from '../testing/http.ts';
import { createTestHandler, resultOf, type TestHandler } from '../testing/test-handler.ts';
import { createHttpServer } from './http-server.ts';
import { createTestSeal } from '../testing/test-seal.ts';

async function start(handler: TestHandler = createTestHandler()) {
  const server = createHttpServer({
    seal: createTestSeal(),
    handler,
    port: 0,
    limits: { maxMessageBytes: 100_000, maxDepth: 32 },
    sessions: { idleSeconds: 60, max: 10, maxAgeSeconds: 3600 },
  });
  const { url } = await server.listen();
  return { server, url, handler, [Symbol.asyncDispose]: () => server.close(0) };
}

const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': { elicitation: {} },
  'io.modelcontextprotocol/clientInfo': { name: 'tester', version: '9' },
};
const SERVER_INFO = { 'io.modelcontextprotocol/serverInfo': { name: 'test-server', version: '1.2.3' } };

function message(method: string, params: Record<string, unknown> = {}, meta: Record<string, unknown> = META) {
  return { jsonrpc: '2.0', id: 1, method, params: { ...params, _meta: meta } };
}

function headersOf(method: string, name?: string): Record<string, string> {
  return { 'MCP-Protocol-Version': '2026-07-28', 'Mcp-Method': method, ...(name !== undefined && { 'Mcp-Name': name }) };
}

const echo = (meta: Record<string, unknown> = META) => message('tools/call', { name: 'echo', arguments: { text: 'hi' } }, meta);

test('a request needs no session and its result says what the revision wants', async () => {
  await using it = await start();
  const called = await send(it.url, { headers: headersOf('tools/call', 'echo'), body: echo() });
  expect(called.status).toBe(200);
  expect(called.headers['mcp-session-id']).toBeUndefined();
  expect(called.messages).toEqual([
    { jsonrpc: '2.0', id: 1, result: { _meta: SERVER_INFO, resultType: 'complete', content: [{ type: 'text', text: '{"text":"hi"}' }] } },
  ]);
  const listed = await send(it.url, { headers: headersOf('tools/list'), body: message('tools/list') });
  expect(listed.messages[0]).toMatchObject({
    result: { resultType: 'complete', ttlMs: 0, cacheScope: 'private', tools: [{ name: 'echo' }] },
  });
  expect(it.handler.requests[0]!.client).toEqual({
    revision: '2026-07-28',
    info: { name: 'tester', version: '9' },
    capabilities: { elicitation: {} },
    logLevel: 'off',
  });
});

test('a result that has a _meta or comes from a modern server keeps every byte of it', async () => {
  const text = '{ "resultType":"complete", "content":[], "_meta":{"n":9007199254740993} }';
  const outcome: Outcome = {
    kind: 'result',
    result: RawJson.fromBytes(Buffer.from(text)),
    resultType: 'complete',
    isError: false,
    revision: '2026-07-28',
  };
  await using it = await start(createTestHandler(() => outcome));
  expect((await send(it.url, { headers: headersOf('tools/call', 'echo'), body: echo() })).text).toBe(
    `{"jsonrpc":"2.0","id":1,"result":${text}}`,
  );
});

test('server/discover says what we speak and who we are', async () => {
  await using it = await start();
  const answer = await send(it.url, { headers: headersOf('server/discover'), body: message('server/discover') });
  expect(answer.messages[0]).toEqual({
    jsonrpc: '2.0',
    id: 1,
    result: {
      resultType: 'complete',
      supportedVersions: ['2026-07-28', '2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'],
      capabilities: it.handler.describe().capabilities,
      instructions: 'Use with care',
      ttlMs: 0,
      cacheScope: 'private',
      _meta: SERVER_INFO,
    },
  });
});

test('headers must say what the body says', async () => {
  await using it = await start();
  const good = headersOf('tools/call', 'echo');
  const sentinel = (text: string) => `=?base64?${Buffer.from(text).toString('base64')}?=`;
  const cases: [Record<string, string>, number][] = [
    [good, 200],
    [{ ...good, 'Mcp-Name': '  echo  ' }, 200],
    [{ ...good, 'Mcp-Name': sentinel('echo') }, 200],
    [{ 'mcp-protocol-version': '2026-07-28', 'MCP-METHOD': 'tools/call', 'mcp-name': 'echo' }, 200],
    [{ ...good, 'Mcp-Name': 'evil' }, 400],
    [{ ...good, 'Mcp-Name': sentinel('evil') }, 400],
    [{ ...good, 'Mcp-Name': '=?BASE64?ZWNobw==?=' }, 400],
    [{ ...good, 'Mcp-Name': '=?base64?ZWNobw?=' }, 400],
    [{ ...good, 'Mcp-Name': '=?base64?****?=' }, 400],
    [{ ...good, 'Mcp-Name': '=?base64?/w==?=' }, 400],
    [headersOf('tools/call'), 400],
    [{ ...good, 'Mcp-Method': 'tools/list' }, 400],
    [{ ...good, 'Mcp-Method': 'TOOLS/CALL' }, 400],
    [{ 'MCP-Protocol-Version': '2026-07-28', 'Mcp-Name': 'echo' }, 400],
    [{ 'Mcp-Method': 'tools/call', 'Mcp-Name': 'echo' }, 400],
    [{ ...good, 'MCP-Protocol-Version': '2025-11-25' }, 400],
  ];
  for (const [headers, status] of cases) {
    const answer = await send(it.url, { headers, body: echo() });
    expect([answer.status, answer.messages[0]], JSON.stringify(headers)).toMatchObject([
      status,
      status === 200 ? { result: {} } : { id: 1, error: { code: -32020 } },
    ]);
  }
  const read = { headers: headersOf('resources/read', 'a://1'), body: message('resources/read', { uri: 'a://2' }) };
  expect((await send(it.url, read)).messages[0]).toMatchObject({ error: { code: -32020 } });
  expect(it.handler.requests.length).toBe(4);
});

test('a request without what _meta must hold is refused', async () => {
  await using it = await start();
  const { 'io.modelcontextprotocol/protocolVersion': version, 'io.modelcontextprotocol/clientCapabilities': capabilities } = META;
  const cases: [Record<string, unknown> | undefined, number, number][] = [
    [undefined, 400, -32602],
    [{ 'io.modelcontextprotocol/clientCapabilities': capabilities }, 400, -32602],
    [{ 'io.modelcontextprotocol/protocolVersion': version }, 400, -32602],
    [{ 'io.modelcontextprotocol/protocolVersion': version, 'io.modelcontextprotocol/clientCapabilities': [] }, 400, -32602],
    [{ ...META, 'io.modelcontextprotocol/logLevel': 'loud' }, 400, -32602],
    [{ ...META, progressToken: {} }, 400, -32602],
    [{ ...META, 'io.modelcontextprotocol/protocolVersion': 'v999' }, 400, -32020],
  ];
  for (const [meta, status, code] of cases) {
    const body = { jsonrpc: '2.0', id: 'q', method: 'tools/list', params: meta === undefined ? {} : { _meta: meta } };
    const answer = await send(it.url, { headers: headersOf('tools/list'), body });
    expect([answer.status, answer.messages[0]], JSON.stringify(meta)).toMatchObject([status, { id: 'q', error: { code } }]);
  }
  const nameless = { 'io.modelcontextprotocol/protocolVersion': version, 'io.modelcontextprotocol/clientCapabilities': capabilities };
  expect((await send(it.url, { headers: headersOf('tools/list'), body: message('tools/list', {}, nameless) })).status).toBe(200);
});

test('an unknown revision is refused with the ones we speak', async () => {
  await using it = await start();
  const headers = { ...headersOf('tools/list'), 'MCP-Protocol-Version': 'v999.0.0' };
  const answer = await send(it.url, {
    headers,
    body: message('tools/list', {}, { ...META, 'io.modelcontextprotocol/protocolVersion': 'v999.0.0' }),
  });
  expect([answer.status, answer.messages[0]]).toMatchObject([400, { error: { code: -32022, data: { requested: 'v999.0.0' } } }]);
  expect((answer.messages[0]!['error'] as { data: { supported: string[] } }).data.supported).toContain('2026-07-28');
});

test('methods that this revision removed, and unknown ones, do not exist', async () => {
  await using it = await start();
  for (const method of ['initialize', 'ping', 'logging/setLevel', 'resources/subscribe', 'resources/unsubscribe', 'unknown/method']) {
    const answer = await send(it.url, { headers: headersOf(method), body: message(method, { uri: 'a://1', level: 'debug' }) });
    expect([answer.status, answer.messages[0]], method).toMatchObject([404, { id: 1, error: { code: -32601 } }]);
  }
  expect(it.handler.requests.map(({ method }) => method)).toEqual(['unknown/method']);
  expect(it.server.sessions().open).toBe(0);
});

test('a refusal of ours has its status, one that an upstream spoke is an answer like any other', async () => {
  const codes = new Map([
    [-32602, 200],
    [-32020, 200],
    [-32021, 400],
    [-32601, 404],
    [-1, 200],
  ]);
  let code = 0;
  await using it = await start(
    createTestHandler(({ method }) => (method === 'tools/call' ? { kind: 'error', error: { code, message: 'no' } } : undefined)),
  );
  for (const [next, status] of codes) {
    code = next;
    const answer = await send(it.url, { headers: headersOf('tools/call', 'echo'), body: echo() });
    expect([answer.status, answer.messages[0]]).toEqual([status, { jsonrpc: '2.0', id: 1, error: { code, message: 'no' } }]);
  }
  const read = { headers: headersOf('resources/read', 'a://1'), body: message('resources/read', { uri: 'a://1' }) };
  const missing = await send(it.url, read);
  expect([missing.status, missing.messages[0]]).toMatchObject([400, { error: { code: -32602 } }]);
});

test('log messages are sent only if a level is asked for, progress only with a token', async () => {
  await using it = await start();
  const count = (meta: Record<string, unknown>) =>
    send(it.url, { headers: headersOf('tools/call', 'count'), body: message('tools/call', { name: 'count' }, { ...META, ...meta }) });
  expect((await count({})).headers['content-type']).toBe('application/json');
  expect((await count({ 'io.modelcontextprotocol/logLevel': 'error' })).messages).toMatchObject([
    { params: { level: 'error' } },
    { id: 1 },
  ]);
  const { messages } = await count({ progressToken: 'mine' });
  expect(messages.map(({ params }) => (params as { progressToken?: string } | undefined)?.progressToken)).toEqual([
    'mine',
    'mine',
    'mine',
    undefined,
  ]);
});

test('what a server says beyond the specification has the token of the client in the place of ours', async () => {
  const handler = createTestHandler((request) => {
    if (request.method !== 'tools/call') return undefined;
    for (const params of [{ progressToken: 7, n: 1 }, { n: 2 }])
      request.emit?.({ method: 'notifications/vendor/said', params: RawJson.fromValue(params) });
    return resultOf({ resultType: 'complete', content: [] }, '2026-07-28');
  });
  await using it = await start(handler);
  const said = async (meta: Record<string, unknown>) => {
    const body = message('tools/call', { name: 'any' }, { ...META, ...meta });
    return (await send(it.url, { headers: headersOf('tools/call', 'any'), body })).messages.slice(0, -1).map(({ params }) => params);
  };
  expect(await said({ progressToken: 'mine' })).toEqual([{ progressToken: 'mine', n: 1 }, { n: 2 }]);
  expect(await said({})).toEqual([{ progressToken: 7, n: 1 }, { n: 2 }]);
});

test('closing the stream of a request cancels it', async () => {
  await using it = await start();
  const headers = { ...headersOf('tools/call', 'hang') };
  const controller = new AbortController();
  const waiting = fetch(it.url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream', ...headers },
    body: JSON.stringify(message('tools/call', { name: 'hang' })),
    signal: controller.signal,
  }).catch(() => 'aborted');
  await until(() => it.handler.requests.length === 1, 'the call arrives');
  controller.abort();
  expect(await waiting).toBe('aborted');
  await until(() => it.handler.cancelled.length === 1, 'the call is cancelled');
  expect(it.handler.cancelled).toEqual(['The client closed the stream of its request']);
});

test('notifications are accepted with or without mirrored headers, but not with wrong ones', async () => {
  await using it = await start();
  const body = { jsonrpc: '2.0', method: 'notifications/vendor', params: { _meta: META } };
  expect((await send(it.url, { headers: { 'MCP-Protocol-Version': '2026-07-28' }, body })).status).toBe(202);
  expect((await send(it.url, { headers: headersOf('notifications/vendor'), body })).status).toBe(202);
  expect((await send(it.url, { headers: headersOf('notifications/other'), body })).status).toBe(400);
  expect(it.handler.notifications.map(({ method }) => method)).toEqual(['notifications/vendor', 'notifications/vendor']);
  expect(it.handler.speakers[0]).toEqual({
    client: { revision: '2026-07-28', info: { name: 'tester', version: '9' }, capabilities: { elicitation: {} }, logLevel: 'off' },
    principal: 'local',
  });
  const answer = { jsonrpc: '2.0', id: 1, result: {} };
  expect((await send(it.url, { headers: { 'MCP-Protocol-Version': '2026-07-28' }, body: answer })).status).toBe(400);
});

function listen(notifications: unknown, id: unknown = 'sub-1') {
  return { ...message('subscriptions/listen', { notifications }), id };
}

test('a subscription is acknowledged first, and each of its messages carries its id', async () => {
  await using it = await start();
  const filter = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: false, resourceSubscriptions: ['a://1'] };
  const stream = await open(it.url, { headers: headersOf('subscriptions/listen'), body: listen(filter) });
  expect(stream.headers['content-type']).toBe('text/event-stream');
  await until(() => it.server.sessions().streams === 1 && stream.messages().length === 1, 'the stream is open');
  expect(it.handler.wishes).toEqual(['a://1']);
  it.handler.publish('notifications/tools/list_changed');
  it.handler.publish('notifications/resources/list_changed');
  it.handler.publish('notifications/resources/updated', { uri: 'a://2' });
  it.handler.publish('notifications/resources/updated', { uri: 'a://1', _meta: { kept: 1 } });
  await until(() => stream.messages().length === 3, 'the notifications arrive');
  const tag = { 'io.modelcontextprotocol/subscriptionId': 'sub-1' };
  expect(stream.messages()).toEqual([
    // The server does not offer changed prompt lists, and nobody asked for changed resource lists.
    {
      jsonrpc: '2.0',
      method: 'notifications/subscriptions/acknowledged',
      params: { notifications: { toolsListChanged: true, resourceSubscriptions: ['a://1'] }, _meta: tag },
    },
    { jsonrpc: '2.0', method: 'notifications/tools/list_changed', params: { _meta: tag } },
    { jsonrpc: '2.0', method: 'notifications/resources/updated', params: { uri: 'a://1', _meta: { kept: 1, ...tag } } },
  ]);
  stream.abort();
  await until(() => it.handler.wishes.length === 0 && it.server.sessions().streams === 0, 'the wish is withdrawn');
});

test('a subscription to nothing ends at once, one without a filter is refused, and closing ends the others in good order', async () => {
  const it = await start();
  const nothing = await send(it.url, { headers: headersOf('subscriptions/listen'), body: listen({}, 5) });
  const result = { resultType: 'complete', _meta: { ...SERVER_INFO, 'io.modelcontextprotocol/subscriptionId': 5 } };
  expect(nothing.messages).toMatchObject([{ params: { notifications: {} } }, { id: 5, result }]);
  for (const filter of [undefined, [], { toolsListChanged: 'yes' }, { resourceSubscriptions: 'a://1' }, { resourceSubscriptions: [1] }]) {
    const refused = await send(it.url, { headers: headersOf('subscriptions/listen'), body: listen(filter) });
    expect([refused.status, refused.messages[0]], JSON.stringify(filter)).toMatchObject([400, { error: { code: -32602 } }]);
  }
  const deaf = await send(it.url, {
    headers: { ...headersOf('subscriptions/listen'), Accept: 'application/json' },
    body: listen({ toolsListChanged: true }),
  });
  expect(deaf.status).toBe(406);
  const stream = await open(it.url, { headers: headersOf('subscriptions/listen'), body: listen({ toolsListChanged: true }) });
  const closed = it.server.close(5000);
  await stream.ended;
  await closed;
  expect(stream.messages().at(-1)).toMatchObject({ id: 'sub-1', result: { resultType: 'complete' } });
});

test('a result of an extension keeps its type', async () => {
  const outcome: Outcome = {
    ...(resultOf({ resultType: 'vendor/later', later: { id: 't' } }, '2026-07-28') as Extract<Outcome, { kind: 'result' }>),
    resultType: 'vendor/later',
  };
  await using it = await start(createTestHandler(() => outcome));
  const answer = await send(it.url, { headers: headersOf('tools/call', 'echo'), body: echo() });
  expect(answer.messages[0]).toMatchObject({ result: { resultType: 'vendor/later', later: { id: 't' } } });
});
