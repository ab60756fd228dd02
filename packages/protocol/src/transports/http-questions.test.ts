import { expect, test } from 'vitest';
import { Cancellation, RawJson, systemClock, type Notification, type Outcome, type Request } from '@signalbox/core';
import { open, send, until, type OpenAnswer } from '../testing/http.ts';
import { createTestClock, type TestClock } from '../testing/test-clock.ts';
import { createTestHandler, resultOf } from '../testing/test-handler.ts';
import { createTestSeal } from '../testing/test-seal.ts';
import { createHttpServer } from './http-server.ts';

const ASKED = {
  message: 'Who?',
  requestedSchema: { type: 'object', properties: { name: { type: 'string', x: 1 } } },
  vendor: 9007199254740993n,
};
const ASKED_JSON = JSON.stringify(ASKED, (_key, value: unknown) => (typeof value === 'bigint' ? Number(value) : value));

/** Tools that ask: `once`, `twice`, `both` at the same time, two of them `soon` after each other, `wait` asks and then never ends. */
async function start() {
  const cancelled: string[] = [];
  const answered: string[] = [];
  const progress: Notification[] = [];
  const ask = async (request: Request, method = 'elicitation/create', params = ASKED_JSON): Promise<unknown> => {
    const cancellation = new Cancellation();
    const stop = request.cancellation.watch((reason) => cancellation.cancel(reason));
    const outcome = await request.ask!({
      method,
      params: RawJson.fromBytes(Buffer.from(params)),
      cancellation,
      emit: (notification) => progress.push(notification),
    });
    stop();
    return outcome.kind === 'result' ? outcome.result.value : outcome.error;
  };
  const handler = createTestHandler((request) => {
    const name = request.params.get('name')?.value;
    request.cancellation.watch((reason) => cancelled.push(reason));
    const run = async (): Promise<Outcome> => {
      if (name === 'once') return resultOf({ said: await ask(request) });
      if (name === 'twice') return resultOf({ said: [await ask(request), await ask(request, 'roots/list', '{}')] });
      if (name === 'soon') {
        const first = ask(request);
        await new Promise((resolve) => setImmediate(resolve));
        return resultOf({ said: await Promise.all([first, ask(request, 'roots/list', '{}')]) });
      }
      if (name === 'both') return resultOf({ said: await Promise.all([ask(request), ask(request, 'roots/list', '{}')]) });
      await ask(request);
      answered.push(String(name));
      return await new Promise<Outcome>(() => undefined);
    };
    return request.method === 'tools/call' ? run() : undefined;
  });
  const still = createTestClock();
  // The moment for which questions are gathered passes by itself.
  const clock: TestClock = { ...still, after: (ms, run) => (ms <= 5 ? systemClock : still).after(ms, run) };
  const server = createHttpServer({
    handler,
    seal: createTestSeal(),
    port: 0,
    inputMs: 60_000,
    limits: { maxMessageBytes: 100_000, maxDepth: 32 },
    sessions: { idleSeconds: 600, max: 10, maxAgeSeconds: 3600 },
    clock,
  });
  const { url } = await server.listen();
  return { url, server, handler, clock, cancelled, answered, progress, [Symbol.asyncDispose]: () => server.close(0) };
}

const CAPABILITIES = { elicitation: {}, roots: {} };

function modern(url: string, name: string, params: object = {}, capabilities: object = CAPABILITIES) {
  const _meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': capabilities };
  const body = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: { a: 1, b: [2] }, ...params, _meta } };
  return send(url, { headers: { 'MCP-Protocol-Version': '2026-07-28', 'Mcp-Method': 'tools/call', 'Mcp-Name': name }, body });
}

const resultIn = (answer: { readonly messages: Record<string, unknown>[] }) => answer.messages.at(-1)!['result'] as Record<string, unknown>;

test('a modern client gets the question as the answer, and its retry goes on with the same call', async () => {
  await using it = await start();
  const asked = resultIn(await modern(it.url, 'once'));
  expect(asked).toMatchObject({
    resultType: 'input_required',
    inputRequests: { q1: { method: 'elicitation/create', params: JSON.parse(ASKED_JSON) as object } },
    requestState: expect.any(String) as string,
  });
  const answers = { inputResponses: { q1: { action: 'accept', content: { name: 'Ann' } } }, requestState: asked['requestState'] };
  expect(resultIn(await modern(it.url, 'once', answers))).toMatchObject({
    resultType: 'complete',
    said: { action: 'accept', content: { name: 'Ann' } },
  });
  expect(it.handler.requests.length).toBe(1);
});

test('questions of one moment go out together, and what a retry leaves open is asked again', async () => {
  await using it = await start();
  const first = resultIn(await modern(it.url, 'both'));
  expect(Object.keys(first['inputRequests'] as object)).toEqual(['q1', 'q2']);
  const second = resultIn(await modern(it.url, 'both', { inputResponses: { q2: { roots: [] } }, requestState: first['requestState'] }));
  expect(Object.keys(second['inputRequests'] as object)).toEqual(['q1']);
  const last = await modern(it.url, 'both', { inputResponses: { q1: { action: 'decline' } }, requestState: second['requestState'] });
  expect(resultIn(last)['said']).toEqual([{ action: 'decline' }, { roots: [] }]);
});

test('questions that come one after the other, but soon, go out together as well', async () => {
  await using it = await start();
  const asked = resultIn(await modern(it.url, 'soon'));
  expect(Object.keys(asked['inputRequests'] as object)).toEqual(['q1', 'q2']);
});

test('a second question comes with a state of its own', async () => {
  await using it = await start();
  const first = resultIn(await modern(it.url, 'twice'));
  const second = resultIn(
    await modern(it.url, 'twice', { inputResponses: { q1: { action: 'cancel' } }, requestState: first['requestState'] }),
  );
  expect(second['inputRequests']).toEqual({ q2: { method: 'roots/list', params: {} } });
  expect(second['requestState']).not.toBe(first['requestState']);
  const last = await modern(it.url, 'twice', { inputResponses: { q2: { roots: [] } }, requestState: second['requestState'] });
  expect(resultIn(last)['said']).toEqual([{ action: 'cancel' }, { roots: [] }]);
});

test('a state is refused when a byte of it differs, for another tool or arguments, a second time, and when it has expired', async () => {
  await using it = await start();
  const { requestState } = resultIn(await modern(it.url, 'once')) as { requestState: string };
  const refused = async (name: string, params: object) => {
    const answer = await modern(it.url, name, { inputResponses: { q1: { action: 'accept' } }, ...params });
    expect([answer.status, answer.messages[0]]).toMatchObject([400, { error: { code: -32602 } }]);
    return JSON.stringify(answer.messages[0]);
  };
  for (let index = 0; index < requestState.length; index += 7) {
    const other = requestState[index] === 'A' ? 'B' : 'A';
    await refused('once', { requestState: `${requestState.slice(0, index)}${other}${requestState.slice(index + 1)}` });
  }
  await refused('twice', { requestState });
  await refused('once', { requestState, arguments: { a: 2, b: [2] } });
  await refused('once', { requestState: 7 });
  // The order of members is no difference.
  const reordered = { requestState, arguments: { b: [2], a: 1 }, inputResponses: { q1: { action: 'accept' } } };
  expect(resultIn(await modern(it.url, 'once', reordered))['said']).toEqual({ action: 'accept' });
  expect(await refused('once', { requestState })).toContain('used already');

  const late = resultIn(await modern(it.url, 'once')) as { requestState: string };
  it.clock.advance(60_001);
  expect(await refused('once', { requestState: late.requestState })).toContain('expired');
  expect(it.cancelled).toEqual([expect.stringContaining('no answer in 60000 ms')]);
});

test('a client that goes while it is asked does not end the call, one that goes after its retry does', async () => {
  await using it = await start();
  const { requestState } = resultIn(await modern(it.url, 'wait')) as { requestState: string };
  expect(it.cancelled).toEqual([]);
  const _meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': CAPABILITIES };
  const headers = { 'MCP-Protocol-Version': '2026-07-28', 'Mcp-Method': 'tools/call', 'Mcp-Name': 'wait' };
  const params = { name: 'wait', arguments: { a: 1, b: [2] }, requestState, inputResponses: { q1: { action: 'accept' } }, _meta };
  const abort = new AbortController();
  const gone = fetch(it.url, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'tools/call', params }),
    signal: abort.signal,
  }).catch((error: Error) => error.name);
  await until(() => it.answered.length === 1, 'the retry arrives');
  abort.abort();
  expect(await gone).toBe('AbortError');
  await until(() => it.cancelled.length === 1, 'the call is cancelled');
});

test('a client that did not declare what is asked is told which capability it lacks', async () => {
  await using it = await start();
  const answer = await modern(it.url, 'twice', {}, { elicitation: { url: {} }, roots: {} });
  expect(answer.messages[0]).toMatchObject({ error: { code: -32021, data: { requiredCapabilities: { elicitation: { form: {} } } } } });
});

async function handshake(url: string, capabilities: object = CAPABILITIES) {
  const params = { protocolVersion: '2025-11-25', capabilities, clientInfo: { name: 'tester', version: '9' } };
  const { headers } = await send(url, { body: { jsonrpc: '2.0', id: 0, method: 'initialize', params } });
  const session = { 'Mcp-Session-Id': String(headers['mcp-session-id']), 'MCP-Protocol-Version': '2025-11-25' };
  return {
    session,
    call: (name: string, more: Record<string, string> = {}) =>
      open(url, { headers: { ...session, ...more }, body: { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name } } }),
    post: async (message: object) => (await send(url, { headers: session, body: { jsonrpc: '2.0', ...message } })).status,
  };
}

const asks = (stream: OpenAnswer) => stream.messages().filter((message) => 'id' in message && 'method' in message);

test('a handshake client is asked on the stream of its call, and answers with a message of its own', async () => {
  await using it = await start();
  const client = await handshake(it.url);
  const stream = await client.call('once');
  await until(() => asks(stream).length === 1, 'the question comes');
  const [question] = asks(stream);
  expect(question).toMatchObject({ method: 'elicitation/create', params: JSON.parse(ASKED_JSON) as object });
  expect(await client.post({ id: question!['id'], result: { action: 'accept', content: { name: 'Ann' } } })).toBe(202);
  await stream.ended;
  expect(stream.messages().at(-1)).toMatchObject({ id: 1, result: { said: { action: 'accept', content: { name: 'Ann' } } } });
});

test('a client that takes no stream on its call is asked on the one of its session', async () => {
  await using it = await start();
  const client = await handshake(it.url);
  const answer = client.call('once', { Accept: 'application/json' });
  await until(() => it.handler.requests.length === 1, 'the call runs');
  const own = await open(it.url, { method: 'GET', headers: { ...client.session, Accept: 'text/event-stream' } });
  await until(() => asks(own).length === 1, 'the question comes');
  await client.post({ id: asks(own)[0]!['id'], error: { code: -1, message: 'The user is out' } });
  const stream = await answer;
  await stream.ended;
  expect(stream.messages()).toMatchObject([{ result: { said: { code: -1, message: 'The user is out' } } }]);
  own.abort();
});

test("progress of a client's answer is told to who asked, in the token they know", async () => {
  await using it = await start();
  const asked = JSON.parse(ASKED_JSON) as Record<string, unknown>;
  const client = await handshake(it.url);
  it.handler.requests.length = 0;
  const stream = await client.call('once');
  await until(() => asks(stream).length === 1, 'the question comes');
  expect(asks(stream)[0]!['params']).toEqual(asked);
  expect(await client.post({ method: 'notifications/progress', params: { progressToken: asks(stream)[0]!['id'], progress: 1 } })).toBe(202);
  expect(it.progress).toEqual([]);
  await client.post({ id: asks(stream)[0]!['id'], result: {} });
  await stream.ended;
});

test('a call that is cancelled takes its question back', async () => {
  await using it = await start();
  const client = await handshake(it.url);
  const stream = await client.call('once');
  await until(() => asks(stream).length === 1, 'the question comes');
  await client.post({ method: 'notifications/cancelled', params: { requestId: 1 } });
  await stream.ended;
  expect(it.cancelled.length).toBe(1);
});

test('an answer nobody waits for is taken and passed over', async () => {
  await using it = await start();
  const client = await handshake(it.url);
  expect(await client.post({ id: 4711, result: {} })).toBe(202);
});
