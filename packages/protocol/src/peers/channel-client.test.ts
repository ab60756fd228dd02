import { fileURLToPath } from 'node:url';
import { type ClientProfile, Cancellation, RawJson, type LogLevel, type Notification, type Outcome } from '@signalbox/core';
import { afterEach, expect, test, vi } from 'vitest';
import { toParams } from '../messages/encode.ts';
import { createChannelPair, type Fault } from '../transports/memory.ts';
import { startChild, type ChildChannel } from '../transports/stdio-child.ts';
import { openChannel, type ChannelConnectOptions } from './channel-client.ts';
import type { Connection, OutgoingRequest } from './peer.ts';

const fixture = (name: string) => fileURLToPath(new URL(`../../fixtures/${name}`, import.meta.url));
const open: ChildChannel[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((child) => child.close()));
});

interface Conversation {
  readonly connection: Connection;
  readonly child: ChildChannel;
  readonly notifications: Notification[];
  readonly anomalies: string[];
}

async function connect(args: readonly string[], options: Partial<ChannelConnectOptions> = {}): Promise<Conversation> {
  const child = await startChild({
    upstream: 'files',
    command: process.execPath,
    args,
    env: {},
    cwd: '/',
    stopMs: 300,
    maxMessageBytes: 1_000_000,
  });
  open.push(child);
  const notifications: Notification[] = [];
  const anomalies: string[] = [];
  const connection = await openChannel(child, {
    upstream: 'files',
    client: { name: 'signalbox', version: '0.1.0' },
    revision: 'auto',
    handshakeMs: 6_000,
    maxMessageBytes: 1_000_000,
    onNotification: (notification) => notifications.push(notification),
    onAnomaly: (text) => anomalies.push(text),
    describeFailure: () => ({ stderr: child.stderr() }),
    ...options,
  });
  return { connection, child, notifications, anomalies };
}

function call(
  name: string,
  args: object = {},
  extra: Partial<OutgoingRequest> & { readonly meta?: string; readonly logLevel?: LogLevel } = {},
): OutgoingRequest {
  const { meta, logLevel = 'off', ...rest } = extra;
  const params = new Map(toParams({ name, arguments: args }));
  if (meta !== undefined) params.set('_meta', RawJson.fromBytes(Buffer.from(meta)));
  const client: ClientProfile = {
    revision: '2026-07-28',
    info: { name: 'editor', version: '9' },
    capabilities: { sampling: {} },
    logLevel,
  };
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

/** What the fixture's tool said, read out of its text block. */
function said(outcome: Outcome): unknown {
  if (outcome.kind === 'error') return outcome.error;
  const content = outcome.result.object?.['content'] as readonly { readonly text: string }[];
  return JSON.parse(content[0]!.text);
}

const server = (speaks: string, ...more: string[]) => [fixture('stdio-server.mjs'), speaks, ...more];

test.each([
  ['modern', 'auto', '2026-07-28', 'modern'],
  ['both', 'auto', '2026-07-28', 'modern'],
  ['handshake', 'auto', '2025-06-18', 'handshake'],
  ['both', 'handshake', '2025-06-18', 'handshake'],
] as const)('a server that speaks %s, asked in mode %s, is spoken to in %s', async (speaks, revision, agreed, instructions) => {
  const { connection } = await connect(server(speaks), { revision });
  expect(connection.revision).toBe(agreed);
  expect(connection.server).toMatchObject({ info: { name: 'fixture', version: '1.0.0' }, instructions, capabilities: { logging: {} } });
  await connection.ping(2_000);
  const outcome = await connection.request(call('echo', { a: 1 }));
  expect(outcome).toMatchObject({ kind: 'result', revision: agreed, isError: false, resultType: 'complete' });
});

test('the generation of last time is tried first, and a changed server is still found', async () => {
  const known = await connect(server('both'), { lastRevision: '2025-11-25' });
  expect(known.connection.revision).toBe('2025-06-18');
  const changed = await connect(server('modern'), { lastRevision: '2025-11-25' });
  expect(changed.connection.revision).toBe('2026-07-28');
});

test('a server of an unknown revision is refused with both revisions named', async () => {
  const opening = connect(server('handshake', '2024-10-07'), { revision: 'handshake' });
  await expect(opening).rejects.toMatchObject({ code: 'UPSTREAM_PROTOCOL', data: { upstream: 'files', phase: 'handshake' } });
  await expect(opening).rejects.toThrow(/"2024-10-07", and we speak 2025-11-25, 2025-06-18/);
  expect(await open[0]!.exited).toBeDefined();
});

test('a server that never answers fails the opening with upstream, phase and budget', async () => {
  await expect(connect([fixture('bad-server.mjs'), 'silent'], { handshakeMs: 300 })).rejects.toMatchObject({
    code: 'DEADLINE_EXCEEDED',
    message: 'Cannot open upstream "files": no useful answer to the handshake in 300 ms',
    data: { upstream: 'files', phase: 'handshake', budgetMs: 300 },
  });
});

test('a server that dies of the first question is named with the question', async () => {
  await expect(connect([fixture('bad-server.mjs'), 'exit-on-discover'])).rejects.toMatchObject({
    code: 'UPSTREAM_UNAVAILABLE',
    data: { upstream: 'files', phase: 'handshake', asked: 'server/discover' },
    message: expect.stringContaining('the process exited with code 9') as string,
  });
});

test('a program that ends at once fails the opening with its last words', async () => {
  await expect(connect([fixture('bad-server.mjs'), 'exit'])).rejects.toMatchObject({
    code: 'UPSTREAM_UNAVAILABLE',
    data: { phase: 'handshake', stderr: ['cannot find the licence'] },
  });
});

test('a modern server gets the client’s own words in each request', async () => {
  const { connection } = await connect(server('modern'));
  const meta = '{"io.modelcontextprotocol/clientInfo":{"name":"old"},"trace":1e400,"progressToken":"theirs"}';
  const outcome = await connection.request(call('echo', {}, { meta, logLevel: 'warning' }));
  expect(said(outcome)).toEqual({
    args: {},
    meta: {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'editor', version: '9' },
      'io.modelcontextprotocol/clientCapabilities': {},
      'io.modelcontextprotocol/logLevel': 'warning',
      trace: null,
    },
  });
});

test('a handshake server gets nothing of another generation, and all the rest', async () => {
  const { connection } = await connect(server('handshake'));
  const own = await connection.request(
    call('echo', {}, { meta: '{"io.modelcontextprotocol/protocolVersion":"2026-07-28","progressToken":5}' }),
  );
  expect(said(own)).toEqual({ args: {} });
  const other = await connection.request(
    call('echo', {}, { meta: '{"a":1,"io.modelcontextprotocol/logLevel":"info","io.modelcontextprotocol/related-task":{"taskId":"t"}}' }),
  );
  expect(said(other)).toEqual({ args: {}, meta: { a: 1, 'io.modelcontextprotocol/related-task': { taskId: 't' } } });
});

test('progress goes to its own request, in order, and before the answer', async () => {
  const { connection } = await connect(server('both'));
  const seen: string[] = [];
  const run = async (name: string) => {
    const emit = (notification: Notification) => seen.push(`${name}:${String(notification.params?.object?.['progress'])}`);
    await connection.request(call('progress', {}, { emit, wantsProgress: true }));
    seen.push(`${name}:done`);
  };
  await Promise.all([run('a'), run('b')]);
  expect(seen.filter((text) => text.startsWith('a'))).toEqual(['a:1', 'a:2', 'a:3', 'a:done']);
  expect(seen.filter((text) => text.startsWith('b'))).toEqual(['b:1', 'b:2', 'b:3', 'b:done']);
});

test('progress starts the budget anew', async () => {
  const { connection } = await connect(server('both'));
  let ticks = 0;
  const cancellation = new Cancellation();
  const emit = () => ++ticks === 15 && cancellation.cancel('seen enough');
  await expect(connection.request(call('tick', {}, { emit, wantsProgress: true, timeoutMs: 300, cancellation }))).rejects.toMatchObject({
    code: 'CANCELLED',
  });
});

test('a spent budget and a cancellation reach the server', async () => {
  const { connection } = await connect(server('handshake'));
  await expect(connection.request(call('hang', {}, { timeoutMs: 80 }))).rejects.toMatchObject({
    code: 'DEADLINE_EXCEEDED',
    data: { upstream: 'files', phase: 'call', method: 'tools/call', budgetMs: 80 },
  });
  const cancellation = new Cancellation();
  const hanging = connection.request(call('hang', {}, { cancellation }));
  cancellation.cancel('the client closed its stream');
  await expect(hanging).rejects.toMatchObject({ code: 'CANCELLED' });
  const { cancelled } = said(await connection.request(call('seen'))) as { cancelled: readonly { reason: string }[] };
  expect(cancelled.map(({ reason }) => reason)).toEqual(['no answer in 80 ms', 'the client closed its stream']);
});

test('the first answer counts; doubled, late, foreign and broken messages are reported and do no harm', async () => {
  const { connection, child, anomalies } = await connect(server('handshake'));
  expect(said(await connection.request(call('twice')))).toBe('first');
  expect(said(await connection.request(call('stray')))).toBe('right');
  expect(said(await connection.request(call('seen')))).toBeDefined();
  expect(anomalies.join('\n')).toMatch(/request \d+, which is settled already/);
  expect(anomalies.join('\n')).toMatch(/request "\d+", which was never made/);
  expect(anomalies.join('\n')).toMatch(/request 999999, which was never made/);
  expect(anomalies.join('\n')).toContain('Cannot read a message');
  expect(anomalies).toHaveLength(4);
  expect(child.garbage).toBe(2);
});

test('requests of the server are answered: a ping with a result, others with a refusal', async () => {
  const { connection } = await connect(server('handshake'));
  await connection.request(call('ask'));
  const { received } = said(await connection.request(call('seen'))) as { received: readonly unknown[] };
  expect(received).toEqual([
    'notifications/initialized',
    { jsonrpc: '2.0', id: 'r1', error: { code: -32601, message: 'Cannot answer "roots/list": this client did not declare it' } },
    { jsonrpc: '2.0', id: 7, result: {} },
  ]);
});

test('a refusal is an outcome with its data', async () => {
  const { connection } = await connect(server('both'));
  expect(await connection.request(call('nothing'))).toEqual({
    kind: 'error',
    error: { code: -32602, message: 'Unknown tool: nothing', data: { name: 'nothing' } },
  });
});

test('log messages go to the requests in flight that can hear them, otherwise to the connection', async () => {
  const { connection, notifications } = await connect(server('handshake'));
  const heard: Notification[] = [];
  await connection.setLogLevel('warning');
  expect(said(await connection.request(call('log', {}, { emit: (notification) => heard.push(notification) })))).toBe('warning');
  expect(heard).toHaveLength(1);
  await connection.request(call('log'));
  expect(notifications.map(({ method }) => method)).toEqual(['notifications/message']);
});

/** A connection to a server in this process that answers nothing but what opens the conversation, and can say anything. */
async function connectToSpeaker(revision: 'handshake' | 'modern') {
  const { left, right } = createChannelPair();
  const send = (message: object) => right.send(Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...message })));
  const calls: number[] = [];
  const heardByServer: unknown[] = [];
  right.onMessage = (message) => {
    const { id, method, params } = JSON.parse(message.toString()) as { id?: number; method: string; params?: unknown };
    if (id === undefined) return void heardByServer.push([method, params]);
    const capabilities = { tools: { listChanged: true } };
    if (method === 'server/discover') send({ id, result: { supportedVersions: ['2026-07-28'], capabilities } });
    if (method === 'initialize')
      send({ id, result: { protocolVersion: '2025-11-25', capabilities, serverInfo: { name: 's', version: '1' } } });
    if (method === 'tools/call') calls.push(id);
  };
  const notifications: Notification[] = [];
  const connection = await openChannel(left, {
    upstream: 'm',
    client: { name: 'c', version: '1' },
    revision,
    handshakeMs: 1_000,
    maxMessageBytes: 10_000,
    onNotification: (notification) => notifications.push(notification),
  });
  const settle = () => new Promise((resolve) => void setImmediate(resolve));
  /** Begins a call; `heard` is what it was told. */
  const begin = async (extra: Parameters<typeof call>[2] = {}) => {
    const heard: unknown[] = [];
    const emit = ({ method, params }: Notification) => heard.push([method, params?.value]);
    connection.request(call('any', {}, { emit, ...extra })).catch(() => undefined);
    await settle();
    return { id: calls.at(-1)!, heard };
  };
  const say = async (params: object, method = 'notifications/vendor/said') => {
    send({ method, params });
    await settle();
  };
  return { connection, notifications, heardByServer, settle, begin, say };
}

const vendor = (params: object) => ['notifications/vendor/said', params];

test.each(['handshake', 'modern'] as const)(
  'what a %s server says beyond the specification goes to the one call in flight, and to none where there are two',
  async (revision) => {
    const { connection, notifications, begin, say } = await connectToSpeaker(revision);
    const first = await begin();
    await say({ n: 1 });
    const second = await begin();
    await say({ n: 2 });
    expect(first.heard).toEqual([vendor({ n: 1 })]);
    expect(second.heard).toEqual([]);
    await say({}, 'notifications/tools/list_changed');
    expect(notifications.map(({ method }) => method)).toEqual(['notifications/tools/list_changed']);
    await connection.close();
  },
);

test('what a server says beyond the specification goes to the call whose token it has, whoever else calls', async () => {
  const { connection, begin, say } = await connectToSpeaker('modern');
  const first = await begin({ wantsProgress: true });
  const second = await begin({ wantsProgress: true });
  const third = await begin();
  await say({ progressToken: first.id });
  await say({ progressToken: third.id });
  await say({ progressToken: 'nobody' });
  expect(first.heard).toEqual([vendor({ progressToken: first.id })]);
  expect([second.heard, third.heard]).toEqual([[], []]);
  await connection.close();
});

test.each([
  ['handshake', [['notifications/initialized', undefined], vendor({ n: 1 }), ['notifications/of/ours', undefined]]],
  [
    'modern',
    [
      vendor({
        n: 1,
        _meta: {
          'io.modelcontextprotocol/protocolVersion': '2026-07-28',
          'io.modelcontextprotocol/clientInfo': { name: 'editor', version: '9' },
          'io.modelcontextprotocol/clientCapabilities': {},
        },
      }),
    ],
  ],
] as const)('what a client says reaches a %s server, and what we say ourselves only one that has a handshake', async (revision, wanted) => {
  const { connection, heardByServer, settle } = await connectToSpeaker(revision);
  const client: ClientProfile = { revision: '2025-11-25', info: { name: 'editor', version: '9' }, capabilities: {}, logLevel: 'off' };
  connection.notify({ method: 'notifications/vendor/said', params: RawJson.fromValue({ n: 1 }) }, { client, principal: 'local' });
  connection.notify({ method: 'notifications/of/ours', params: undefined });
  await settle();
  expect(heardByServer).toEqual(wanted);
  await connection.close();
});

test('what a server says beyond the specification outside of any call is the connection’s to place', async () => {
  const { connection, notifications, say } = await connectToSpeaker('handshake');
  await say({ n: 1 });
  expect(notifications.map(({ method, params }) => [method, params?.value])).toEqual([vendor({ n: 1 })]);
  await connection.close();
});

test.each(['handshake', 'modern'])('changes are told by a %s server, without the tag of our own subscription', async (speaks) => {
  const { connection, notifications } = await connect(server(speaks));
  await connection.subscribe('test://a');
  await connection.request(call('change'));
  expect(notifications.map(({ method, params }) => [method, params?.value])).toEqual([
    ['notifications/tools/list_changed', undefined],
    ['notifications/resources/updated', { uri: 'test://a' }],
  ]);
  await connection.unsubscribe('test://a');
  await connection.close();
});

test('the end of the process rejects what is in flight, and what comes after is known not to be sent', async () => {
  const { connection } = await connect(server('both'));
  const hanging = connection.request(call('hang'));
  await expect(connection.request(call('exit'))).rejects.toMatchObject({
    code: 'UPSTREAM_UNAVAILABLE',
    data: { upstream: 'files', sent: true, reason: 'the process exited with code 3', stderr: [] },
  });
  await expect(hanging).rejects.toMatchObject({ data: { sent: true } });
  await expect(connection.request(call('echo'))).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', data: { sent: false } });
  expect(await connection.closed).toBe('the process exited with code 3');
});

test('closing ends the process', async () => {
  const { connection, child } = await connect(server('both'));
  await connection.close();
  await connection.close();
  expect(await child.exited).toEqual({ code: 0, signal: null });
  expect(await connection.closed).toBe('closed by the gateway');
});

test('a question that comes while several calls are in flight lives as long as one of them, and is answered', async () => {
  const { left, right } = createChannelPair();
  const heard: {
    readonly id?: number;
    readonly method?: string;
    readonly params?: { readonly name?: string };
    readonly result?: unknown;
  }[] = [];
  const say = (message: object) => right.send(Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...message })));
  right.onMessage = (bytes) => {
    const message = JSON.parse(bytes.toString()) as (typeof heard)[number];
    heard.push(message);
    if (message.method === 'initialize')
      say({ id: message.id, result: { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: { name: 's', version: '1' } } });
  };
  const connection = await openChannel(left, {
    upstream: 'm',
    client: { name: 'c', version: '1' },
    revision: 'handshake',
    capabilities: { elicitation: {} },
    handshakeMs: 5_000,
    maxMessageBytes: 10_000,
    onNotification: () => undefined,
  });
  const questions: { readonly end: (outcome: Outcome) => void; readonly cancellation: Cancellation }[] = [];
  const ask: OutgoingRequest['ask'] = ({ cancellation }) => new Promise((end) => questions.push({ end, cancellation }));
  const idOf = (name: string) => heard.find(({ params }) => params?.name === name)?.id;
  const [slow, quick] = [connection.request(call('slow', {}, { ask })), connection.request(call('quick', {}, { ask }))];
  await vi.waitFor(() => expect(idOf('quick')).toBeDefined());

  say({ id: 'who', method: 'elicitation/create', params: { message: 'Who?' } });
  say({ id: 'what', method: 'elicitation/create', params: { message: 'What?' } });
  await vi.waitFor(() => expect(questions).toHaveLength(2));
  say({ id: idOf('quick'), result: { content: [] } });
  await quick;
  expect(questions.map(({ cancellation }) => cancellation.isCancelled)).toEqual([false, false]);
  questions[0]!.end({
    kind: 'result',
    result: RawJson.fromValue({ action: 'cancel' }),
    resultType: 'complete',
    isError: false,
    revision: '2025-11-25',
  });
  await vi.waitFor(() => expect(heard.at(-1)).toMatchObject({ id: 'who', result: { action: 'cancel' } }));

  say({ id: idOf('slow'), result: { content: [] } });
  await slow;
  expect(questions[1]!.cancellation.isCancelled).toBe(true);
  await connection.close();
});

test('a slow probe is joined by the other question, and the first useful answer counts', async () => {
  const { left, right } = createChannelPair();
  const asked: string[] = [];
  right.onMessage = (message) => {
    const { id, method } = JSON.parse(message.toString()) as { id?: number; method: string };
    asked.push(method);
    if (method !== 'initialize') return;
    right.send(
      Buffer.from(
        JSON.stringify({
          jsonrpc: '2.0',
          id,
          result: { protocolVersion: '2024-11-05', capabilities: {}, serverInfo: { name: 's', version: '1' } },
        }),
      ),
    );
  };
  const connection = await openChannel(left, {
    upstream: 'm',
    client: { name: 'c', version: '1' },
    revision: 'auto',
    handshakeMs: 150,
    maxMessageBytes: 1_000,
    onNotification: () => undefined,
  });
  expect(connection.revision).toBe('2024-11-05');
  expect(asked).toEqual(['server/discover', 'initialize', 'notifications/initialized']);
  await connection.close();
});

test.each<[string, (message: Buffer) => Fault | undefined, string]>([
  ['dropped', (message) => (message.includes('tools/call') ? { kind: 'drop' } : undefined), 'DEADLINE_EXCEEDED'],
  [
    'replaced by garbage',
    (message) => (message.includes('"ok"') ? { kind: 'replace', message: Buffer.from('{"jsonrpc":') } : undefined),
    'DEADLINE_EXCEEDED',
  ],
  ['cut off', (message) => (message.includes('"ok"') ? { kind: 'close', reason: 'the wire was cut' } : undefined), 'UPSTREAM_UNAVAILABLE'],
])('a message that is %s ends its request with an error of its kind', async (_name, fault, code) => {
  const { left, right } = createChannelPair({ fault });
  right.onMessage = (message) => {
    const { id, method } = JSON.parse(message.toString()) as { id?: number; method: string };
    if (id === undefined) return;
    const result =
      method === 'initialize' ? { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: { name: 's', version: '1' } } : { ok: 'ok' };
    right.send(Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, result })));
  };
  const connection = await openChannel(left, {
    upstream: 'm',
    client: { name: 'c', version: '1' },
    revision: 'handshake',
    handshakeMs: 1_000,
    maxMessageBytes: 1_000,
    onNotification: () => undefined,
  });
  await expect(connection.request(call('echo', {}, { timeoutMs: 100 }))).rejects.toMatchObject({ code });
  await connection.close();
});
