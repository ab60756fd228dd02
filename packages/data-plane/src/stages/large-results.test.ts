import { setFlagsFromString } from 'node:v8';
import fc from 'fast-check';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { RawJson, type Outcome, type ResultOutcome } from '@signalbox/core';
import { HANDSHAKE_REVISIONS, MODERN_REVISION, isHandshake } from '@signalbox/protocol';
import { RESULT_META } from '../results/reduced-answer.ts';
import {
  createMemoryGateway,
  createScriptedServer,
  resultOf,
  textOf,
  type CallExtras,
  type MemoryGateway,
  type ScriptedTool,
} from '../testing/memory-gateway.ts';
import { createTestClock } from '../testing/test-clock.ts';

beforeAll(() => {
  setFlagsFromString('--enable-experimental-regexp-engine');
  setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks');
});

const KIB = 1024;
// What is built in is loaded with its first start, which takes a busy machine a while.
const PATIENCE = { timeout: 15_000 };
const LINES = Array.from({ length: 20_000 }, (_, index) => `line ${index} of a long log`).join('\n');
const ROWS = Array.from({ length: 5_000 }, (_, id) => ({ id, name: `row ${id}`, big: id === 7 ? 'b'.repeat(9_000) : '' }));
const text = (said: string) => ({ type: 'text', text: said });
const image = (bytes: number) => ({ type: 'image', data: 'A'.repeat(bytes), mimeType: 'image/png' });

type Options = Omit<Parameters<typeof createMemoryGateway>[0], 'servers'>;

async function start(tools: ScriptedTool[], options: Options = {}): Promise<MemoryGateway> {
  const gateway = await createMemoryGateway({
    servers: { a: createScriptedServer(tools) },
    more: { results: {} },
    isRegExpLinear: true,
    ...options,
  });
  await gateway.list('tools/list');

  await vi.waitFor(() => expect(gateway.supervisor.isSettling(['@results'])).toBe(false), PATIENCE);
  return gateway;
}

const tool = (result: object, more: Partial<ScriptedTool> = {}): ScriptedTool => ({ name: 'big', run: () => resultOf(result), ...more });

interface Answer {
  readonly content: readonly { readonly type: string; readonly text?: string; readonly [key: string]: unknown }[];
  readonly structuredContent?: Record<string, unknown>;
  readonly isError?: boolean;
  readonly _meta?: { readonly [RESULT_META]?: Meta; readonly [key: string]: unknown };
}
interface Meta {
  readonly handle: string;
  readonly uri: string;
  readonly bytes: number;
  readonly structuredContent: string;
  readonly parts: readonly { readonly part: number; readonly place: string; readonly kind: string; readonly bytes: number }[];
}

const answerOf = (outcome: Outcome) => JSON.parse((outcome as ResultOutcome).result.bytes.toString()) as Answer;

/** Calls the tool `big` and returns what came in the place of its result. */
async function callBig(gateway: MemoryGateway, extras?: CallExtras): Promise<{ answer: Answer; meta: Meta; outcome: ResultOutcome }> {
  const outcome = (await gateway.call('big', {}, extras)) as ResultOutcome;
  const answer = answerOf(outcome);
  expect(outcome.result.byteLength).toBeLessThan(64 * KIB);
  return { answer, meta: answer._meta![RESULT_META]!, outcome };
}

/** Reads a part to its end, page by page. */
async function readAll(gateway: MemoryGateway, handle: string, part = 0): Promise<string> {
  let whole = '';
  for (let offset: number | undefined = 0; offset !== undefined;) {
    const page = textOf(await gateway.call('read_result', { handle, part, offset, length: 200_000 }));
    const end = page.indexOf('\n\n');
    whole += page.slice(end + 2);
    const next = /go on with offset (\d+)$/.exec(page.slice(0, end));
    offset = next === null ? undefined : Number(next[1]);
  }
  return whole;
}

async function readResource(
  gateway: MemoryGateway,
  uri: string,
): Promise<{ uri: string; mimeType: string; text?: string; blob?: string }[]> {
  const outcome = await gateway.call('', {}, { method: 'resources/read', params: { uri } });
  return (answerOf(outcome) as unknown as { contents: { uri: string; mimeType: string; text?: string; blob?: string }[] }).contents;
}

describe('a large text', () => {
  test('becomes a preview with a handle, under which all of it can be read', async () => {
    await using gateway = await start([tool({ content: [text(LINES)] })]);
    const { answer, meta } = await callBig(gateway);
    expect(meta).toMatchObject({
      structuredContent: 'untouched',
      parts: [{ part: 0, place: 'content[0]', kind: 'text', bytes: LINES.length }],
    });
    const [notice, preview, link] = answer.content;
    expect(notice!.text).toContain(`read_result {"handle":"${meta.handle}","part":0,"offset":0}`);
    expect(preview!.text).toMatch(
      /^\[content\[0\], text\/plain, 488,889 bytes, is part 0\]\nline 0 of.+not shown.+line 19999 of a long log$/s,
    );
    expect(link).toMatchObject({ type: 'resource_link', uri: meta.uri });
    expect(await readAll(gateway, meta.handle)).toBe(LINES);
    expect(await readResource(gateway, meta.uri)).toEqual([{ uri: `${meta.uri}/0`, mimeType: 'text/plain', text: LINES }]);
    expect(await readResource(gateway, `${meta.uri}/0`)).toHaveLength(1);
    await expect(readResource(gateway, `${meta.uri}/1`)).rejects.toMatchObject({ code: 'RESOURCE_NOT_FOUND' });
  });

  test('can be searched, and a page begins where a match is', async () => {
    await using gateway = await start([tool({ content: [text(LINES)] })]);
    const { meta } = await callBig(gateway);
    const found = textOf(await gateway.call('search_result', { handle: meta.handle, pattern: 'line 1999[0-2] ', regex: true }));
    expect(found.split('\n')).toEqual([
      '3 matches in part 0, up to the end',
      ...[19_990, 19_991, 19_992].map((line) => `line ${line + 1} (byte ${LINES.indexOf(`line ${line} `)}): line ${line} of a long log`),
    ]);
    const offset = Number(/byte (\d+)/.exec(found)![1]);
    const page = textOf(await gateway.call('read_result', { handle: meta.handle, offset, length: 60 }));
    expect(page).toMatch(/lines 19991 to 19992 of 20000; go on with offset \d+\n\nline 19990 of/);
    const emoji = await start([tool({ content: [text('😀'.repeat(30_000))] })]);
    const { handle } = (await callBig(emoji)).meta;
    expect(textOf(await emoji.call('read_result', { handle, offset: 5, length: 9 }))).toMatch(
      /^Part 0, bytes 8 to 16 of 120000, .+\n\n😀😀$/s,
    );
    await emoji.close();
    const some = textOf(await gateway.call('search_result', { handle: meta.handle, pattern: 'LOG', ignoreCase: true, maxMatches: 5 }));
    expect(some).toMatch(/^5 matches in part 0, up to byte \d+; go on with offset \d+\n/);
    expect(await gateway.call('search_result', { handle: meta.handle, pattern: '(?=x)', regex: true })).toMatchObject({ isError: true });
    expect(textOf(await gateway.call('slice_result', { handle: meta.handle, path: '/0' }))).toContain('is text and not JSON');
  });

  test('is passed on as it is, byte for byte, unless the configuration says otherwise', async () => {
    const bytes = Buffer.from(`{ "resultType":"complete", "content":[{"type":"text","text":"${'x'.repeat(200_000)}"}] }`);
    const run = (): ResultOutcome => ({
      kind: 'result',
      result: RawJson.fromBytes(bytes),
      resultType: 'complete',
      isError: false,
      revision: MODERN_REVISION,
    });
    for (const options of [
      { more: {} },
      { config: { a: { results: { disabled: true } } } },
      { config: { a: { results: { except: ['b*'] } } } },
      { more: { results: { maxBytes: 1_048_576 } }, config: { a: { results: { maxInlineBytes: 400_000 } } } },
    ] satisfies Options[]) {
      await using gateway = await start([{ name: 'big', run }], options);
      expect(((await gateway.call('big')) as ResultOutcome).result.bytes).toBe(bytes);
    }
  });

  test('that nothing has room for goes through whole', async () => {
    await using gateway = await start([tool({ content: [text('x'.repeat(1_200_000))] })], {
      more: { results: { maxBytes: 1_048_576 } },
    });
    expect(textOf(await gateway.call('big'))).toHaveLength(1_200_000);
  });
});

describe('a handle', () => {
  const tools = ['read_result', 'search_result', 'slice_result', 'drop_result'];

  test('of somebody else is answered exactly like one that never was', async () => {
    await using gateway = await start([tool({ content: [text(LINES)], structuredContent: { rows: ROWS } })]);
    const { meta } = await callBig(gateway, { principal: 'ann' });
    for (const name of tools) {
      const ask = (handle: string) =>
        gateway.call(name, { handle, ...(name === 'search_result' ? { pattern: 'x' } : {}) }, { principal: 'ben' });
      const stolen = await ask(meta.handle);
      expect(stolen).toMatchObject({ isError: true });
      expect(stolen).toEqual(await ask('0'.repeat(32)));
    }
    const read = (uri: string) =>
      gateway
        .call('', {}, { method: 'resources/read', params: { uri }, principal: 'ben' })
        .catch((error: unknown) => (error as Error).message);
    expect(await read(meta.uri)).toContain('No result has this handle');
    expect(await read(meta.uri)).toEqual(await read(`signalbox-result://${'0'.repeat(32)}`));
    expect(textOf(await gateway.call('read_result', { handle: meta.handle }, { principal: 'ann' }))).toContain('Part 0');
  });

  test('has 128 random bits, and each caller gets its own, also to an outcome from the cache', async () => {
    const run = vi.fn(() => resultOf({ content: [text(LINES)] }));
    await using gateway = await start([{ name: 'big', run }], { config: { a: { cache: { tools: ['big'], scope: 'shared' } } } });
    const handles = [];
    for (const principal of ['ann', 'ben', 'ann']) handles.push((await callBig(gateway, { principal })).meta.handle);
    expect(run).toHaveBeenCalledTimes(1);
    expect(new Set(handles).size).toBe(3);
    expect(handles.every((handle) => /^[0-9a-f]{32}$/.test(handle))).toBe(true);
  });

  test('ends with its time, when it is dropped, and when others need the room, and its owner is told which', async () => {
    const clock = createTestClock();
    await using gateway = await start([tool({ content: [text('y'.repeat(400_000))] })], {
      clock,
      more: { results: { ttlSeconds: 60, maxBytes: 1_048_576 } },
    });
    const why = async (handle: string, principal = 'local') => textOf(await gateway.call('read_result', { handle }, { principal }));
    const first = (await callBig(gateway)).meta.handle;
    clock.advance(60_000);
    expect(await why(first)).toBe(
      'This result is not kept any more: it was kept until 1970-01-01T00:01:00.000Z. Call its tool again if it is still needed',
    );
    const second = (await callBig(gateway)).meta.handle;
    expect(textOf(await gateway.call('drop_result', { handle: second }))).toBe('Dropped');
    expect(await why(second)).toContain('it was dropped');
    const modest = (await callBig(gateway, { principal: 'ben' })).meta.handle;
    const [third] = [(await callBig(gateway)).meta.handle, (await callBig(gateway)).meta.handle, (await callBig(gateway)).meta.handle];
    expect(await why(third)).toContain('other results needed its room');
    expect(await why(modest, 'ben')).toContain('Part 0');
    expect(await why(third, 'ben')).toContain('No result has this handle');
  });
});

describe('structured content', () => {
  const outputSchema = (more: object = {}) => ({
    type: 'object',
    properties: {
      total: { type: 'integer' },
      rows: {
        type: 'array',
        items: {
          type: 'object',
          properties: { id: { type: 'integer' }, name: { type: 'string' }, big: { type: 'string' } },
          required: ['id', 'name'],
        },
      },
    },
    required: ['total', 'rows'],
    ...more,
  });
  const result = {
    content: [text(JSON.stringify({ total: ROWS.length, rows: ROWS }))],
    structuredContent: { total: ROWS.length, rows: ROWS },
  };

  test('of a tool without a schema is left out whole, and its twin in text is kept once', async () => {
    await using gateway = await start([tool(result)]);
    const { answer, meta } = await callBig(gateway);
    expect(answer.structuredContent).toBeUndefined();
    expect(meta).toMatchObject({ structuredContent: 'moved', parts: [{ place: 'structuredContent', kind: 'json' }] });
    expect(answer.content[1]!.text).toMatch(
      /^\[content\[0\] is the same as structuredContent, which is part 0\]\n\{\n {2}"total": 5000,\n {2}"rows": \[\n/,
    );
    expect(answer.content[1]!.text).toContain('/* 4,9');
    expect(JSON.parse(await readAll(gateway, meta.handle))).toEqual(result.structuredContent);
    expect(JSON.parse((await readResource(gateway, `${meta.uri}/0`))[0]!.text!)).toEqual(result.structuredContent);
  });

  test.each([
    ['open', {}, true],
    ['closed', { additionalProperties: false }, false],
  ])('of a tool with an %s schema is shortened so that it is still valid', async (_, more, saysSo) => {
    await using gateway = await start([tool(result, { outputSchema: outputSchema(more) })]);
    const { answer, meta } = await callBig(gateway);
    const structured = answer.structuredContent as { total: number; rows: unknown[]; [RESULT_META]?: string };
    expect(meta).toMatchObject({
      structuredContent: 'shortened',
      shortened: [{ path: '/rows', kept: structured.rows.length, of: 5000, unit: 'items' }, expect.anything()],
    });
    expect(structured.total).toBe(5000);
    expect(structured.rows.length).toBeGreaterThan(2);
    expect(structured.rows.slice(0, 5)).toEqual(ROWS.slice(0, 5));
    expect(structured[RESULT_META] !== undefined).toBe(saysSo);
    expect(answer.content[0]!.text).toContain(`structuredContent is shortened here: /rows has ${structured.rows.length} of 5000 items`);
    expect(JSON.parse(textOf(await gateway.call('slice_result', { handle: meta.handle, path: '/rows/4999' })))).toEqual(ROWS[4999]);
  });

  test.each([
    [
      'its schema allows nothing shorter',
      { outputSchema: { type: 'object', properties: { rows: { type: 'array', minItems: 5000 } } } },
      {},
    ],
    ['its schema cannot be used', { outputSchema: { type: 'object', properties: { rows: { type: 'nonsense' } } } }, {}],
    ['the configuration says so', { outputSchema: outputSchema() }, { structured: 'whole' }],
  ])('is given whole when %s, and the rest is reduced all the same', async (_, more, results) => {
    await using gateway = await start([tool(result, more)], { more: { results } });
    const answer = answerOf(await gateway.call('big'));
    expect(answer.structuredContent).toEqual(result.structuredContent);
    expect(answer._meta![RESULT_META]).toMatchObject({ structuredContent: 'whole', parts: [{ place: 'content[0]' }] });
    expect(answer.content[0]!.text).toContain('structuredContent is given whole');
  });

  test('of an error need not be valid and is left out', async () => {
    await using gateway = await start([tool({ ...result, isError: true }, { outputSchema: outputSchema() })]);
    const { answer, outcome } = await callBig(gateway);
    expect([answer.isError, outcome.isError, answer.structuredContent]).toEqual([true, true, undefined]);
  });

  test('alone in its answer is previewed there', async () => {
    await using gateway = await start([tool({ content: [], structuredContent: { rows: ROWS } })]);
    const { answer } = await callBig(gateway);
    expect(answer.content[0]!.text).toMatch(/Part 0:\n\{\n {2}"rows": \[\n/);
  });
});

describe('slices', () => {
  test('give values one a line, name what is left out, and say where a path goes wrong', async () => {
    await using gateway = await start([tool({ content: [text(JSON.stringify({ rows: ROWS, note: 'n' }))] })]);
    const { meta } = await callBig(gateway);
    const slice = async (path: string, limit?: number) =>
      textOf(await gateway.call('slice_result', { handle: meta.handle, path, ...(limit && { limit }) }));
    expect(await slice('/rows/1:3')).toBe(
      ['2 values at "/rows/1:3", picked from 5,000 entries', JSON.stringify(ROWS[1]), JSON.stringify(ROWS[2])].join('\n'),
    );
    expect(await slice('/rows/*/name', 2)).toBe(
      '2 values at "/rows/*/name", picked from 5,000 entries; there are more behind "/rows/1/name": go on with a slice that begins there\n"row 0"\n"row 1"',
    );
    expect(await slice('/note')).toBe('"n"');
    expect(await slice('')).toMatch(/^"" is object of 2 members, [\d,]+ bytes, too large to be given at once\. In outline:\n\{/);
    expect(await slice('/rows/6:8')).toContain('/* cut, 9,000 bytes */');
    expect(await slice('/row')).toContain('the whole has no "row"; it has "rows", "note"');
  });
});

describe('blocks', () => {
  test('that are small stay as they are and where they are, and images are shown', async () => {
    const content = [text('before'), image(30_000), text(LINES), { type: 'vendor', anything: [1, 2] }, text('after')];
    await using gateway = await start([tool({ content, _meta: { trace: 'x' }, vendor: { kept: true } })]);
    const { answer } = await callBig(gateway);
    expect(answer.content.map(({ type }) => type)).toEqual(['text', 'text', 'image', 'text', 'vendor', 'text', 'resource_link']);
    for (const [index, at] of [
      [0, 1],
      [1, 2],
      [3, 4],
      [4, 5],
    ] as const)
      expect(answer.content[at]).toEqual(content[index]);
    expect(answer).toMatchObject({ _meta: { trace: 'x' }, vendor: { kept: true } });
  });

  test('that are images alone do not make a result large, and one that is too large itself is moved and given back', async () => {
    await using gateway = await start([tool({ content: [image(200_000), image(300_000)] })]);
    expect(answerOf(await gateway.call('big')).content).toHaveLength(2);
    await using strict = await start([tool({ content: [image(200_000), text('a caption')] })], {
      more: { results: { maxInlineMediaBytes: 100_000 } },
    });
    const { answer, meta } = await callBig(strict);
    expect(answer.content[1]).toEqual(text('[content[0], image/png, 200,049 bytes, is part 0]'));
    expect(answer.content[2]).toEqual(text('a caption'));
    expect(answerOf(await strict.call('slice_result', { handle: meta.handle })).content).toEqual([image(200_000)]);
    expect(textOf(await strict.call('read_result', { handle: meta.handle }))).toContain('slice_result with path "" gives it as it is');
    expect((await readResource(strict, `${meta.uri}/0`))[0]).toMatchObject({ mimeType: 'image/png', blob: 'A'.repeat(200_000) });
  });

  test('keep what is said about them, and an embedded resource its name', async () => {
    const content = [
      { ...text(LINES), annotations: { audience: ['user'] }, future: 1, _meta: { own: 2 } },
      {
        type: 'resource',
        resource: { uri: 'file:///log', mimeType: 'text/x-log', text: `${LINES} `, _meta: { age: 3 } },
        annotations: { priority: 1 },
      },
    ];
    await using gateway = await start([tool({ content })]);
    const { answer, meta } = await callBig(gateway);
    expect(answer.content[1]).toMatchObject({ annotations: { audience: ['user'] }, future: 1, _meta: { own: 2 } });
    expect(answer.content[2]).toMatchObject({
      type: 'text',
      annotations: { priority: 1 },
      _meta: { 'signalbox.dev/resource': { uri: 'file:///log', mimeType: 'text/x-log', _meta: { age: 3 } } },
    });
    expect(meta.parts[1]).toMatchObject({ uri: 'file:///log', mimeType: 'text/x-log' });
    expect(await readAll(gateway, meta.handle, 1)).toBe(`${LINES} `);
  });

  test('without number are kept as one list', async () => {
    const content = Array.from({ length: 3_000 }, (_, index) => text(`item ${index} ${'z'.repeat(200)}`));
    await using gateway = await start([tool({ content })]);
    const { answer, meta } = await callBig(gateway);
    const last = meta.parts.at(-1)!;
    const from = Number(/content\[(\d+)…\]/.exec(last.place)![1]);
    expect(answer.content.at(-2)!.text).toContain(`[Everything from content[${from}] on is part ${last.part}]`);
    expect(answer.content.slice(1, 20)).toEqual(content.slice(0, 19));
    const path = `/${2_999 - from}`;
    expect(JSON.parse(textOf(await gateway.call('slice_result', { handle: meta.handle, part: last.part, path })))).toEqual(content[2_999]);
  });
});

describe('what is not reduced', () => {
  test('is an unfinished answer, a refusal, what is no result, and what the result tools say', async () => {
    const pad = 'p'.repeat(200_000);
    const outcomes: Outcome[] = [
      {
        kind: 'result',
        result: RawJson.fromValue({ resultType: 'input_required', requestState: pad }),
        resultType: 'input_required',
        isError: false,
        revision: MODERN_REVISION,
      },
      { kind: 'error', error: { code: -32_000, message: pad } },
      {
        kind: 'result',
        result: RawJson.fromBytes(Buffer.from(`["${pad}"]`)),
        resultType: 'complete',
        isError: false,
        revision: MODERN_REVISION,
      },
      {
        kind: 'result',
        result: RawJson.fromBytes(Buffer.from(`{"content":[{"type":"text","text":"${pad}"]`)),
        resultType: 'complete',
        isError: false,
        revision: MODERN_REVISION,
      },
    ];
    for (const outcome of outcomes) {
      await using gateway = await start([{ name: 'big', run: () => outcome }]);
      expect(await gateway.call('big')).toBe(outcome);
    }
    await using gateway = await start([tool({ content: [text('é'.repeat(200_000))] })], {
      more: { results: { maxInlineBytes: 4_096 } },
    });
    const { meta } = await callBig(gateway);
    expect(textOf(await gateway.call('read_result', { handle: meta.handle, length: 100_000 })).length).toBeGreaterThan(50_000);
  });
});

describe('the tools for results', () => {
  test('stand behind all others, and only where results are kept', async () => {
    const server = createScriptedServer([
      tool({ content: [] }),
      { name: 'read_result', run: () => resultOf({ content: [text('theirs')] }) },
    ]);
    server.tools.push({ name: 'näme with spaces', run: () => resultOf({ content: [text('verbatim')] }) });
    await using gateway = await createMemoryGateway({ servers: { a: server } });
    expect(await gateway.list('tools/list')).toEqual(['big', 'read_result', 'näme with spaces']);
    gateway.apply({ a: { module: 'a', results: {} } });
    await vi.waitFor(async () => expect(await gateway.list('tools/list')).toHaveLength(7), PATIENCE);
    expect(await gateway.list('tools/list')).toEqual([
      'big',
      'read_result',
      'näme with spaces',
      'results__read_result',
      'search_result',
      'slice_result',
      'drop_result',
    ]);
    expect(textOf(await gateway.call('read_result'))).toBe('theirs');
    server.tools[0] = tool({ content: [text(LINES)] });
    expect((await callBig(gateway)).answer.content[0]!.text).toContain('results__read_result {"handle"');
    gateway.apply({ a: { module: 'a' } });
    await vi.waitFor(async () => expect(await gateway.list('tools/list')).toHaveLength(3), PATIENCE);
  });
});

describe('at a virtual server', () => {
  const virtualServers = {
    work: { tools: { allow: ['big'], prefix: 'always' } },
    plain: { upstreams: ['b'], resources: false },
    strict: { tools: { deny: ['*_result'] } },
  };

  test('the tools for results are there whatever it chooses, by the names they have there', async () => {
    const b = createScriptedServer([{ ...tool({ content: [text(LINES)] }), name: 'big' }]);
    await using gateway = await createMemoryGateway({
      servers: { a: createScriptedServer([tool({ content: [text(LINES)] }), { name: 'other', run: () => resultOf({}) }]), b },
      more: { results: {}, virtualServers },
    });
    await vi.waitFor(async () => expect(await gateway.list('tools/list')).toHaveLength(7), PATIENCE);
    const work = gateway.at('work');
    const names = ['a__big', 'b__big', ...['read', 'search', 'slice', 'drop'].map((verb) => `results__${verb}_result`)];
    expect(await work.list('tools/list')).toEqual(names);
    const answer = answerOf(await work.call('a__big'));
    const { handle } = answer._meta![RESULT_META]!;
    expect(answer.content[0]!.text).toContain(`results__read_result {"handle":"${handle}"`);
    expect(textOf(await work.call('results__read_result', { handle, length: 10 }))).toContain('line 0');
    // The handle belongs to the caller, not to the address.
    expect(textOf(await gateway.call('read_result', { handle, length: 10 }))).toContain('line 0');
  });

  test('without resources there is no link to one, and without the tools results go whole', async () => {
    const b = createScriptedServer([tool({ content: [text(LINES)] })]);
    await using gateway = await createMemoryGateway({ servers: { b }, more: { results: {}, virtualServers } });
    await vi.waitFor(async () => expect(await gateway.list('tools/list')).toHaveLength(5), PATIENCE);
    const plain = answerOf(await gateway.at('plain').call('big'));
    expect(plain.content.map(({ type }) => type)).toEqual(['text', 'text']);
    expect(plain._meta).toHaveProperty([RESULT_META]);
    expect(textOf(await gateway.at('strict').call('big'))).toBe(LINES);
  });
});

describe('clients of older revisions', () => {
  test.each(HANDSHAKE_REVISIONS)('%s get blocks they know, from servers of either generation', async (revision) => {
    for (const from of [MODERN_REVISION, HANDSHAKE_REVISIONS[0]]) {
      const result = RawJson.fromValue({ ...(isHandshake(from) ? {} : { resultType: 'complete' }), content: [text(LINES)] });
      await using gateway = await start([
        { name: 'big', run: () => ({ kind: 'result', result, resultType: 'complete', isError: false, revision: from }) },
      ]);
      const client = { revision, info: undefined, capabilities: {}, logLevel: 'off' } as const;
      const { answer, outcome } = await callBig(gateway, { client });
      const links = answer.content.filter(({ type }) => type === 'resource_link');
      expect(links).toHaveLength(['2025-11-25', '2025-06-18'].includes(revision) ? 1 : 0);
      expect([outcome.revision, 'resultType' in answer]).toEqual([from, !isHandshake(from)]);
    }
  });
});

test('whatever a result holds, all of it is either in the answer or in the parts', async () => {
  const size = fc.constantFrom(1, 1, 30, 30, 30, 600, 600, 3_000, 10_000);
  const block = fc.oneof(
    fc.record({ type: fc.constant('text'), text: size.map((length) => 'tö'.repeat(length)), annotations: fc.constant({ priority: 1 }) }),
    size.map((length) => image(length)),
    fc.record({
      type: fc.constant('resource'),
      resource: size.map((length) => ({ uri: 'file:///x', text: 'r'.repeat(length), _meta: { m: 1 } })),
    }),
    fc.record({ type: fc.constant('vendor'), body: size.map((length) => ['v'.repeat(length)]) }),
  );
  const structured = fc.option(
    size.map((length) => ({ list: Array.from({ length }, (_, index) => index), note: 'n' })),
    { nil: undefined },
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(block, { maxLength: 70 }),
      structured,
      fc.option(
        size.map((length) => 'e'.repeat(length)),
        { nil: undefined },
      ),
      async (content, structuredContent, extra) => {
        const whole = { content, structuredContent, extra };
        await using gateway = await start([tool(whole)], {
          more: { results: { maxInlineBytes: 8_192, previewBytes: 1_024, maxInlineMediaBytes: 6_000 } },
        });
        const answer = answerOf(await gateway.call('big'));
        const meta = answer._meta?.[RESULT_META];
        const parts = meta === undefined ? [] : await readResource(gateway, meta.uri);
        const textsOf = JSON.stringify([answer, parts.map(({ text }) => text), parts.map(({ blob }) => blob)]);
        const places = new Set(meta?.parts.map(({ place }) => place));
        for (const block of content) {
          const { text, data, body, resource } = block as { text?: string; data?: string; body?: string[]; resource?: { text: string } };
          const said = text ?? data ?? body?.[0] ?? resource!.text;
          expect(textsOf.includes(said)).toBe(true);
        }
        for (const [name, value] of Object.entries({ structuredContent, extra })) {
          const kept = parts.find((_, index) => meta!.parts[index]!.place === name)?.text;
          const given = (answer as unknown as Record<string, unknown>)[name];
          expect(given ?? (kept === undefined ? undefined : JSON.parse(kept))).toEqual(value);
          expect(given === undefined ? value === undefined || places.has(name) : true).toBe(true);
        }
      },
    ),
    { numRuns: 30 },
  );
});
