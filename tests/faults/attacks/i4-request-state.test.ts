import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startGateway, type RunningGateway } from '../../e2e/support/gateway.ts';
import { rpc, type Message } from '../../e2e/support/raw-client.ts';
import { openTool, sendHttp, startRecordingServer, toResult, type RecordingServer } from '../servers/recording-server.ts';
import { untilState } from '../support/observe.ts';
import { META_MEMBERS, MODERN } from './support/calls.ts';

// I4: the state of a call that waits for its client comes back through that client's hands. It is good for one retry of the
// one request it was given for, and for nothing else.
// https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/mrtr#server-requirements-basic-workflow

const SECRET = 'upstream state: "世界" \u0000 \\ {"user":"admin"}';
const CALL = { name: 'ask', arguments: { text: 'x', n: 1 } };

let upstream: RecordingServer;
let gateway: RunningGateway;
let other: RunningGateway;

beforeAll(async () => {
  upstream = await startRecordingServer({
    tools: ['ask', 'other'].map((name) => openTool(name)),
    resources: [{ uri: 'ask', name: 'ask' }],
    answer: ({ message, method }, socket) => {
      const { id, params } = message;
      if ((method !== 'tools/call' && method !== 'resources/read') || params?.['requestState'] !== undefined) return false;
      sendHttp(socket, 200, toResult(id, { resultType: 'input_required', requestState: SECRET }));
      return true;
    },
  });
  const mcpServers = { web: { url: upstream.url, health: { intervalMs: 86_400_000 } } };
  gateway = await startGateway({ config: { mcpServers } });
  other = await startGateway({ config: { mcpServers, sessions: { inputSeconds: 1 } } });
  for (const each of [gateway, other]) await untilState(each, 'web', 'ready');
});

afterAll(async () => {
  await gateway.stop();
  await other.stop();
  await upstream[Symbol.asyncDispose]();
});

async function stateFrom(of: RunningGateway, params: object = CALL): Promise<string> {
  const { result } = await rpc(of.url)
    .modern()
    .request('tools/call', { ...params });
  return String(result!['requestState']);
}

function retry(requestState: unknown, params: object = CALL, of: RunningGateway = gateway): Promise<Message> {
  return rpc(of.url)
    .modern()
    .request('tools/call', { ...params, requestState });
}

/** Makes a retry and tells how it was answered and how many calls reached the upstream. */
async function attempt(work: () => Promise<Message>): Promise<{ readonly code: number | undefined; readonly calls: number }> {
  const callsBefore = upstream.calls.length;
  const { error } = await work();
  return { code: error?.code, calls: upstream.calls.length - callsBefore };
}

const REFUSED = { code: -32602, calls: 0 };

test('I4: on the one retry it is for, the upstream has its own state back, and the client never saw it', async () => {
  const state = await stateFrom(gateway);
  expect(Buffer.from(state.slice(3), 'base64url').toString()).not.toContain('upstream state');
  expect(state).not.toContain('admin');
  expect(await attempt(() => retry(state))).toEqual({ code: undefined, calls: 1 });
  expect(upstream.calls.at(-1)!.message.params).toMatchObject({ ...CALL, requestState: SECRET });
  expect(await attempt(() => retry(state))).toEqual(REFUSED);
});

test('I4: two retries at once with one state are one retry', async () => {
  const state = await stateFrom(gateway);
  const callsBefore = upstream.calls.length;
  const answers = await Promise.all(Array.from({ length: 20 }, () => retry(state)));
  expect(answers.filter(({ error }) => error === undefined).length).toBe(1);
  expect(upstream.calls.length).toBe(callsBefore + 1);
});

test('I4: with any one byte flipped it is refused', async () => {
  const state = await stateFrom(gateway);
  const [mark, bytes] = [state.slice(0, 3), Buffer.from(state.slice(3), 'base64url')];
  for (const index of bytes.keys()) {
    const flipped = Buffer.from(bytes);
    flipped[index]! ^= 1 << (index % 8);
    expect([index, await attempt(() => retry(mark + flipped.toString('base64url')))]).toEqual([index, REFUSED]);
  }
  // None of that has used it up.
  expect(await attempt(() => retry(state))).toEqual({ code: undefined, calls: 1 });
});

test('I4: with any one character changed it is refused, in another spelling too', async () => {
  const state = await stateFrom(gateway);
  for (const index of [...state].keys()) {
    const changed = state.slice(0, index) + (state[index] === 'A' ? 'B' : 'A') + state.slice(index + 1);
    expect([index, await attempt(() => retry(changed))]).toEqual([index, REFUSED]);
  }
  for (const spelled of [
    `${state}=`,
    `${state} `,
    ` ${state}`,
    state.toUpperCase(),
    state.replaceAll('_', '/').replaceAll('-', '+').concat('=='),
  ])
    expect([spelled, await attempt(() => retry(spelled))]).toEqual([spelled, REFUSED]);
});

describe('I4: for anything else it is refused', () => {
  test.each<[string, object]>([
    ['another tool', { ...CALL, name: 'other' }],
    ['other arguments', { name: 'ask', arguments: { text: 'y', n: 1 } }],
    ['more arguments', { name: 'ask', arguments: { ...CALL.arguments, more: true } }],
    ['fewer arguments', { name: 'ask', arguments: { text: 'x' } }],
    ['an argument of another type', { name: 'ask', arguments: { text: 'x', n: '1' } }],
    ['no arguments', { name: 'ask' }],
    ['another param', { ...CALL, more: true }],
  ])('%s', async (_, params) => {
    const state = await stateFrom(gateway);
    expect(await attempt(() => retry(state, params))).toEqual(REFUSED);
    expect(await attempt(() => retry(state))).toEqual({ code: undefined, calls: 1 });
  });

  test('another method', async () => {
    const state = await stateFrom(gateway);
    const requestsBefore = upstream.seen.length;
    const { error } = await rpc(gateway.url).modern().request('resources/read', { uri: 'ask', requestState: state });
    expect([error?.code, upstream.seen.length - requestsBefore]).toEqual([-32602, 0]);
  });

  test('another gateway, which has another key', async () => {
    expect(await attempt(async () => retry(await stateFrom(other)))).toEqual({ ...REFUSED, calls: 1 });
    expect(await attempt(async () => retry(await stateFrom(gateway), CALL, other))).toEqual({ ...REFUSED, calls: 1 });
  });

  test('another time', async () => {
    const state = await stateFrom(other);
    await pause(1_100);
    expect(await attempt(() => retry(state, CALL, other))).toEqual(REFUSED);
  });

  test.each([[''], ['s1.'], ['s1.AAAA'], ['forged'], [SECRET], ['x'.repeat(100_000)], [null], [1], [{}], [['s1.']]])(
    'what is none: %j',
    async (state) => {
      expect(await attempt(() => retry(state))).toEqual(REFUSED);
    },
  );

  // Its calls are gone on with by the gateway, which alone knows the upstream's state.
  test('a handshake client, whose calls have no states', async () => {
    const session = await rpc(gateway.url).handshake();
    await session.request('tools/call', { ...CALL, requestState: 'forged by a handshake client' });
    await session.close();
    expect(upstream.calls.filter(({ body }) => body.includes('forged by a handshake client'))).toEqual([]);
  });

  test('an argument that only JavaScript takes for the same', async () => {
    const send = async (n: string, more: string) => {
      const text = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ask","arguments":{"n":${n}},"_meta":${JSON.stringify(META_MEMBERS)}${more}}}`;
      const headers = { 'mcp-protocol-version': MODERN, 'mcp-method': 'tools/call', 'mcp-name': 'ask' };
      return (await rpc(gateway.url).send(text, { headers })).messages[0]!;
    };
    const { result } = await send('9007199254740993', '');
    const state = JSON.stringify(result!['requestState']);
    expect(await attempt(() => send('9007199254740992', `,"requestState":${state}`))).toEqual(REFUSED);
  });
});
