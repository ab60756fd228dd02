import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type ClientProfile, Cancellation, RawJson, type LogLevel, type Notification, type Outcome } from '@signalbox/core';
import { afterEach, expect, test, vi } from 'vitest';
import { toParams } from '../messages/encode.ts';
import { openHttp, type HttpConnectOptions } from './http-connection.ts';
import type { Connection, OutgoingRequest } from './peer.ts';

interface Received {
  readonly method: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly message: { readonly id?: number; readonly method?: string; readonly params?: Readonly<Record<string, unknown>> };
}

type Answer = (received: Received, response: ServerResponse) => void;

const servers: Server[] = [];
const connections: Connection[] = [];

afterEach(async () => {
  await Promise.all(connections.splice(0).map((connection) => connection.close()));
  await Promise.all(servers.splice(0).map(stop));
});

async function serve(
  answer: Answer,
  port = 0,
): Promise<{ readonly url: string; readonly port: number; readonly seen: Received[]; readonly server: Server }> {
  const seen: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      const received = {
        method: request.method,
        headers: request.headers,
        message: text === '' ? {} : (JSON.parse(text) as Received['message']),
      };
      seen.push(received);
      answer(received, response);
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const bound = (server.address() as AddressInfo).port;
  return { url: `http://127.0.0.1:${bound}/mcp`, port: bound, seen, server };
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

async function connect(url: string, options: Partial<HttpConnectOptions> = {}) {
  const notifications: Notification[] = [];
  const anomalies: string[] = [];
  const connection = await openHttp({
    upstream: 'web',
    client: { name: 'signalbox', version: '0.1.0' },
    revision: 'auto',
    handshakeMs: 5_000,
    connectMs: 2_000,
    maxMessageBytes: 100_000,
    url,
    headers: {},
    onNotification: (notification) => notifications.push(notification),
    onAnomaly: (text) => anomalies.push(text),
    ...options,
  });
  connections.push(connection);
  return { connection, notifications, anomalies };
}

function call(name: string, args: object = {}, extra: Partial<OutgoingRequest> & { readonly logLevel?: LogLevel } = {}): OutgoingRequest {
  const { logLevel = 'off', ...rest } = extra;
  const client: ClientProfile = { revision: '2026-07-28', info: undefined, capabilities: {}, logLevel };
  const params = toParams({ name, arguments: args });
  return {
    method: 'tools/call',
    params,
    client,
    cancellation: new Cancellation(),
    timeoutMs: 5_000,
    emit: undefined,
    wantsProgress: false,
    principal: 'local',
    ...rest,
  };
}

const json = (response: ServerResponse, body: unknown, status = 200, headers: Record<string, string> = {}) => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
};
const result = (id: number | undefined, value: unknown) => ({ jsonrpc: '2.0', id, result: value });
const refusal = (id: number | null | undefined, code: number, message: string) => ({ jsonrpc: '2.0', id, error: { code, message } });
const events = (...messages: unknown[]) => messages.map((message) => `data: ${JSON.stringify(message)}\n\n`).join('');
const stream = (response: ServerResponse, text: string) => {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
  response.write(text);
};
const text = (value: string) => ({ content: [{ type: 'text', text: value }] });
function textOf(outcome: Outcome): unknown {
  if (outcome.kind === 'error') return outcome.error;
  const { content } = outcome.result.value as { readonly content: readonly { readonly text: string }[] };
  return content[0]?.text;
}

/** The refusal of a revision by a server that speaks `supported`. */
const unsupported = (id: number | undefined, supported: readonly string[]) => ({
  jsonrpc: '2.0',
  id,
  error: { code: -32022, message: 'Unsupported protocol version', data: { supported, requested: '2026-07-28' } },
});

/** A handshake server with sessions; what is no part of opening one goes to `answer`. */
function handshakeServer(
  answer: Answer,
  options: { readonly sessions?: Set<string>; readonly lost?: (response: ServerResponse, id: number | undefined) => void } = {},
): Answer {
  const { sessions = new Set<string>(), lost = (response) => response.writeHead(404).end() } = options;
  return (received, response) => {
    const { message, headers, method } = received;
    if (message.method === 'server/discover') return json(response, refusal(null, -32000, 'Bad Request: no session'), 400);
    if (message.method === 'initialize') {
      const session = `session-${sessions.size + 1}-${Math.random()}`;
      sessions.add(session);
      const profile = {
        protocolVersion: '2025-11-25',
        capabilities: { logging: {}, resources: { subscribe: true } },
        serverInfo: { name: 'old', version: '1' },
      };
      return json(response, result(message.id, profile), 200, { 'mcp-session-id': session });
    }
    if (!sessions.has(String(headers['mcp-session-id']))) return lost(response, message.id);
    if (method === 'GET' && headers['last-event-id'] === undefined) return void response.writeHead(405).end();
    if (method === 'DELETE') return void response.writeHead(200).end();
    if (message.method !== undefined && message.id === undefined) return void response.writeHead(202).end();
    answer(received, response);
  };
}

function modernServer(answer: Answer, capabilities: object = { tools: {} }): Answer {
  return (received, response) => {
    const { message } = received;
    if (message.method !== 'server/discover') return answer(received, response);
    json(
      response,
      result(message.id, {
        resultType: 'complete',
        supportedVersions: ['2026-07-28'],
        capabilities,
        _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'new', version: '2' } },
      }),
    );
  };
}

// SEP-2575: https://modelcontextprotocol.io/specification/draft/basic/transports#protocol-version-header
test.each([['auto'], ['modern']] as const)(
  'a server that refuses a revision it speaks is asked in it again, in mode %s',
  async (revision) => {
    const serveModern = modernServer((_received, response) => response.writeHead(500).end());
    const { url, seen } = await serve((received, response) =>
      seen.length === 1 ? json(response, unsupported(received.message.id, ['2026-07-28']), 400) : serveModern(received, response),
    );
    const { connection } = await connect(url, { revision });
    expect(connection.revision).toBe('2026-07-28');
    expect(seen.map(({ message }) => message.method)).toEqual(['server/discover', 'server/discover']);
    expect(seen.map(({ headers }) => headers['mcp-protocol-version'])).toEqual(['2026-07-28', '2026-07-28']);
  },
);

test('a server that refuses for ever the revision it speaks is asked twice and then in the other way', async () => {
  const { url, seen } = await serve(({ message }, response) => json(response, unsupported(message.id, ['2026-07-28']), 400));
  await expect(connect(url)).rejects.toMatchObject({ code: 'UPSTREAM_PROTOCOL' });
  expect(seen.map(({ message }) => message.method)).toEqual(['server/discover', 'server/discover', 'initialize']);
});

test('a server that refuses the modern revision and names older ones is asked for those', async () => {
  const sessions = handshakeServer((_received, response) => response.writeHead(500).end());
  const { url, seen } = await serve((received, response) =>
    received.message.method === 'server/discover'
      ? json(response, unsupported(received.message.id, ['2025-11-25', '2025-06-18']), 400)
      : sessions(received, response),
  );
  const { connection } = await connect(url);
  expect(connection.revision).toBe('2025-11-25');
  expect(seen.slice(0, 2).map(({ message }) => message.method)).toEqual(['server/discover', 'initialize']);
});

test('a modern server gets version, method and name in headers, and the configured ones', async () => {
  const { url, seen } = await serve(
    modernServer(({ message }, response) => json(response, result(message.id, { resultType: 'complete', ...text('hi') }))),
  );
  const { connection } = await connect(url, { headers: { authorization: 'Bearer x', 'Mcp-Session-Id': 'forged', Accept: 'text/html' } });
  expect(connection).toMatchObject({ revision: '2026-07-28', server: { info: { name: 'new', version: '2' } } });
  expect(textOf(await connection.request(call('grüße')))).toBe('hi');
  await connection.ping(1_000);
  expect(seen.map(({ message }) => message.method)).toEqual(['server/discover', 'tools/call', 'server/discover']);
  expect(seen[1]!.headers).toMatchObject({
    accept: 'application/json, text/event-stream',
    authorization: 'Bearer x',
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': 'tools/call',
    'mcp-name': `=?base64?${Buffer.from('grüße').toString('base64')}?=`,
  });
  expect(seen[1]!.headers['mcp-session-id']).toBeUndefined();
});

test('arguments that a tool wants in headers are repeated there, also when its list was not read before', async () => {
  const inputSchema = {
    type: 'object',
    properties: {
      place: { type: 'object', properties: { region: { type: 'string', 'x-mcp-header': 'Region' } } },
      n: { type: 'integer', 'x-mcp-header': 'N' },
    },
  };
  const { url, seen } = await serve(
    modernServer(({ message, headers }, response) => {
      if (message.method === 'tools/list')
        return json(response, result(message.id, { resultType: 'complete', tools: [{ name: 'find', inputSchema }] }));
      if (headers['mcp-param-region'] === undefined) return json(response, refusal(message.id, -32020, 'Header mismatch'), 400);
      return json(response, result(message.id, text('found')));
    }),
  );
  const { connection } = await connect(url);
  expect(textOf(await connection.request(call('find', { place: { region: 'eu' }, n: 7 })))).toBe('found');
  expect(seen.map(({ message }) => message.method)).toEqual(['server/discover', 'tools/call', 'tools/list', 'tools/call']);
  expect(seen.at(-1)!.headers).toMatchObject({ 'mcp-param-region': 'eu', 'mcp-param-n': '7' });
});

test('a handshake server gets its session and revision on each request, and a DELETE at the end', async () => {
  const { url, seen } = await serve(handshakeServer(({ message }, response) => json(response, result(message.id, text('hi')))));
  const { connection } = await connect(url);
  expect(connection).toMatchObject({ revision: '2025-11-25', server: { info: { name: 'old' } } });
  expect(await connection.request(call('a'))).toMatchObject({ kind: 'result', revision: '2025-11-25' });
  await connection.close();
  expect(seen.map(({ method, message }) => message.method ?? method)).toEqual([
    'server/discover',
    'initialize',
    'notifications/initialized',
    'GET',
    'tools/call',
    'DELETE',
  ]);
  for (const { headers } of seen.slice(2))
    expect(headers).toMatchObject({
      'mcp-protocol-version': '2025-11-25',
      'mcp-session-id': expect.stringMatching(/^session-1/) as string,
    });
  await expect(connection.request(call('a'))).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
});

test('the events of a call’s stream belong to that call, and its answer ends it', async () => {
  const { url, seen } = await serve(
    handshakeServer(({ message }, response) => {
      if (message.method !== 'tools/call') return void response.writeHead(202).end();
      const { _meta } = message.params as { readonly _meta: { readonly progressToken: number } };
      stream(
        response,
        events(
          { jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: _meta.progressToken, progress: 1 } },
          { jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'x' } },
        ),
      );
      response.write(
        events(
          { jsonrpc: '2.0', method: 'notifications/tools/list_changed' },
          { jsonrpc: '2.0', id: 's1', method: 'sampling/createMessage', params: {} },
        ),
      );
      response.end(events(result(message.id, text('streamed'))));
    }),
  );
  const { connection, notifications } = await connect(url);
  const heard: Notification[] = [];
  const outcome = await connection.request(call('a', {}, { wantsProgress: true, emit: (notification) => heard.push(notification) }));
  expect(textOf(outcome)).toBe('streamed');
  expect(heard.map(({ method }) => method)).toEqual(['notifications/progress', 'notifications/message']);
  expect(notifications.map(({ method }) => method)).toEqual(['notifications/tools/list_changed']);
  const refusals = () =>
    seen
      .map(({ message }) => message as { readonly id?: unknown; readonly error?: { readonly code: number } })
      .filter(({ id }) => id === 's1');
  await expect.poll(() => refusals().map(({ error }) => error?.code)).toEqual([-32601]);
});

test.each(['404', '400 with words'])(
  'a lost session is replaced once for all who notice, and their requests are repeated (%s)',
  async (kind) => {
    const sessions = new Set<string>();
    const lost = (response: ServerResponse, id: number | undefined) =>
      kind === '404'
        ? void response.writeHead(404).end()
        : json(response, refusal(id ?? null, -32000, 'Bad Request: No valid session ID provided'), 400);
    const { url, seen } = await serve(
      handshakeServer(({ message }, response) => json(response, result(message.id, message.method === 'tools/call' ? text('again') : {})), {
        sessions,
        lost,
      }),
    );
    const { connection } = await connect(url);
    await connection.subscribe('test://a');
    await connection.setLogLevel('error');
    sessions.clear();
    const outcomes = await Promise.all([1, 2, 3, 4].map(() => connection.request(call('a'))));
    expect(outcomes.map(textOf)).toEqual(['again', 'again', 'again', 'again']);
    expect(seen.filter(({ message }) => message.method === 'initialize')).toHaveLength(2);
    await connection.ping(1_000);
    expect(seen.filter(({ message }) => message.method === 'resources/subscribe')).toHaveLength(2);
    expect(seen.filter(({ message }) => message.method === 'logging/setLevel')).toHaveLength(2);
  },
);

test('a quiet connection finds out by its stream that its session is gone, and hears of changes in the next one', async () => {
  const sessions = new Set<string>();
  const streams: ServerResponse[] = [];
  const answer = handshakeServer(({ message }, response) => json(response, result(message.id, {})), { sessions });
  const { url, seen } = await serve((received, response) => {
    if (received.method !== 'GET') return answer(received, response);
    if (!sessions.has(String(received.headers['mcp-session-id']))) return void response.writeHead(404).end();
    streams.push(response);
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
  });
  const { connection, notifications } = await connect(url);
  await connection.subscribe('test://a');
  await vi.waitFor(() => expect(streams).toHaveLength(1));

  sessions.clear();
  streams[0]!.end();

  await vi.waitFor(() => expect(streams).toHaveLength(2), { timeout: 5_000 });
  await vi.waitFor(() => expect(seen.filter(({ message }) => message.method === 'resources/subscribe')).toHaveLength(2));
  expect(notifications.map(({ method }) => method)).toEqual(['notifications/resources/list_changed', 'notifications/resources/updated']);
  streams[1]!.write(events({ jsonrpc: '2.0', method: 'notifications/resources/updated', params: { uri: 'test://a' } }));
  await vi.waitFor(() => expect(notifications).toHaveLength(3));
  expect(seen.filter(({ message }) => message.method === 'initialize')).toHaveLength(2);
});

test('a server that has never had a stream for us is not asked for another session because of it', async () => {
  const answer = handshakeServer(({ message }, response) => json(response, result(message.id, text('up'))));
  const { url, seen } = await serve((received, response) => {
    if (received.method === 'GET') return void response.writeHead(404).end();
    answer(received, response);
  });
  const { connection } = await connect(url);
  await vi.waitFor(() => expect(seen.some(({ method }) => method === 'GET')).toBe(true));
  expect(textOf(await connection.request(call('a')))).toBe('up');
  expect(seen.filter(({ message }) => message.method === 'initialize')).toHaveLength(1);
});

test('a subscription that the server forgets before it answers is held all the same', async () => {
  const sessions = new Set<string>();
  let isFirst = true;
  const { url, seen } = await serve(
    handshakeServer(
      ({ message }, response) => {
        if (message.method !== 'resources/subscribe' || !isFirst) return json(response, result(message.id, {}));
        isFirst = false;
        sessions.clear();
        response.destroy();
      },
      { sessions },
    ),
  );
  const { connection } = await connect(url);
  await expect(connection.subscribe('test://a')).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
  await connection.ping(1_000);
  await vi.waitFor(() => expect(seen.filter(({ message }) => message.method === 'resources/subscribe')).toHaveLength(2));
});

test('a server that restarts is simply used again', async () => {
  const answer: Answer = ({ message }, response) => json(response, result(message.id, text('up')));
  const first = await serve(handshakeServer(answer));
  const { connection } = await connect(first.url);
  expect(textOf(await connection.request(call('a')))).toBe('up');
  await stop(first.server);
  // Until the end of the connection has arrived, nobody can tell that a request on it will not be read.
  await new Promise((resolve) => setTimeout(resolve, 20));
  await expect(connection.request(call('a'))).rejects.toMatchObject({
    code: 'UPSTREAM_UNAVAILABLE',
    data: { upstream: 'web', sent: false },
  });
  await serve(handshakeServer(answer), first.port);
  expect(textOf(await connection.request(call('a')))).toBe('up');
});

test('a stream that breaks off is resumed from its last event', async () => {
  const { url, seen } = await serve(
    handshakeServer(({ message, method, headers }, response) => {
      if (method === 'GET') {
        stream(response, `id: 2\ndata: ${JSON.stringify(result(Number(headers['last-event-id']!.slice(2)), text('resumed')))}\n\n`);
        return void response.end();
      }
      stream(response, `id: e-${message.id}\nretry: 10\ndata: \n\n`);
      response.end();
    }),
  );
  const { connection } = await connect(url);
  expect(textOf(await connection.request(call('a')))).toBe('resumed');
  expect(seen.filter(({ method }) => method === 'GET')).toHaveLength(2);
});

test('a stream that ends without an answer and cannot be resumed fails its call as sent', async () => {
  const { url } = await serve(
    modernServer((_received, response) => {
      stream(response, ': hello\n\n');
      response.end();
    }),
  );
  const { connection } = await connect(url);
  await expect(connection.request(call('a'))).rejects.toMatchObject({
    code: 'UPSTREAM_UNAVAILABLE',
    data: { sent: true, reason: 'its stream ended without an answer' },
  });
});

test.each([
  ['modern', modernServer],
  ['handshake', handshakeServer],
] as const)('a call taken back or out of time closes its stream; a %s server hears of it in its own way', async (generation, create) => {
  let closed = 0;
  const { url, seen } = await serve(
    create((_received: Received, response: ServerResponse) => {
      stream(response, ': working\n\n');
      response.on('close', () => closed++);
    }),
  );
  const { connection } = await connect(url);
  await expect(connection.request(call('a', {}, { timeoutMs: 60 }))).rejects.toMatchObject({
    code: 'DEADLINE_EXCEEDED',
    data: { upstream: 'web', phase: 'call', budgetMs: 60 },
  });
  const cancellation = new Cancellation();
  const waiting = connection.request(call('a', {}, { cancellation }));
  setTimeout(() => cancellation.cancel('gone'), 50);
  await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' });
  await expect.poll(() => closed).toBe(2);
  const told = seen.filter(({ message }) => message.method === 'notifications/cancelled').map(({ message }) => message.params?.['reason']);
  expect(told).toEqual(generation === 'modern' ? [] : ['no answer in 60 ms', 'gone']);
});

test.each([
  [401, 'UPSTREAM_UNAVAILABLE', /wants credentials, and they are missing or not valid \(HTTP 401\)/],
  [403, 'UPSTREAM_UNAVAILABLE', /refused the credentials \(HTTP 403\)/],
  [404, 'UPSTREAM_UNAVAILABLE', /no MCP server at this address \(HTTP 404\); check the path/],
  [302, 'UPSTREAM_UNAVAILABLE', /redirects elsewhere \(HTTP 302\)/],
  [500, 'UPSTREAM_UNAVAILABLE', /failed \(HTTP 500\)/],
])('an opening answered with %i says what to do', async (status, code, message) => {
  const { url } = await serve(
    (_received, response) => void response.writeHead(status, { 'content-type': 'text/html', location: 'http://elsewhere/' }).end('<html>'),
  );
  const opening = connect(url, { headers: { authorization: 'Bearer very-secret' } });
  await expect(opening).rejects.toMatchObject({ code });
  await expect(opening).rejects.toThrow(message);
  await expect(opening).rejects.not.toThrow(/very-secret/);
});

test('an answer that is neither JSON nor events is shown as it begins', async () => {
  const { url } = await serve((_received, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Welcome'));
  await expect(connect(url)).rejects.toMatchObject({
    code: 'UPSTREAM_PROTOCOL',
    message: expect.stringMatching(/"text\/html" instead of JSON or an event stream; the body begins with "<html>Welcome"/) as string,
  });
});

test('a refused connection was not sent, and says so', async () => {
  const { url, server } = await serve(() => undefined);
  await stop(server);
  await expect(connect(url)).rejects.toMatchObject({
    code: 'UPSTREAM_UNAVAILABLE',
    data: { upstream: 'web', sent: false, reason: 'the connection was refused; nothing listens there' },
  });
});

test('an address or a header that cannot be sent fails the opening without showing the value', async () => {
  await expect(connect('http://')).rejects.toMatchObject({ code: 'INVALID_CONFIG' });
  const { url } = await serve(() => undefined);
  const opening = connect(url, { headers: { authorization: 'Bearer very\nsecret' } });
  await expect(opening).rejects.toMatchObject({
    code: 'UPSTREAM_UNAVAILABLE',
    data: { sent: false, reason: expect.stringContaining('authorization') as string },
  });
  await expect(opening).rejects.not.toThrow(/secret/);
});

test('a server that never answers fails the opening with upstream, phase and budget', async () => {
  const { url } = await serve(() => undefined);
  await expect(connect(url, { handshakeMs: 200 })).rejects.toMatchObject({
    code: 'DEADLINE_EXCEEDED',
    data: { upstream: 'web', phase: 'handshake', budgetMs: 200 },
  });
});

test('an answer beyond the bound is refused while it arrives', async () => {
  const { url } = await serve(modernServer(({ message }, response) => json(response, result(message.id, text('x'.repeat(200_000))))));
  const { connection } = await connect(url);
  await expect(connection.request(call('a'))).rejects.toThrow('the answer has more than 100000 bytes');
});

test('an answer to another request is no answer', async () => {
  const { url } = await serve(modernServer((_received, response) => json(response, result(4_711, text('x')))));
  const { connection } = await connect(url);
  await expect(connection.request(call('a'))).rejects.toMatchObject({ code: 'UPSTREAM_PROTOCOL' });
});

test('a refusal with an HTTP status of its own is an outcome', async () => {
  const { url } = await serve(
    modernServer(({ message }, response) => json(response, refusal(message.id, -32601, 'Method not found'), 404)),
  );
  const { connection } = await connect(url);
  expect(await connection.request(call('a'))).toEqual({ kind: 'error', error: { code: -32601, message: 'Method not found' } });
});

test('a server that closes its connections while they are idle costs no call', async () => {
  const { url, server } = await serve(modernServer(({ message }, response) => json(response, result(message.id, text('hi')))));
  const { connection } = await connect(url);
  for (let round = 0; round < 5; round++) {
    expect(textOf(await connection.request(call('a')))).toBe('hi');
    server.closeAllConnections();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
});

test('changes are heard of through one listen request, replaced when the wish changes', async () => {
  const listening: { readonly id: number | undefined; readonly response: ServerResponse; isOpen: boolean }[] = [];
  const { url } = await serve(
    modernServer(
      ({ message }, response) => {
        if (message.method !== 'subscriptions/listen') return json(response, result(message.id, {}));
        const entry = { id: message.id, response, isOpen: true };
        listening.push(entry);
        response.on('close', () => (entry.isOpen = false));
        const _meta = { 'io.modelcontextprotocol/subscriptionId': message.id };
        stream(
          response,
          events({
            jsonrpc: '2.0',
            method: 'notifications/subscriptions/acknowledged',
            params: { _meta, notifications: message.params?.['notifications'] },
          }),
        );
      },
      { tools: { listChanged: true }, resources: { subscribe: true } },
    ),
  );
  const { connection, notifications } = await connect(url);
  await expect.poll(() => listening.length).toBe(1);
  await Promise.all([connection.subscribe('test://a'), connection.subscribe('test://b')]);
  expect(listening).toHaveLength(2);
  await expect.poll(() => listening[0]!.isOpen).toBe(false);
  const { id, response } = listening[1]!;
  response.write(
    events({
      jsonrpc: '2.0',
      method: 'notifications/resources/updated',
      params: { uri: 'test://a', _meta: { 'io.modelcontextprotocol/subscriptionId': id, x: 1 } },
    }),
  );
  await expect.poll(() => notifications.map(({ params }) => params?.value)).toEqual([{ uri: 'test://a', _meta: { x: 1 } }]);
});

test('the progress of a task comes to the call that began it, on whichever stream the server sends it', async () => {
  const progress = (progressToken: number, step: number) => ({
    jsonrpc: '2.0',
    method: 'notifications/progress',
    params: { progressToken, progress: step },
  });
  let began = 0;
  const { url } = await serve(({ message: { id, method } }, response) => {
    if (method === 'initialize')
      return json(response, result(id, { protocolVersion: '2025-11-25', capabilities: { tasks: {} }, serverInfo: {} }));
    if (method === 'tools/call') {
      began = id!;
      return json(response, result(id, { task: { taskId: 't', status: 'working' } }));
    }
    if (method !== 'tasks/result') return json(response, {}, method === undefined ? 405 : 202);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    return response.end(events(progress(began, 1), progress(id!, 2), result(id, text('done'))));
  });
  const { connection } = await connect(url, { revision: 'handshake' });
  const emitted: unknown[] = [];
  const emit = (who: string) => (notification: Notification) => emitted.push([who, notification.params?.object?.['progress']]);
  await connection.request(call('work', {}, { emit: emit('call'), wantsProgress: true, taskEnd: new Cancellation() }));
  await connection.request(call('', {}, { method: 'tasks/result', emit: emit('result'), wantsProgress: true }));
  expect(emitted).toEqual([
    ['call', 1],
    ['result', 2],
  ]);
});

test('what a client says goes to a modern server with its name and in headers, and to a handshake server in its session', async () => {
  const caller = {
    client: { revision: '2025-11-25', info: { name: 'editor', version: '9' }, capabilities: {}, logLevel: 'off' },
    principal: 'local',
  } as const;
  const notification = { method: 'notifications/vendor/said', params: RawJson.fromValue({ n: 1 }) };
  const accept: Answer = (_received, response) => void response.writeHead(202).end();

  const modern = await serve(modernServer(accept));
  const first = await connect(modern.url);
  first.connection.notify(notification, caller);
  first.connection.notify({ method: 'notifications/of/ours', params: undefined });
  await expect
    .poll(() => modern.seen.at(-1)?.message)
    .toMatchObject({
      method: 'notifications/vendor/said',
      params: {
        n: 1,
        _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientInfo': caller.client.info },
      },
    });
  expect(modern.seen.at(-1)!.headers).toMatchObject({ 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'notifications/vendor/said' });
  expect(modern.seen.some(({ message }) => message.method === 'notifications/of/ours')).toBe(false);

  const sessions = new Set<string>();
  const handshake = await serve(handshakeServer(accept, { sessions }));
  const second = await connect(handshake.url);
  second.connection.notify(notification, caller);
  await expect
    .poll(() => handshake.seen.at(-1)?.message)
    .toEqual({ jsonrpc: '2.0', method: 'notifications/vendor/said', params: { n: 1 } });
  expect([...sessions]).toEqual([handshake.seen.at(-1)!.headers['mcp-session-id']]);
});
