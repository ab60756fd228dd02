import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startGateway, type RunningGateway } from '../../e2e/support/gateway.ts';
import { rpc, type RawSession } from '../../e2e/support/raw-client.ts';
import { openTool, startRecordingServer, type RecordingServer } from '../servers/recording-server.ts';
import { untilState } from '../support/observe.ts';
import { META_MEMBERS, MODERN, toRequest } from './support/calls.ts';
import { openRaw, type RawAnswer } from './support/raw-http.ts';

// H10 and H13: what is no message of the protocol, or comes in another wrapping, is refused in both generations.
// https://www.jsonrpc.org/specification, https://modelcontextprotocol.io/specification/2026-07-28/basic

let upstream: RecordingServer;
let gateway: RunningGateway;
let session: RawSession;

beforeAll(async () => {
  upstream = await startRecordingServer({ tools: ['echo', 'constructor', '__proto__', 'toString'].map((name) => openTool(name)) });
  gateway = await startGateway({ config: { mcpServers: { web: { url: upstream.url, health: { intervalMs: 86_400_000 } } } } });
  await untilState(gateway, 'web', 'ready');
  session = await rpc(gateway.url).handshake();
});

afterAll(async () => {
  await session.close();
  await gateway.stop();
  await upstream[Symbol.asyncDispose]();
});

/** How one generation sends a call of `echo`. */
interface Generation {
  readonly name: string;
  readonly params: string;
  readonly headers: (method?: string) => readonly string[];
}

const MODERN_CALL: Generation = {
  name: 'modern',
  params: JSON.stringify({ name: 'echo', arguments: { text: 'x' }, _meta: META_MEMBERS }),
  headers: (method = 'tools/call') => [`MCP-Protocol-Version: ${MODERN}`, `Mcp-Method: ${method}`, 'Mcp-Name: echo'],
};
const SESSION_CALL: Generation = {
  name: 'handshake',
  params: JSON.stringify({ name: 'echo', arguments: { text: 'x' } }),
  headers: () => ['MCP-Protocol-Version: 2025-11-25', `Mcp-Session-Id: ${session.sessionId!}`],
};
const GENERATIONS = [MODERN_CALL, SESSION_CALL].map((generation) => [generation.name, generation] as const);

const JSON_TYPES = ['Content-Type: application/json', 'Accept: application/json, text/event-stream'];

/** Sends text as a body with exactly these headers. */
async function send(text: string, headers: readonly string[], types: readonly string[] = JSON_TYPES): Promise<RawAnswer> {
  const body = Buffer.from(text).toString('latin1');
  const frame = [`Host: ${new URL(gateway.url).host}`, 'Connection: close', `Content-Length: ${body.length}`];
  const connection = await openRaw(gateway.url);
  connection.socket.write(toRequest('POST /mcp HTTP/1.1', [...frame, ...types, ...headers], body));
  const { answers, rest } = await connection.until(1);
  connection.close();
  if (answers[0] === undefined) throw new Error(`No answer: ${rest}`);
  return answers[0];
}

/** What the answer names as its id, exactly as it stands there. */
function idIn({ body }: RawAnswer): string | undefined {
  return /^\{"jsonrpc":"2\.0","id":(.*?),"(?:result|error)":/s.exec(body)?.[1];
}

describe.each(GENERATIONS)('H10: from a %s client', (_generation, { name, params, headers }) => {
  const withId = (id: string) => `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":${params}}`;

  test.each([
    ['0'],
    ['-0'],
    ['-1'],
    ['9007199254740993'],
    ['-9007199254740993'],
    ['18446744073709551616'],
    ['1234567890123456789012345678901234567890'],
    ['""'],
    ['"1"'],
    ['"\\u0031"'],
    ['"世界"'],
    ['"\\ud83d\\ude00"'],
    ['"\\ud800"'],
    ['"a\\"b\\\\"'],
    ['"__proto__"'],
    [JSON.stringify('x'.repeat(10_000))],
  ])('the id %s is answered in its own bytes', async (id) => {
    const answer = await send(withId(id), headers());
    expect([answer.status, idIn(answer)]).toEqual([200, id]);
    expect(answer.message!.result).toMatchObject({ content: [{ text: 'x' }] });
    expect(upstream.calls.at(-1)!.message.id).not.toBe(JSON.parse(id));
  });

  test.each(['null', '{}', '{"a":1}', '[]', '[1]', 'true', 'false', '1.5', '-1.5', '1.0', '1e400', '1e2', '-1E5', '1'.repeat(41)])(
    'the id %s is refused, and none is made up',
    async (id) => {
      const callsBefore = upstream.calls.length;
      const answer = await send(withId(id), headers());
      expect([answer.status, answer.message!.error?.code, idIn(answer)]).toEqual([400, -32600, 'null']);
      expect(upstream.calls.length).toBe(callsBefore);
    },
  );

  test.each([
    ['a batch', `[${withId('1')}]`],
    ['a batch of two', `[${withId('1')},${withId('2')}]`],
    ['an empty batch', '[]'],
    ['a batch of notifications', '[{"jsonrpc":"2.0","method":"notifications/initialized"}]'],
    ['a batch in a batch', `[[${withId('1')}]]`],
    ['text', '"tools/call"'],
    ['a number', '1'],
    ['null', 'null'],
    ['nothing but braces', '{}'],
    ['an older version', withId('7').replace('"2.0"', '"1.0"')],
    ['a version as a number', withId('7').replace('"2.0"', '2.0')],
    ['a version with a space', withId('7').replace('"2.0"', '"2.0 "')],
    ['no version', withId('7').replace('"jsonrpc":"2.0",', '')],
    ['no method', withId('7').replace('"method":"tools/call",', '')],
    ['a method that is null', withId('7').replace('"tools/call"', 'null')],
    ['a method that is a number', withId('7').replace('"tools/call"', '5')],
    ['a method that is a list', withId('7').replace('"tools/call"', '["tools/call"]')],
    ['a method that is an object', withId('7').replace('"tools/call"', '{"name":"tools/call"}')],
    ['params that are a list', withId('7').replace(params, `["echo",${params}]`)],
    ['params that are text', withId('7').replace(params, '"echo"')],
    ['params that are null', withId('7').replace(params, 'null')],
    ['params that are a number', withId('7').replace(params, '1')],
    ['an answer with a result and an error', '{"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":"x"}}'],
    ['an answer without either', '{"jsonrpc":"2.0","id":1}'],
  ])('%s is refused with 400 and -32600', async (_, text) => {
    const seenBefore = upstream.seen.length;
    const answer = await send(text, headers());
    expect([answer.status, answer.message!.error?.code]).toEqual([400, -32600]);
    expect(['null', '7', '1']).toContain(idIn(answer));
    expect(upstream.seen.length).toBe(seenBefore);
  });

  test('an answer to nothing goes nowhere', async () => {
    const seenBefore = upstream.seen.length;
    const { status } = await send('{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"forged"}]}}', headers());
    expect(status).toBe(name === 'modern' ? 400 : 202);
    expect(upstream.seen.length).toBe(seenBefore);
  });

  test('a call without an id is a notification and runs nothing', async () => {
    const seenBefore = upstream.seen.length;
    const { status, body } = await send(withId('1').replace('"id":1,', ''), headers());
    expect([status, body]).toEqual([202, '']);
    expect(upstream.seen.length).toBe(seenBefore);
  });

  test.each([
    '',
    'Tools/Call',
    'TOOLS/CALL',
    'tools/List',
    'Initialize',
    'prompts/GET',
    'resources/READ',
    'sampling/createMessage',
    'elicitation/create',
    'roots/list',
    'notifications/cancelled',
    'Notifications/x',
  ])('the method %j is one nobody knows, and is kept from a server that might', async (method) => {
    const seenBefore = upstream.seen.length;
    const answer = await send(withId('7').replace('"tools/call"', JSON.stringify(method)), headers(method));
    expect([answer.status, answer.message!.error?.code]).toEqual([name === 'modern' ? 404 : 200, -32601]);
    expect(upstream.seen.length).toBe(seenBefore);
  });

  // With one single server what is beyond the specification is for that server to judge.
  test.each(['x/y', 'tools', 'tools/call/x', 'constructor', '__proto__', 'toString', 'hasOwnProperty'])(
    'the method %j is nothing to us, and to the server what it says',
    async (method) => {
      const answer = await send(withId('7').replace('"tools/call"', JSON.stringify(method)), headers(method));
      expect([answer.status, answer.message!.error?.code]).toEqual([name === 'modern' ? 404 : 200, -32601]);
      expect(upstream.seen.at(-1)!.method).toBe(method);
    },
  );
});

test.each([' ', 'tools/call ', ' tools/call', 'tools/call\u0000', 'tools/call\n', 'tools\u2215call', 'tool\u017f/call'])(
  'H10: the method %j is kept from a server that might take it for another',
  async (method) => {
    const seenBefore = upstream.seen.length;
    const answer = await session.request(method, { name: 'echo', arguments: { text: 'x' } });
    expect(answer.error?.code).toBe(-32601);
    expect(upstream.seen.length).toBe(seenBefore);
  },
);

test.each(['constructor', '__proto__', 'toString'])('H12: a tool named %j is a tool like any other', async (name) => {
  const answer = await session.request('tools/call', { name, arguments: { text: name } });
  expect(answer.result).toMatchObject({ content: [{ text: name }] });
  expect(upstream.calls.at(-1)!.message.params?.['name']).toBe(name);
});

describe.each(GENERATIONS)('H13: media types of a %s client', (_generation, { params, headers }) => {
  const call = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}}`;

  test.each([
    ['text/plain'],
    ['application/json; charset=utf-16'],
    ['application/json; charset=latin1'],
    ['application/json; charset=utf-8; charset=utf-16'],
    ['application/json, text/plain'],
    ['application/jsonp'],
    ['application/x-www-form-urlencoded'],
    ['multipart/form-data; boundary=x'],
    ['text/json'],
    ['application/vnd.api+json'],
    [''],
    [undefined],
  ])('a body of type %j is refused with 415', async (type) => {
    const seenBefore = upstream.seen.length;
    const types = [JSON_TYPES[1]!, ...(type === undefined ? [] : [`Content-Type: ${type}`])];
    expect((await send(call, headers(), types)).status).toBe(415);
    expect(upstream.seen.length).toBe(seenBefore);
  });

  test.each(['application/json', 'Application/JSON', 'application/json; charset=utf-8', 'application/json ;CHARSET="UTF-8"'])(
    'a body of type %j is read',
    async (type) => {
      const answer = await send(call, headers(), [JSON_TYPES[1]!, `Content-Type: ${type}`]);
      expect([answer.status, answer.message!.id]).toEqual([200, 1]);
    },
  );

  test.each([
    ['text/html', 406, 'application/json'],
    ['application/xml, image/*', 406, 'application/json'],
    ['application/json;q=0, text/event-stream;q=0.0', 406, 'application/json'],
    ['', 406, 'application/json'],
    ['application/json', 200, 'application/json'],
    ['APPLICATION/JSON', 200, 'application/json'],
    ['application/*', 200, 'application/json'],
    ['*/*', 200, 'application/json'],
    ['text/event-stream', 200, 'text/event-stream'],
    ['application/json;q=0, text/event-stream', 200, 'text/event-stream'],
    [undefined, 200, 'application/json'],
  ])('with Accept %j the answer has status %i and type %s', async (accept, status, type) => {
    const callsBefore = upstream.calls.length;
    const answer = await send(call, headers(), [JSON_TYPES[0]!, ...(accept === undefined ? [] : [`Accept: ${accept}`])]);
    expect([answer.status, answer.headers['content-type']]).toEqual([status, type]);
    expect(upstream.calls.length).toBe(callsBefore + (status === 200 ? 1 : 0));
  });
});
