import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startGateway, type RunningGateway } from '../../e2e/support/gateway.ts';
import { rpc, type RawSession } from '../../e2e/support/raw-client.ts';
import { openTool, sendHttp, startRecordingServer, toError, toResult, type RecordingServer } from '../servers/recording-server.ts';
import { callTool, untilState } from '../support/observe.ts';
import { META_MEMBERS, MODERN } from './support/calls.ts';

// I2: what is kept for one caller is not given to another, and what is no lasting answer is not kept.
// https://modelcontextprotocol.io/specification/2026-07-28/server/utilities/caching

const HINTS: Readonly<Record<string, object>> = {
  'r:private': { ttlMs: 60_000, cacheScope: 'private' },
  'r:public': { ttlMs: 60_000, cacheScope: 'public' },
  'r:stale': { ttlMs: 0, cacheScope: 'public' },
  'r:negative': { ttlMs: -1, cacheScope: 'public' },
  'r:text': { ttlMs: '60000', cacheScope: 'public' },
  'r:infinite': { ttlMs: null, cacheScope: 'public' },
  'r:shouting': { ttlMs: 60_000, cacheScope: 'PUBLIC' },
  'r:list': { ttlMs: 60_000, cacheScope: ['public'] },
  'r:unscoped': { ttlMs: 60_000 },
  'r:silent': {},
  'r:asks': { ttlMs: 60_000, cacheScope: 'public', resultType: 'input_required', requestState: 'x' },
};
const TOOLS = ['kept', 'fails', 'errs', 'asks', 'not-kept'];

let upstream: RecordingServer;
let gateway: RunningGateway;
let served = 0;

beforeAll(async () => {
  upstream = await startRecordingServer({
    tools: TOOLS.map((name) => openTool(name)),
    resources: Object.keys(HINTS).map((uri) => ({ uri, name: uri })),
    answer: ({ message, method }, socket) => {
      const { id, params = {} } = message;
      const text = `answer ${++served}`;
      if (method === 'resources/read') {
        const uri = String(params['uri']);
        sendHttp(socket, 200, toResult(id, { resultType: 'complete', contents: [{ uri, text }], ...HINTS[uri] }));
        return true;
      }
      if (method !== 'tools/call') return false;
      const isRetry = params['requestState'] !== undefined;
      const asked = { resultType: 'input_required', requestState: `state of ${text}`, content: [{ type: 'text', text }] };
      if (params['name'] === 'errs') sendHttp(socket, 200, toError(id, -32000, text));
      else if (params['name'] === 'asks' && !isRetry) sendHttp(socket, 200, toResult(id, asked));
      else
        sendHttp(
          socket,
          200,
          toResult(id, { resultType: 'complete', isError: params['name'] === 'fails', content: [{ type: 'text', text }] }),
        );
      return true;
    },
  });
  const cache = { tools: TOOLS.filter((name) => name !== 'not-kept'), ttlMs: 60_000 };
  gateway = await startGateway({ config: { mcpServers: { web: { url: upstream.url, health: { intervalMs: 86_400_000 }, cache } } } });
  await untilState(gateway, 'web', 'ready');
});

afterAll(async () => {
  await gateway.stop();
  await upstream[Symbol.asyncDispose]();
});

beforeEach(() => {
  served = 0;
});

async function clients(): Promise<readonly [RawSession, RawSession, RawSession]> {
  return [rpc(gateway.url).modern(), rpc(gateway.url).modern(), await rpc(gateway.url).handshake()];
}

describe('I2: resources', () => {
  async function readBy(session: RawSession, uri: string): Promise<unknown> {
    const { result, error } = await session.request('resources/read', { uri });
    return (result?.['contents'] as readonly { readonly text: string }[] | undefined)?.[0]?.text ?? error?.message;
  }

  test.each(Object.keys(HINTS).filter((uri) => uri !== 'r:public' && uri !== 'r:asks'))(
    '%s: each caller has an answer of its own',
    async (uri) => {
      const [first, second, third] = await clients();
      const readsBefore = upstream.seen.length;
      const answers = new Set<unknown>();
      for (const session of [first, second, first, third]) answers.add(await readBy(session, uri));
      await third.close();
      expect(upstream.seen.length - readsBefore).toBe(4);
      expect(answers.size).toBe(4);
    },
  );

  test('r:asks: a question is not kept, whatever it says of itself', async () => {
    const readsBefore = upstream.seen.length;
    for (let round = 0; round < 3; round++) await readBy(rpc(gateway.url).modern(), 'r:asks');
    expect(upstream.seen.length - readsBefore).toBe(3);
  });

  test('r:public: one answer serves all', async () => {
    const [first, second, third] = await clients();
    const readsBefore = upstream.seen.length;
    const answers = new Set<unknown>();
    for (const session of [first, second, first, third]) answers.add(await readBy(session, 'r:public'));
    await third.close();
    expect([...answers]).toEqual([expect.stringMatching(/^answer \d+$/)]);
    expect(upstream.seen.length - readsBefore).toBe(1);
  });
});

describe('I2: tools', () => {
  const textOf = async (session: RawSession, name: string, args: Readonly<Record<string, unknown>>) => {
    const { text, error } = await callTool(session, name, args);
    return text ?? error?.message;
  };

  /** Calls with the very bytes of the arguments, and what goes beside them. */
  async function callWith(args: string, { name = 'kept', params = '', meta = {} } = {}): Promise<string | undefined> {
    const body = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"${name}","arguments":${args}${params},"_meta":${JSON.stringify({ ...META_MEMBERS, ...meta })}}}`;
    const headers = { 'mcp-protocol-version': MODERN, 'mcp-method': 'tools/call', 'mcp-name': name };
    const { messages } = await rpc(gateway.url).send(body, { headers });
    return (messages[0]!.result?.['content'] as readonly { readonly text: string }[] | undefined)?.[0]?.text;
  }

  async function countCalls(work: () => Promise<unknown>): Promise<number> {
    const callsBefore = upstream.calls.length;
    await work();
    return upstream.calls.length - callsBefore;
  }

  test('what the operator says depends on its arguments alone is kept, for all, by its arguments', async () => {
    const [first, second, third] = await clients();
    const answers = [];
    for (const session of [first, second, third]) answers.push(await textOf(session, 'kept', { a: 1, b: 2 }));
    await third.close();
    expect(answers).toEqual(['answer 1', 'answer 1', 'answer 1']);
    expect(await callWith('{ "b":2,"a":1 }')).toBe('answer 1');
    expect(await textOf(first, 'kept', { a: 1, b: 3 })).toBe('answer 2');
  });

  test.each(['fails', 'errs', 'asks', 'not-kept'])('%s: every call has an answer of its own', async (name) => {
    const [first, second] = await clients();
    expect(
      await countCalls(async () => {
        for (const session of [first, second, first]) await textOf(session, name, { a: name });
      }),
    ).toBe(3);
  });

  test('the answer to a later round of a call is not kept as the answer to the first', async () => {
    const session = rpc(gateway.url).modern();
    const params = { name: 'asks', arguments: { a: 'rounds' } };
    const { result: question } = await session.request('tools/call', params);
    expect(question).toMatchObject({ resultType: 'input_required', requestState: expect.any(String) as unknown });
    const { result: answer } = await session.request('tools/call', { ...params, requestState: question!['requestState'] });
    expect(answer).toMatchObject({ resultType: 'complete', content: [{ text: 'answer 2' }] });
    expect((await session.request('tools/call', params)).result).toMatchObject({
      resultType: 'input_required',
      content: [{ text: 'answer 3' }],
    });
  });

  test('a later round is not answered from memory', async () => {
    const args = '{"a":"later"}';
    const kept = await callWith(args);
    expect(await callWith(args)).toBe(kept);
    for (const params of [',"inputResponses":{}', ',"inputResponses":{"x":{}},"requestState":"forged"', ',"requestState":"forged"']) {
      expect([params, await callWith(args, { params })]).not.toEqual([params, kept]);
    }
  });

  test.each([
    ['large numbers that JavaScript rounds to one', '{"n":9007199254740993}', '{"n":9007199254740992}'],
    ['fractions that JavaScript rounds to one', '{"n":0.1}', '{"n":0.10000000000000000001}'],
    ['a number and its negative nothing', '{"n":0}', '{"n":-0}'],
    ['numbers beyond all bounds', '{"n":1e400}', '{"n":1e401}'],
    ['a number and a text', '{"n":1}', '{"n":"1"}'],
    ['null and nothing', '{"n":null}', '{}'],
    ['a list and an object', '{"n":["a"]}', '{"n":{"0":"a"}}'],
    ['text with a lone half of a character', '{"n":"\\ud800"}', '{"n":"\\ufffd"}'],
    ['a key that objects have', '{"__proto__":{"n":1}}', '{"n":1}'],
    ['text that looks like the end of the key', '{"n":"}\\u0000"}', '{"n":"}"}'],
  ])('%s are kept apart', async (what, left, right) => {
    const inText = (args: string) => args.replace('{', `{"what":${JSON.stringify(what)}${args === '{}' ? '' : ','}`);
    const [first, second] = [await callWith(inText(left)), await callWith(inText(right))];
    expect(first).not.toBe(second);
    expect([await callWith(inText(left)), await callWith(inText(right))]).toEqual([first, second]);
  });

  test('what goes beside a call and may change its answer keeps answers apart', async () => {
    const args = '{"a":"beside"}';
    const german = { 'com.example/locale': 'de' };
    const answers = [
      await callWith(args),
      await callWith(args, { meta: german }),
      await callWith(args, { meta: { 'com.example/locale': 'en' } }),
    ];
    expect(new Set(answers).size).toBe(3);
    expect(await callWith(args, { meta: german })).toBe(answers[1]);
  });

  test('what says who calls, how urgent it is and where it is traced does not', async () => {
    const args = '{"a":"hop"}';
    const metas = [
      { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', tracestate: 'a=b', baggage: 'c=d' },
      { 'signalbox.dev/priority': 'batch', 'signalbox.dev/timeoutMs': 5_000, progressToken: 1 },
      { 'io.modelcontextprotocol/clientInfo': { name: 'other', version: '2' }, 'io.modelcontextprotocol/logLevel': 'error' },
    ];
    const first = await callWith(args);
    for (const meta of metas) expect(await callWith(args, { meta })).toBe(first);
  });
});
