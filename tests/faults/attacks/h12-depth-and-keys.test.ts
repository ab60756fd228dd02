import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startGateway, type RunningGateway } from '../../e2e/support/gateway.ts';
import { rpc, type Exchange } from '../../e2e/support/raw-client.ts';
import { openTool, sendHttp, startRecordingServer, type Answer, type RecordingServer } from '../servers/recording-server.ts';
import { callTool, toolNames, untilState, upstreamOf } from '../support/observe.ts';
import { META_MEMBERS, MODERN } from './support/calls.ts';

// H12: JSON that one reader sees otherwise than another: too deep to be walked, keys named twice, keys that objects have
// by themselves. What is decided on must be what is sent.

const QUIET = { health: { intervalMs: 86_400_000 } };
const strict = { type: 'object', properties: { text: { type: 'string' } }, required: ['text'], additionalProperties: false };
// Names that every object of the language seems to have.
const inherited = { type: 'object', properties: { constructor: { type: 'string' }, text: {} }, required: ['valueOf'] };

let upstream: RecordingServer;
let gateway: RunningGateway;

beforeAll(async () => {
  const tools = [openTool('open'), openTool('strict', { inputSchema: strict }), openTool('inherited', { inputSchema: inherited })];
  upstream = await startRecordingServer({ tools });
  gateway = await startGateway({ config: { mcpServers: { web: { url: upstream.url, ...QUIET } } } });
  await untilState(gateway, 'web', 'ready');
});

afterAll(async () => {
  await gateway.stop();
  await upstream[Symbol.asyncDispose]();
});

const META = JSON.stringify(META_MEMBERS);

function send(text: string, name = 'open'): Promise<Exchange> {
  return rpc(gateway.url).send(text, { headers: { 'mcp-protocol-version': MODERN, 'mcp-method': 'tools/call', 'mcp-name': name } });
}

/** A call with the texts of its parts. */
function call(args: string, { name = 'open', params = '', meta = META, top = '' } = {}): string {
  return `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"${name}","arguments":${args},"_meta":${meta}${params}}${top}}`;
}

const lists = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
const objects = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
const mixed = (depth: number) => `${'[{"a":'.repeat(depth / 2)}1${'}]'.repeat(depth / 2)}`;

describe('H12: depth', () => {
  const PLACES: readonly (readonly [string, (value: string) => string])[] = [
    ['a whole body', (value) => value],
    ['the arguments', (value) => call(value)],
    ['an argument', (value) => call(`{"x":${value}}`)],
    ['another param', (value) => call('{}', { params: `,"x":${value}` })],
    ['what goes beside a call', (value) => call('{}', { meta: `${META.slice(0, -1)},"x":${value}}` })],
    ['another member of the message', (value) => call('{}', { top: `,"x":${value}` })],
    ['the id', (value) => call('{}').replace('"id":7', `"id":${value}`)],
    ['the method', (value) => call('{}').replace('"tools/call"', value)],
  ];

  test.each(PLACES)('100,000 levels in %s are refused', async (_, write) => {
    const seenBefore = upstream.seen.length;
    for (const value of [lists(100_000), objects(100_000), mixed(100_000)]) {
      const { status, messages } = await send(write(value));
      expect([status, messages[0]!.error?.code]).toEqual([400, -32600]);
    }
    expect(upstream.seen.length).toBe(seenBefore);
  });

  test('the limit itself is accepted, one more is not', async () => {
    // Message, params and arguments are three of the 64.
    for (const write of [lists, objects]) {
      const body = call(`{"x":${write(61)}}`);
      expect((await send(body)).status).toBe(200);
      expect(upstream.calls.at(-1)!.body.includes(write(61))).toBe(true);
      const { status, messages } = await send(call(`{"x":${write(62)}}`));
      expect([status, messages[0]!.error]).toMatchObject([400, { code: -32600, message: expect.stringContaining('64 levels') as unknown }]);
    }
  });

  test('brackets in text are no levels', async () => {
    expect((await send(call(`{"x":"${'['.repeat(1_000)}","y":"\\"${'{'.repeat(1_000)}"}`))).status).toBe(200);
  });

  test('the deepest limit that can be configured holds, too', async () => {
    await using deep = await startGateway({
      config: { limits: { maxDepth: 1_000 }, mcpServers: { web: { url: upstream.url, ...QUIET } } },
    });
    await untilState(deep, 'web', 'ready');
    const headers = { 'mcp-protocol-version': MODERN, 'mcp-method': 'tools/call', 'mcp-name': 'open' };
    for (const write of [lists, objects]) {
      const { status, messages } = await rpc(deep.url).send(call(`{"x":${write(997)}}`), { headers });
      expect([status, messages[0]!.error]).toEqual([200, undefined]);
      expect(upstream.calls.at(-1)!.body.includes(write(997))).toBe(true);
      expect((await rpc(deep.url).send(call(`{"x":${write(998)}}`), { headers })).status).toBe(400);
    }
  });
});

describe('H12: keys named twice', () => {
  const good = call('{"text":"x"}');
  const beside = (member: string) => call('{"text":"x"}', { top: `,${member}` });
  const inParams = (member: string) => call('{"text":"x"}', { params: `,${member}` });
  const inMeta = (members: string) => call('{}', { meta: `{${members},${META.slice(1)}` });

  test.each([
    ['jsonrpc', beside('"jsonrpc":"2.0"')],
    ['id', beside('"id":8')],
    ['method', beside('"method":"tools/list"')],
    ['method, the same', beside('"method":"tools/call"')],
    ['params', beside('"params":{"name":"strict"}')],
    ['method, written with an escape', beside('"meth\\u006fd":"tools/list"')],
    ['params, written with an escape', beside('"\\u0070arams":{"name":"strict"}')],
    ['name', inParams('"name":"strict"')],
    ['name, before the other', good.replace('"name":"open"', '"name":"strict","name":"open"')],
    ['name, written with an escape', inParams('"n\\u0061me":"strict"')],
    ['name, written with a large escape', inParams('"\\u006E\\u0061\\u006D\\u0065":"strict"')],
    ['arguments', inParams('"arguments":{"text":"y"}')],
    ['arguments, written with an escape', inParams('"arguments\\u0073":1,"argument\\u0073":{}')],
    ['_meta', inParams('"_meta":{}')],
    ['an argument', call('{"text":"x","text":"y"}')],
    ['an argument, written with an escape', call('{"text":"x","te\\u0078t":"y"}')],
    ['an argument, with white space between', call('{"text" : "x" ,\n"text"\t:"y"}')],
    ['an argument of another script', call('{"😀":1,"\\ud83d\\ude00":2}')],
    ['an argument with a slash', call('{"a/b":1,"a\\/b":2}')],
    ['an argument without a name', call('{"":1,"":2}')],
    ['an argument that is a number', call('{"1":1,"1":2}')],
    ['a nested argument', call('{"a":{"b":{"c":1,"c":2}}}')],
    ['a member in a list', call('{"a":[1,[{"b":1},{"b":1,"b":1}]]}')],
    ['a member behind a large list', call(`{"a":[${'1,'.repeat(5_000)}1],"b":1,"b":2}`)],
    ['__proto__', call('{"__proto__":1,"__proto__":2}')],
    ['__proto__, written with an escape', call('{"__proto__":{},"\\u005f_proto__":{}}')],
    ['a lone half of a character', call('{"\\ud800":1,"\\uD800":2}')],
    ['the revision', inMeta('"io.modelcontextprotocol/protocolVersion":"2025-11-25"')],
    ['the revision, written with an escape', inMeta('"io.modelcontextprotocol\\/protocolVersion":"2025-11-25"')],
    ['a member of _meta', inMeta('"x":1,"x":2')],
  ])('%s: refused', async (_, text) => {
    const seenBefore = upstream.seen.length;
    const { status, messages } = await send(text);
    expect([status, messages[0]!.error]).toMatchObject([
      400,
      { code: -32600, message: 'Cannot accept an object that names a member twice' },
    ]);
    expect(upstream.seen.length).toBe(seenBefore);
  });

  test.each([
    ['keys that differ by case', '{"text":1,"Text":2}'],
    ['keys that only look alike', '{"é":1,"e\u0301":2}'],
    ['keys that differ by a NUL', '{"a":1,"a\\u0000":2}'],
    ['the same key in other objects', '{"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}]}'],
    ['a key that stands in text', '{"a":"\\"a\\":1","b":"{\\"a\\":1,\\"a\\":2}"}'],
  ])('%s are not the same: accepted', async (_, args) => {
    expect((await send(call(args))).status).toBe(200);
    expect(upstream.calls.at(-1)!.body.includes(Buffer.from(`"arguments":${args}`))).toBe(true);
  });
});

describe('H12: keys that objects have by themselves', () => {
  const KEYS = [
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'hasOwnProperty',
    'valueOf',
    '__defineGetter__',
    'then',
    'toJSON',
    'length',
  ];

  test.each(KEYS)('%s reaches the upstream as it was written, in every place', async (key) => {
    const value = '{"text":"evil","isAdmin":true,"prototype":{"isAdmin":true}}';
    for (const args of [`{"${key}":${value},"text":"x"}`, `{"a":{"b":[{"${key}":${value}}]}}`, `{"${key}":null}`]) {
      const { status, messages } = await send(
        call(args, { params: `,"${key}":${value}`, meta: `${META.slice(0, -1)},"${key}":${value}}` }),
      );
      expect([status, messages[0]!.error]).toEqual([200, undefined]);
      const { body } = upstream.calls.at(-1)!;
      expect(body.includes(Buffer.from(`"arguments":${args}`))).toBe(true);
      const member = `"${key}":${value}`;
      const outside = body.toString().replace(`"arguments":${args}`, '');
      // In params, and in what goes beside the call.
      expect(outside.split(member).length - 1).toBe(2);
    }
  });

  test.each(KEYS)('%s does not pass for an argument of its schema', async (key) => {
    const callsBefore = upstream.calls.length;
    for (const args of [`{"${key}":{"text":"x"}}`, `{"${key}":"x","text":"x"}`]) {
      const { messages } = await send(call(args, { name: 'strict' }), 'strict');
      expect(messages[0]!.result).toMatchObject({ isError: true });
    }
    expect(upstream.calls.length).toBe(callsBefore);
  });

  test('what an object has by itself is no argument that was given', async () => {
    const callsBefore = upstream.calls.length;
    const missing = await send(call('{"text":"x"}', { name: 'inherited' }), 'inherited');
    expect(missing.messages[0]!.result).toMatchObject({ isError: true });
    expect(JSON.stringify(missing.messages[0]!.result)).toContain('valueOf');
    expect(JSON.stringify(missing.messages[0]!.result)).not.toContain('must be string');
    expect(upstream.calls.length).toBe(callsBefore);
    const given = await send(call('{"valueOf":1,"text":"x"}', { name: 'inherited' }), 'inherited');
    expect(given.messages[0]!.result).toMatchObject({ content: [{ text: 'x' }] });
  });

  test('after all that no object has become something else', async () => {
    const session = rpc(gateway.url).modern();
    expect((await callTool(session, 'strict', { text: 'hi' })).text).toBe('hi');
    expect(await toolNames(session)).toEqual(['open', 'strict', 'inherited']);
  });
});

describe('H12: what an upstream says', () => {
  /** Answers one method with a result given as text. */
  const answering = (method: string, result: string): Answer => {
    return (request, socket) => {
      if (request.method !== method) return false;
      sendHttp(socket, 200, `{"jsonrpc":"2.0","id":${String(request.message.id)},"result":${result}}`);
      return true;
    };
  };
  const resultOf = (value: string) =>
    `{"resultType":"complete","content":[{"type":"text","text":"deep"}],"structuredContent":${value},"_meta":{"x":${value}}}`;
  const toolsOf = (deep: string, flat: string) =>
    `{"resultType":"complete","tools":[${deep},${JSON.stringify(openTool(flat))}],"ttlMs":0,"cacheScope":"private"}`;
  const deepCapabilities = `{"resultType":"complete","supportedVersions":["${MODERN}"],"capabilities":{"tools":{},"x":${lists(20_000)}},"ttlMs":0,"cacheScope":"private"}`;

  test('however deep, is left out, passed on or refused with a reason, and harms nobody', async () => {
    await using good = await startRecordingServer();
    await using deepList = await startRecordingServer({
      tools: [openTool('lists')],
      answer: answering('tools/call', resultOf(lists(100_000))),
    });
    await using deepObject = await startRecordingServer({
      tools: [openTool('objects')],
      answer: answering('tools/call', resultOf(objects(100_000))),
    });
    const schema = `{"name":"deep","inputSchema":{"type":"object","properties":${objects(20_000)}}}`;
    await using deepSchema = await startRecordingServer({ answer: answering('tools/list', toolsOf(schema, 'flat')) });
    const annotation = `{"name":"deep","inputSchema":{"type":"object"},"_meta":{"x":${lists(20_000)}}}`;
    await using deepAnnotation = await startRecordingServer({ answer: answering('tools/list', toolsOf(annotation, 'smooth')) });
    await using deepDiscovery = await startRecordingServer({
      tools: [openTool('other')],
      answer: answering('server/discover', deepCapabilities),
    });
    const all = { good, deepList, deepObject, deepSchema, deepAnnotation, deepDiscovery };
    const mcpServers = Object.fromEntries(Object.entries(all).map(([name, { url }]) => [name, { url, ...QUIET }]));
    await using beside = await startGateway({ config: { mcpServers } });
    for (const name of Object.keys(all))
      await untilState(beside, name, 'ready', ...(name === 'deepDiscovery' ? (['failed'] as const) : []));

    for (const session of [rpc(beside.url).modern(), await rpc(beside.url).handshake()]) {
      for (const name of ['lists', 'objects']) {
        const { text, error } = await callTool(session, name);
        expect(text ?? error?.message).toMatch(/^(?:deep$|Cannot )/);
      }
      const names = await toolNames(session);
      expect(names).toEqual(expect.arrayContaining(['echo', 'lists', 'objects', 'flat', 'smooth']));
      expect(names).not.toContain('deep');
      for (const name of ['echo', 'flat', 'smooth']) expect((await callTool(session, name, { text: 'hi' })).text).toBe('hi');
      await session.close();
    }
    const leftOut = [{ kind: 'tool', name: 'deep', reason: 'it is nested deeper than 256 levels' }];
    for (const name of ['deepSchema', 'deepAnnotation']) expect((await upstreamOf(beside, name)).leftOut).toEqual(leftOut);
    expect((await beside.stop()).code).toBe(0);
  });
});
