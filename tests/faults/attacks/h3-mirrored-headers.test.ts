import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startGateway, type RunningGateway } from '../../e2e/support/gateway.ts';
import { rpc } from '../../e2e/support/raw-client.ts';
import { openTool, startRecordingServer, type RecordingServer } from '../servers/recording-server.ts';
import { untilState } from '../support/observe.ts';
import { META_MEMBERS, MODERN, toRequest } from './support/calls.ts';
import { openRaw, type RawAnswer } from './support/raw-http.ts';

// H3, H4 and H6: others on the way may decide on the headers, so headers and body must say the same, towards us and from us.
// https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#server-validation

const HOSTILE_NAMES = ['世界', ' padded ', 'a\r\nX-Injected: y', '=?base64?eA==?=', 'tab\tin', '\u007f', 'é'];

let upstream: RecordingServer;
let gateway: RunningGateway;

beforeAll(async () => {
  const mark = (type: string, header: string) => ({ type, 'x-mcp-header': header });
  const properties = {
    region: mark('string', 'Region'),
    size: mark('integer', 'Size'),
    dry: mark('boolean', 'Dry'),
    deep: { type: 'object', properties: { tag: mark('string', 'Tag') } },
  };
  const marked = openTool('marked', { inputSchema: { type: 'object', properties } });
  upstream = await startRecordingServer({ tools: [...['safe', 'evil', ...HOSTILE_NAMES].map((name) => openTool(name)), marked] });
  gateway = await startGateway({ config: { mcpServers: { web: { url: upstream.url, health: { intervalMs: 86_400_000 } } } } });
  await untilState(gateway, 'web', 'ready');
});

afterAll(async () => {
  await gateway.stop();
  await upstream[Symbol.asyncDispose]();
});

interface Message {
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly meta?: Readonly<Record<string, unknown>>;
}

/** Sends a message with exactly these headers beside those of HTTP. Values are Latin-1 text. */
async function send({ method = 'tools/call', params = {}, meta = META_MEMBERS }: Message, headers: readonly string[]): Promise<RawAnswer> {
  const text = JSON.stringify({ jsonrpc: '2.0', id: 7, method, params: { ...params, _meta: meta } });
  const body = Buffer.from(text).toString('latin1');
  const frame = [
    `Host: ${new URL(gateway.url).host}`,
    'Content-Type: application/json',
    'Accept: application/json, text/event-stream',
    `Content-Length: ${body.length}`,
    'Connection: close',
  ];
  const connection = await openRaw(gateway.url);
  connection.socket.write(toRequest('POST /mcp HTTP/1.1', [...frame, ...headers], body));
  const { answers, rest } = await connection.until(1);
  connection.close();
  if (answers[0] === undefined) throw new Error(`No answer: ${rest}`);
  return answers[0];
}

const sentinel = (text: string) => `=?base64?${Buffer.from(text).toString('base64')}?=`;
const VERSION = `MCP-Protocol-Version: ${MODERN}`;
const METHOD = 'Mcp-Method: tools/call';
const named = (name: string) => [VERSION, METHOD, `Mcp-Name: ${name}`];
const safe: Message = { params: { name: 'safe', arguments: {} } };
const marked = (args: object): Message => ({ params: { name: 'marked', arguments: args } });

const REFUSED = {
  status: 400,
  message: { id: 7, error: { code: -32020, message: expect.stringMatching(/^Cannot accept /) as unknown } },
  requests: 0,
};

/** Sends it and returns the answer with the number of requests that went upstream meanwhile. */
async function attempt(message: Message, headers: readonly string[]): Promise<RawAnswer & { readonly requests: number }> {
  const seenBefore = upstream.seen.length;
  const answer = await send(message, headers);
  return { ...answer, requests: upstream.seen.length - seenBefore };
}

describe('H3: headers that differ from the body are refused with 400 and -32020', () => {
  test.each<[string, Message, readonly string[]]>([
    ['another name', { params: { name: 'evil', arguments: {} } }, named('safe')],
    ['a name in other letters', safe, named('Safe')],
    ['a name with something behind it', safe, named('safe2')],
    ['no name', safe, [VERSION, METHOD]],
    ['an empty name', safe, named('')],
    ['two names, the right one first', safe, [...named('safe'), 'Mcp-Name: evil']],
    ['two names, the right one last', safe, [...named('evil'), 'Mcp-Name: safe']],
    ['another method', safe, [VERSION, 'Mcp-Method: tools/list', 'Mcp-Name: safe']],
    ['a method in other letters', safe, [VERSION, 'Mcp-Method: Tools/Call', 'Mcp-Name: safe']],
    ['no method', safe, [VERSION, 'Mcp-Name: safe']],
    ['two methods', safe, [...named('safe'), 'Mcp-Method: tools/list']],
    ['a method in base64', safe, [VERSION, `Mcp-Method: ${sentinel('tools/call')}`, 'Mcp-Name: safe']],
    ['no version', safe, [METHOD, 'Mcp-Name: safe']],
    ['an older version', safe, ['MCP-Protocol-Version: 2025-11-25', METHOD, 'Mcp-Name: safe']],
    ['an unknown version', safe, ['MCP-Protocol-Version: 1999-01-01', METHOD, 'Mcp-Name: safe']],
    ['two versions', safe, [...named('safe'), 'MCP-Protocol-Version: 2025-11-25']],
    [
      'a newer version than the body',
      { ...safe, meta: { ...META_MEMBERS, 'io.modelcontextprotocol/protocolVersion': '2025-11-25' } },
      named('safe'),
    ],
    [
      'another version than an unknown one in the body',
      { ...safe, meta: { ...META_MEMBERS, 'io.modelcontextprotocol/protocolVersion': '2099-01-01' } },
      named('safe'),
    ],
    ['another name in base64', safe, named(sentinel('evil'))],
    ['the right name in base64 with large letters in its markers', safe, named(sentinel('safe').replace('base64', 'BASE64'))],
    ['the right name in base64 without an end', safe, named(sentinel('safe').slice(0, -2))],
    ['base64 with a letter that is none', safe, named('=?base64?c2Fm*Q==?=')],
    ['base64 that is cut', safe, named('=?base64?c2Fm?==?=')],
    ['base64 with a space in it', safe, named('=?base64?c2 FmZQ==?=')],
    ['base64 of another alphabet', { params: { name: '??>', arguments: {} } }, named('=?base64?Pz8-?=')],
    ['base64 of bytes that are no UTF-8', { params: { name: '\ufffd', arguments: {} } }, named('=?base64?/w==?=')],
    ['base64 of nothing', safe, named('=?base64??=')],
    ['a name beyond ASCII as it is', { params: { name: '世界', arguments: {} } }, named(Buffer.from('世界').toString('latin1'))],
    [
      'another address',
      { method: 'resources/read', params: { uri: 'a:evil' } },
      [VERSION, 'Mcp-Method: resources/read', 'Mcp-Name: a:safe'],
    ],
    ['no address', { method: 'resources/read', params: { uri: 'a:evil' } }, [VERSION, 'Mcp-Method: resources/read']],
    ['another prompt', { method: 'prompts/get', params: { name: 'evil' } }, [VERSION, 'Mcp-Method: prompts/get', 'Mcp-Name: safe']],
  ])('%s', async (_, message, headers) => {
    expect(await attempt(message, headers)).toMatchObject(REFUSED);
  });

  test.each<[string, object, readonly string[]]>([
    ['another argument', { region: 'us' }, ['Mcp-Param-Region: eu']],
    ['an argument in other letters', { region: 'us' }, ['Mcp-Param-Region: US']],
    ['an argument that is absent', {}, ['Mcp-Param-Region: eu']],
    ['an argument that is null', { region: null }, ['Mcp-Param-Region: null']],
    ['nothing for an argument', { region: 'us' }, []],
    ['two values for one argument', { region: 'us' }, ['Mcp-Param-Region: us', 'Mcp-Param-Region: eu']],
    ['another argument in base64', { region: 'us' }, [`Mcp-Param-Region: ${sentinel('eu')}`]],
    ['base64 that is none', { region: 'us' }, ['Mcp-Param-Region: =?base64?*?=']],
    ['another number', { size: 42 }, ['Mcp-Param-Size: 43']],
    ['a number in hexadecimal', { size: 42 }, ['Mcp-Param-Size: 0x2a']],
    ['a number with a unit', { size: 42 }, ['Mcp-Param-Size: 42k']],
    ['a number with a fraction', { size: 42 }, ['Mcp-Param-Size: 42.5']],
    ['an empty number', { size: 0 }, ['Mcp-Param-Size: ']],
    ['a number beyond 2^53 that rounds to the same', { size: 2 ** 53 }, ['Mcp-Param-Size: 9007199254740993']],
    ['the other truth', { dry: true }, ['Mcp-Param-Dry: false']],
    ['truth in other letters', { dry: true }, ['Mcp-Param-Dry: True']],
    ['truth as a number', { dry: true }, ['Mcp-Param-Dry: 1']],
    ['another nested argument', { deep: { tag: 'a' } }, ['Mcp-Param-Tag: b']],
    ['nothing for a nested argument', { deep: { tag: 'a' } }, []],
  ])('an argument: %s', async (_, args, headers) => {
    expect(await attempt(marked(args), [...named('marked'), ...headers])).toMatchObject(REFUSED);
  });

  test.each<[string, object, readonly string[]]>([
    ['the same text', { region: 'us' }, ['Mcp-Param-Region: us']],
    ['the same text in base64', { region: 'us' }, [`Mcp-Param-Region: ${sentinel('us')}`]],
    ['the same number with a fraction of nothing', { size: 42 }, ['Mcp-Param-Size: 42.0']],
    ['the same number in base64', { size: -7 }, [`Mcp-Param-Size: ${sentinel('-7')}`]],
    ['the same truth', { dry: false }, ['Mcp-Param-Dry: false']],
    ['nothing for nothing, and nothing for null', { region: null }, []],
    ['a header that repeats no argument', {}, ['Mcp-Param-Other: x']],
  ])('accepted: %s', async (_, args, headers) => {
    const answer = await send(marked(args), [...named('marked'), ...headers]);
    expect(answer).toMatchObject({ status: 200, message: { id: 7 } });
    expect(answer.message!.error).toBeUndefined();
  });
});

describe('H4: names of headers', () => {
  test.each([
    ['small', (line: string) => line.replace(/^[^:]+/, (name) => name.toLowerCase())],
    ['large', (line: string) => line.replace(/^[^:]+/, (name) => name.toUpperCase())],
    [
      'mixed',
      (line: string) => line.replace(/^[^:]+/, (name) => name.replace(/[a-z]/g, (c, at: number) => (at % 2 ? c.toUpperCase() : c))),
    ],
  ])('in %s letters are the same names', async (_, write) => {
    const lines = [...named('marked'), 'Mcp-Param-Region: us'].map(write);
    expect(lines).not.toContain(VERSION);
    expect(await send(marked({ region: 'us' }), lines)).toMatchObject({ status: 200, message: { id: 7 } });
    expect(await attempt(marked({ region: 'us' }), [...named('marked'), 'Mcp-Param-Region: eu'].map(write))).toMatchObject(REFUSED);
  });
});

/** What a header says, as the specification tells servers to read it. */
function decode(value: string): string {
  const coded = /^=\?base64\?(.*)\?=$/s.exec(value)?.[1];
  return coded === undefined ? value : Buffer.from(coded, 'base64').toString();
}

const OURS = ['host', 'accept', 'accept-encoding', 'content-type', 'content-length', 'mcp-protocol-version', 'mcp-method', 'mcp-name'];

describe('H6: values that could be taken for headers reach the upstream in base64', () => {
  const VALUES = [
    'a\r\nX-Injected: y',
    'a\nb',
    'a\rb',
    '\r\n\r\nGET /admin HTTP/1.1\r\n\r\n',
    '世界',
    'é',
    ' padded ',
    '\tpadded',
    '=?base64?x?=',
    '=?base64?eA==?=',
    '=?base64??=',
    'a\0b',
    'a\u007fb',
    '\u0085',
    '\u2028',
    '\ufeff',
    '😀',
    '',
  ];
  const clients = [
    ['modern', async (value: string) => send(marked({ region: value }), [...named('marked'), `Mcp-Param-Region: ${sentinel(value)}`])],
    [
      'handshake',
      async (value: string) => {
        const session = await rpc(gateway.url).handshake();
        const message = await session.request('tools/call', { name: 'marked', arguments: { region: value } });
        await session.close();
        return { status: message.error === undefined ? 200 : 400 };
      },
    ],
  ] as const;

  test.each(clients)('arguments of a %s client', async (_, call) => {
    for (const value of VALUES) {
      expect(await call(value)).toMatchObject({ status: 200 });
      const seen = upstream.calls.at(-1)!;
      const [header, ...others] = seen.headers('mcp-param-region');
      expect([value, header, others]).toEqual([value, expect.stringMatching(/^=\?base64\?[A-Za-z0-9+/]*={0,2}\?=$/), []]);
      expect(decode(header!)).toBe(value);
      expect(seen.arguments).toEqual({ region: value });
      expect(seen.headerNames().map((name) => name.toLowerCase())).toEqual(expect.arrayContaining(OURS));
      expect(seen.headerNames().filter((name) => !OURS.includes(name.toLowerCase()))).toEqual(['mcp-param-Region']);
    }
  });

  test.each(HOSTILE_NAMES)('the name %j', async (name) => {
    const header = `Mcp-Name: ${sentinel(name)}`;
    expect(await send({ params: { name, arguments: {} } }, [VERSION, METHOD, header])).toMatchObject({ status: 200, message: { id: 7 } });
    const seen = upstream.calls.at(-1)!;
    expect(seen.headers('mcp-name').map(decode)).toEqual([name]);
    expect(seen.headers('mcp-name')[0]).toMatch(/^[\t\x20-\x7e]+$/);
    expect(seen.message.params?.['name']).toBe(name);
    expect(seen.headerNames().filter((found) => !OURS.includes(found.toLowerCase()))).toEqual([]);
  });
});
