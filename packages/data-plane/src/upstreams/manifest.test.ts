import { expect, test } from 'vitest';
import { GatewayError, RawJson, exactJson } from '@signalbox/core';
import { openMemory, type Connection } from '@signalbox/protocol';
import { resultOf } from '../testing/memory-gateway.ts';
import { fetchList, fetchManifest, toManifest, toManifestDocument } from './manifest.ts';

function serverOf(page: (cursor: string | undefined) => object) {
  return openMemory(
    {
      describe: () => ({ info: { name: 's', version: '1' }, capabilities: { tools: {} }, instructions: undefined }),
      watch: () => () => {},
      subscribe: () => () => {},
      request: (request) => resultOf(page(request.params.get('cursor')?.value as string | undefined)),
    },
    { upstream: 's', onNotification: () => {} },
  );
}

const tool = (name: string) => ({ name, inputSchema: { type: 'object' } });
const options = { upstream: 's', listMs: 1000 };

test('pages are followed to their end, an empty cursor included', async () => {
  const pages: { [cursor: string]: object } = {
    first: { tools: [tool('a')], nextCursor: '' },
    '': { tools: [tool('b'), tool('a')], nextCursor: 'x' },
    x: { tools: [tool('c')] },
  };
  const tools = await fetchList(
    serverOf((cursor) => pages[cursor ?? 'first']!),
    'tools',
    options,
  );
  expect(tools.items.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
});

test('a cursor that comes twice ends the walk with an error', async () => {
  await expect(
    fetchList(
      serverOf(() => ({ tools: [tool('a')], nextCursor: 'again' })),
      'tools',
      options,
    ),
  ).rejects.toMatchObject({ code: 'UPSTREAM_PROTOCOL', message: expect.stringContaining('does not end') });
});

test('cursors that are ever new end the walk with an error', async () => {
  let page = 0;
  await expect(
    fetchList(
      serverOf(() => ({ tools: [], nextCursor: String(page++) })),
      'tools',
      options,
    ),
  ).rejects.toMatchObject({ message: expect.stringContaining('more than 1000 pages') });
});

test('a list that does not come in time names its phase and budget', async () => {
  const connection: Pick<Connection, 'server' | 'request'> = {
    server: { info: { name: 's', version: '1' }, capabilities: { tools: {} }, instructions: undefined },
    request: ({ timeoutMs }) =>
      Promise.reject(new GatewayError('DEADLINE_EXCEEDED', 'no answer', { data: { phase: 'call', budgetMs: timeoutMs } })),
  };
  await expect(fetchList(connection as Connection, 'tools', options)).rejects.toMatchObject({
    code: 'DEADLINE_EXCEEDED',
    message: 'Cannot list "s": no answer to tools/list in 1000 ms',
    data: { upstream: 's', phase: 'list', method: 'tools/list', budgetMs: 1000 },
  });
});

test('entries without a name or schema are left out, the rest stays', async () => {
  const tools = await fetchList(
    serverOf(() => ({ tools: [{ inputSchema: {} }, 'junk', null, { name: 'no-schema' }, tool('good')] })),
    'tools',
    options,
  );
  expect(tools.items.map(({ name }) => name)).toEqual(['good']);
});

test('a modern server’s tool whose header marks are invalid is left out and told about, of a handshake server it stays', async () => {
  const marked = (name: string, header: string) => ({
    name,
    inputSchema: { type: 'object', properties: { p: { type: 'string', 'x-mcp-header': header } } },
  });
  const server = serverOf(() => ({ tools: [marked('bad', 'a b'), marked('good', 'Region')] }));
  const leftOut: unknown[] = [];
  const listing = { ...options, onLeftOut: (_kind: unknown, entries: unknown) => leftOut.push(entries) };
  expect((await fetchList(server, 'tools', listing)).items.map(({ name }) => name)).toEqual(['good']);
  expect(leftOut).toEqual([[{ kind: 'tool', name: 'bad', reason: '"x-mcp-header" at "p" is "a b", which no header can be named' }]]);
  const old: Pick<Connection, 'server' | 'revision' | 'request'> = {
    server: server.server,
    revision: '2025-11-25',
    request: (request) => server.request(request),
  };
  expect((await fetchList(old as Connection, 'tools', listing)).items.map(({ name }) => name)).toEqual(['bad', 'good']);
  expect(leftOut[1]).toEqual([]);
});

test('what is nested too deeply to be written again is left out of every list', async () => {
  const nested = (levels: number): object => (levels === 0 ? {} : { a: nested(levels - 1) });
  const lists: { [cursor: string]: object } = {
    tools: {
      tools: [
        { ...tool('deep'), inputSchema: nested(300) },
        { ...tool('flat'), inputSchema: nested(200) },
      ],
    },
    prompts: { prompts: [{ name: 'deep', x: nested(300) }, { name: 'flat' }] },
  };
  const leftOut: unknown[] = [];
  for (const kind of ['tools', 'prompts'] as const) {
    const server = serverOf(() => lists[kind]!);
    const both = { ...server.server, capabilities: { tools: {}, prompts: {} } };
    const connection: Pick<Connection, 'server' | 'revision' | 'request'> = {
      server: both,
      revision: '2026-07-28',
      request: (request) => server.request(request),
    };
    const found = await fetchList(connection as Connection, kind, { ...options, onLeftOut: (_, entries) => leftOut.push(...entries) });
    expect(found.items.map(({ name }) => name)).toEqual(['flat']);
  }
  expect(leftOut).toEqual(['tool', 'prompt'].map((kind) => ({ kind, name: 'deep', reason: 'it is nested deeper than 256 levels' })));
});

test('what is remembered is what was listed, numbers and the rest of the list included', async () => {
  const exact = '{"name":"a","inputSchema":{"maximum":9007199254740993,"minimum":1.0}}';
  const plain = '{"name":"b","inputSchema":{}}';
  const page = RawJson.fromBytes(Buffer.from(`{"tools":[${exact},${plain}],"_meta":{"vendor":1e400},"ttlMs":5,"cacheScope":"public"}`));
  const server = serverOf(() => ({}));
  const connection: Pick<Connection, 'server' | 'revision' | 'request'> = {
    server: server.server,
    revision: '2026-07-28',
    request: () => Promise.resolve({ kind: 'result', result: page, resultType: 'complete', isError: false, revision: '2026-07-28' }),
  };
  const listed = await fetchManifest(connection as Connection, options);
  const remembered = toManifest(JSON.parse(JSON.stringify(toManifestDocument(listed))))!;
  expect(remembered.tools.map(exactJson)).toEqual([exact, plain]);
  expect(remembered).toEqual({ ...listed, hints: undefined });
  expect(remembered.rests).toMatchObject({ tools: '"_meta":{"vendor":1e400}' });
});

test('what is no manifest is not taken for one', () => {
  const broken = { revision: '', server: {}, capabilities: {}, tools: ['{'], prompts: [], resources: [], templates: [] };
  for (const document of [undefined, null, 1, {}, { tools: [] }, broken, { ...broken, tools: [], rests: { tools: '}' } }])
    expect(toManifest(document)).toBeUndefined();
  expect(toManifest({ ...broken, tools: [] })).toBeDefined();
});
