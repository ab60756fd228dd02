import { expect, test } from 'vitest';
import { startGateway } from '../../e2e/support/gateway.ts';
import { rpc } from '../../e2e/support/raw-client.ts';
import { openTool, startRecordingServer } from '../servers/recording-server.ts';
import { callTool, toolNames, untilState, upstreamOf } from '../support/observe.ts';

// H5: a server chooses which arguments travel in headers, and under which names. A tool whose choice cannot be followed is
// dropped, as the specification asks of clients; the others stay.
// https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#schema-extension

const mark = (name: unknown, type: unknown = 'string') => ({ type, 'x-mcp-header': name });
const toolOf = (name: string, properties: object, more: object = {}) =>
  openTool(name, { inputSchema: { type: 'object', properties, ...more } });

const HOSTILE: Readonly<Record<string, object>> = {
  'a name with a line break': { p: mark('x\r\ny') },
  'a name with a header behind it': { p: mark('x: y\r\nAuthorization: Bearer stolen') },
  'a name with a colon': { p: mark('Host:') },
  'a name with a space': { p: mark('a b') },
  'a name beyond ASCII': { p: mark('Région') },
  'a name with a NUL': { p: mark('a\0') },
  'an empty name': { p: mark('') },
  'a name that is no text': { p: mark({ name: 'X' }) },
  'names that differ by case': { p: mark('Region'), q: mark('rEGION') },
  'names that differ by case, one nested': { p: mark('Region'), q: { type: 'object', properties: { r: mark('REGION') } } },
  'a number': { p: mark('N', 'number') },
  'an object': { p: mark('O', 'object') },
  'an array': { p: mark('A', 'array') },
  'several types': { p: mark('T', ['string', 'number']) },
  'no type': { p: { 'x-mcp-header': 'T' } },
  'under items': { p: { type: 'array', items: mark('I') } },
  'under anyOf': { p: { anyOf: [mark('I'), { type: 'null' }] } },
  'under oneOf': { p: { oneOf: [{ type: 'object', properties: { q: mark('I') } }] } },
  'under allOf': { p: { allOf: [mark('I')] } },
  'under not': { p: { not: mark('I') } },
  'under if': { p: { if: {}, then: mark('I') } },
  'under additionalProperties': { p: { type: 'object', additionalProperties: mark('I') } },
};
const ELSEWHERE: Readonly<Record<string, object>> = {
  'at the root': mark('Root', 'object'),
  'only by reference': { $defs: { d: mark('D') }, properties: { p: { $ref: '#/$defs/d' } } },
  'under patternProperties': { patternProperties: { '^p': mark('P') } },
};
const hostile = [
  ...Object.entries(HOSTILE).map(([name, properties]) => toolOf(name, properties)),
  ...Object.entries(ELSEWHERE).map(([name, more]) => toolOf(name, {}, more)),
];
const fine = [
  openTool('plain'),
  toolOf('marked', { p: mark('Region'), q: mark('Size', 'integer'), r: mark('Dry', 'boolean') }),
  toolOf('daring', { p: mark('Authorization'), q: mark('Host'), r: mark('Content-Length') }),
  toolOf('a property of that name', { 'x-mcp-header': { type: 'string' } }),
  toolOf('data of that name', { p: { type: 'object', default: { 'x-mcp-header': '' }, enum: [{ 'x-mcp-header': 5 }] } }),
];
const nameOf = (tool: object) => (tool as { readonly name: string }).name;
const QUIET = { health: { intervalMs: 86_400_000 } };

test('H5: tools with hostile marks are dropped, each with its reason in the status and the log; the others stay', async () => {
  await using upstream = await startRecordingServer({
    tools: hostile.flatMap((tool, index) => [tool, ...(fine[index] ? [fine[index]] : [])]),
  });
  await using gateway = await startGateway({ config: { mcpServers: { web: { url: upstream.url, ...QUIET } } } });
  await untilState(gateway, 'web', 'ready');
  const sessions = [rpc(gateway.url).modern(), await rpc(gateway.url).handshake()];
  for (const session of sessions) expect(await toolNames(session)).toEqual(fine.map(nameOf));

  const { tools, leftOut } = await upstreamOf(gateway, 'web');
  expect(tools).toBe(fine.length);
  expect(leftOut.map(({ name }) => name).toSorted()).toEqual(hostile.map(nameOf).toSorted());
  const reasons = Object.fromEntries(leftOut.map(({ name, reason }) => [name, reason]));
  expect(reasons).toMatchObject({
    'a name with a line break': '"x-mcp-header" at "p" is "x\\r\\ny", which no header can be named',
    'an empty name': '"x-mcp-header" at "p" is empty',
    'names that differ by case': '"x-mcp-header" names the header "rEGION" twice; upper and lower case are the same',
    'a number': '"x-mcp-header" at "p" marks the type "number"; only "string", "integer" and "boolean" may be',
    'under anyOf': '"x-mcp-header" stands at "p.anyOf", which is no property reachable through "properties" alone',
  });
  expect(gateway.stderr()).toContain('left out what has no valid definition');
  expect(gateway.stderr()).toMatch(/"name":"a name with a line break"/);

  for (const session of sessions) {
    expect((await callTool(session, 'a number', { p: 1 })).error).toMatchObject({ code: -32602 });
    await session.close();
  }
  expect(upstream.calls).toEqual([]);
});

test('H5: whatever a tool names its headers, they are only ever Mcp-Param-…', async () => {
  await using upstream = await startRecordingServer({ tools: fine });
  await using gateway = await startGateway({ config: { mcpServers: { web: { url: upstream.url, ...QUIET } } } });
  await untilState(gateway, 'web', 'ready');
  const session = await rpc(gateway.url).handshake();
  expect((await callTool(session, 'daring', { p: 'Bearer stolen', q: 'evil.example', r: '0' })).error).toBeUndefined();
  await session.close();
  const seen = upstream.calls[0]!;
  expect(seen.headers('mcp-param-authorization')).toEqual(['Bearer stolen']);
  expect(seen.headers('mcp-param-host')).toEqual(['evil.example']);
  expect(seen.headers('mcp-param-content-length')).toEqual(['0']);
  expect(seen.headers('authorization')).toEqual([]);
  expect(seen.headers('host')).toEqual([new URL(upstream.url).host]);
  expect(seen.headers('content-length')).toEqual([String(seen.body.length)]);
});

test('H5: the word means nothing in older revisions, so tools of a handshake server stay as they are', async () => {
  await using upstream = await startRecordingServer({ era: 'handshake', tools: [...hostile, ...fine] });
  await using gateway = await startGateway({ config: { mcpServers: { web: { url: upstream.url, ...QUIET } } } });
  await untilState(gateway, 'web', 'ready');
  const session = await rpc(gateway.url).handshake();
  expect(await toolNames(session)).toEqual([...hostile, ...fine].map(nameOf));
  expect((await upstreamOf(gateway, 'web')).leftOut).toEqual([]);
  expect((await callTool(session, 'a number', { text: 'hi', p: 1 })).text).toBe('hi');
  await session.close();
  expect(upstream.calls[0]!.headerNames().filter((name) => /param/i.test(name))).toEqual([]);
});
