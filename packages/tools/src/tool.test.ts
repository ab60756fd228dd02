import { GatewayError, silentLogger, type Logger } from '@signalbox/core';
import * as v from 'valibot';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import type { ToolContext } from './context.ts';
import { defineModule } from './module.ts';
import { testModule, type TestOptions } from './testing.ts';
import { ToolError, defineTool, type ReturnedBy, type Tool } from './tool.ts';
import type { ToolReply } from './tool-result.ts';

const moduleOf = (...tools: readonly Tool[]) => defineModule({ name: 'under-test', version: '1.0.0', tools });
const harness = (tool: Tool, options?: TestOptions) => testModule(moduleOf(tool), options);

function collectingLogger(lines: { message: string; fields: unknown }[]): Logger {
  return { ...silentLogger, error: (message, fields) => lines.push({ message, fields }) };
}

describe('a zod tool', () => {
  const roll = defineTool({
    name: 'roll',
    title: 'Roll dice',
    description: 'Rolls dice.',
    input: z.object({ count: z.int().min(1).max(9).default(1), note: z.string().optional() }),
    output: z.object({ count: z.int(), shouted: z.string() }),
    annotations: { readOnlyHint: true },
    run: ({ count, note }, context) => {
      expectTypeOf(count).toEqualTypeOf<number>();
      expectTypeOf(note).toEqualTypeOf<string | undefined>();
      expectTypeOf(context).toEqualTypeOf<ToolContext>();
      return { count, shouted: (note ?? '').toUpperCase() };
    },
  });

  test('is listed with the JSON Schema its library gives, input and output', async () => {
    await using tested = await harness(roll);
    expect(await tested.list()).toEqual([
      {
        name: 'roll',
        title: 'Roll dice',
        description: 'Rolls dice.',
        inputSchema: {
          type: 'object',
          properties: { count: { type: 'integer', minimum: 1, maximum: 9, default: 1 }, note: { type: 'string' } },
        },
        outputSchema: {
          type: 'object',
          properties: { count: expect.objectContaining({ type: 'integer' }), shouted: { type: 'string' } },
          required: ['count', 'shouted'],
          additionalProperties: false,
        },
        annotations: { readOnlyHint: true },
      },
    ]);
  });

  test('gets parsed arguments with defaults and answers in structure and text', async () => {
    await using tested = await harness(roll);
    const answer = await tested.call('roll', { note: 'hi' });
    expect(answer).toEqual({
      content: [{ type: 'text', text: '{"count":1,"shouted":"HI"}' }],
      structured: { count: 1, shouted: 'HI' },
      isError: false,
      text: '{"count":1,"shouted":"HI"}',
    });
  });

  test('tells the model each argument that does not fit', async () => {
    await using tested = await harness(roll);
    const answer = await tested.call('roll', { count: 10, note: 7 });
    expect(answer.isError).toBe(true);
    expect(answer.text.split('\n')).toEqual([
      'Cannot call "roll": its arguments do not fit. Mend them and call again:',
      expect.stringMatching(/^- count: Too big.*9/),
      expect.stringMatching(/^- note: .*expected string/),
    ]);
  });

  test('names nested places the way they are written in code', async () => {
    const nested = defineTool({
      name: 'nested',
      description: 'Takes a list.',
      input: z.object({ items: z.array(z.object({ name: z.string() })) }),
      run: () => 'fine',
    });
    await using tested = await harness(nested);
    expect((await tested.call('nested', { items: [{ name: 'a' }, {}] })).text).toContain('- items[1].name: ');
  });
});

describe('a valibot tool', () => {
  const input = v.object({ name: v.pipe(v.string(), v.minLength(2)), times: v.optional(v.number(), 2) });

  test('is refused at definition when nothing gives its JSON Schema, with the ways out', () => {
    expect(() => defineTool({ name: 'greet', description: 'Greets.', input, run: () => 'hi' })).toThrow(
      'Cannot describe the input of tool "greet": schemas of "valibot" do not give a JSON Schema; pass one as "inputSchema", or wrap the schema in toStandardJsonSchema of "@valibot/to-json-schema"',
    );
  });

  test('works with a JSON Schema beside it, and valibot itself checks', async () => {
    const greet = defineTool({
      name: 'greet',
      description: 'Greets.',
      input,
      inputSchema: {
        type: 'object',
        properties: { name: { type: 'string', minLength: 2 }, times: { type: 'number', default: 2 } },
        required: ['name'],
      },
      run: (args) => {
        expectTypeOf(args).toEqualTypeOf<{ name: string; times: number }>();
        return `hi ${args.name} `.repeat(args.times).trim();
      },
    });
    await using tested = await harness(greet);
    expect((await tested.list())[0]?.inputSchema['required']).toEqual(['name']);
    expect((await tested.call('greet', { name: 'Ada' })).text).toBe('hi Ada hi Ada');
    expect((await tested.call('greet', { name: 'A' })).text).toMatch(/- name: Invalid length: Expected >=2 but received 1/);
  });
});

describe('a plain JSON Schema tool', () => {
  const search = defineTool({
    name: 'search',
    description: 'Searches.',
    input: {
      type: 'object',
      properties: {
        query: { type: 'string' },
        limit: { type: 'integer', minimum: 1, default: 5 },
        order: { enum: ['newest', 'oldest'] },
        tags: { type: 'array', items: { type: 'string' } },
      },
      required: ['query'],
      additionalProperties: false,
    },
    run: (args) => {
      expectTypeOf(args).toEqualTypeOf<Record<string, unknown>>();
      return args;
    },
  });

  test('gets its defaults filled in', async () => {
    await using tested = await harness(search);
    expect((await tested.call('search', { query: 'cats' })).structured).toEqual({ query: 'cats', limit: 5 });
  });

  test('tells the model what is missing, unknown, of the wrong type or not among the choices', async () => {
    await using tested = await harness(search);
    const answer = await tested.call('search', { limmit: 3, order: 'best', tags: ['a', 1], limit: null });
    expect(answer.isError).toBe(true);
    expect(answer.text.split('\n').slice(1).toSorted()).toEqual([
      '- limit: must be integer, not null',
      '- limmit: is not known; did you mean "limit"?',
      '- order: must be one of "newest", "oldest"',
      '- query: is missing',
      '- tags[1]: must be string, not number',
    ]);
  });

  test('names no more than ten problems', async () => {
    await using tested = await harness(search);
    const unknown = Object.fromEntries(Array.from({ length: 15 }, (_, index) => [`unknown${index}`, 1]));
    const lines = (await tested.call('search', { query: 'x', ...unknown })).text.split('\n');
    expect(lines).toHaveLength(12);
    expect(lines.at(-1)).toBe('- and 5 more');
  });

  test('may be written for an older dialect, which the list then names', async () => {
    const $schema = 'http://json-schema.org/draft-07/schema#';
    const pair = defineTool({
      name: 'pair',
      description: 'Takes a pair.',
      input: { $schema, type: 'object', properties: { pair: { type: 'array', items: [{ type: 'string' }, { type: 'number' }] } } },
      run: () => 'fine',
    });
    await using tested = await harness(pair);
    expect((await tested.list())[0]?.inputSchema['$schema']).toBe($schema);
    expect((await tested.call('pair', { pair: ['a', 1] })).text).toBe('fine');
    expect((await tested.call('pair', { pair: ['a', 'b'] })).text).toContain('- pair[1]: must be number, not string');
  });

  test('that is no valid schema fails its calls and tells the log, not the caller', async () => {
    const lines: { message: string; fields: unknown }[] = [];
    const broken = defineTool({
      name: 'broken',
      description: 'Broken.',
      input: { type: 'object', properties: { a: { type: 'word' } } },
      run: () => 'fine',
    });
    await using tested = await harness(broken, { logger: collectingLogger(lines) });
    expect(await tested.call('broken')).toMatchObject({ isError: true, text: `Tool "broken" failed; its server's log has the reason` });
    expect(JSON.stringify(lines)).toContain('Cannot use a JSON Schema');
  });
});

describe('a definition', () => {
  test('without input lists a schema that takes nothing, and names what it was given', async () => {
    const ping = defineTool({
      name: 'ping',
      description: 'Answers.',
      run: (args) => {
        expectTypeOf(args).toEqualTypeOf<Record<string, unknown>>();
        return 'pong';
      },
    });
    await using tested = await harness(ping);
    expect((await tested.list())[0]?.inputSchema).toEqual({ type: 'object', additionalProperties: false });
    expect((await tested.call('ping')).text).toBe('pong');
    expect((await tested.call('ping', { loud: true })).text).toContain('- loud: is not known; this tool takes no arguments');
  });

  test.each(['', 'has space', 'a/b', 'x'.repeat(129)])('is refused the name "%s"', (name) => {
    expect(() => defineTool({ name, description: 'x', run: () => 'x' })).toThrow(GatewayError);
  });

  test('is refused when input or output describe no object', () => {
    expect(() => defineTool({ name: 'list', description: 'x', input: z.array(z.string()), run: () => 'x' })).toThrow(
      'Cannot use the input of tool "list": it must describe an object, not "array"; name the value as a member of one',
    );
    expect(() => defineTool({ name: 'count', description: 'x', output: z.number(), run: () => 1 })).toThrow(
      'Cannot use the output of tool "count"',
    );
  });

  test('of a union of objects says so to clients that look for the type', () => {
    const tool = defineTool({
      name: 'either',
      description: 'x',
      input: z.union([z.object({ a: z.string() }), z.object({ b: z.string() })]),
      run: () => 'x',
    });
    expect(tool.definition.inputSchema).toMatchObject({ type: 'object', anyOf: [{}, {}] });
  });

  test('with a value JSON Schema cannot express says which option helps', () => {
    expect(() => defineTool({ name: 'when', description: 'x', input: z.object({ at: z.date() }), run: () => 'x' })).toThrow(
      /pass a JSON Schema as "inputSchema"$/,
    );
  });
});

describe('an answer', () => {
  const answering = (value: unknown) => harness(defineTool({ name: 'answer', description: 'x', run: () => value }));

  test.each([
    ['text', 'hello', { text: 'hello', structured: undefined }],
    ['nothing', undefined, { text: 'Done', structured: undefined }],
    ['an object', { a: [1] }, { text: '{"a":[1]}', structured: { a: [1] } }],
    ['a list', [1, 2], { text: '[1,2]', structured: { result: [1, 2] } }],
    ['null', null, { text: 'null', structured: { result: null } }],
    ['no content', { content: [] }, { text: '', structured: undefined, content: [] }],
    [
      'blocks',
      { content: [{ type: 'image', data: '', mimeType: 'image/png' }] },
      { text: '', content: [{ type: 'image', data: '', mimeType: 'image/png' }] },
    ],
    ['an object that only looks like a reply', { content: ['a'] }, { structured: { content: ['a'] } }],
  ])('may be %s', async (_, value, expected) => {
    await using tested = await answering(value);
    expect(await tested.call('answer')).toMatchObject({ isError: false, ...expected });
  });

  test('JSON cannot hold is a failure of the tool', async () => {
    await using tested = await answering(() => 1);
    expect((await tested.call('answer')).isError).toBe(true);
  });

  test('is typed by the output schema', () => {
    const output = z.object({ n: z.number() });
    expectTypeOf<ReturnedBy<typeof output>>().toEqualTypeOf<{ n: number } | ToolReply>();
    expectTypeOf<ReturnedBy<undefined>>().toEqualTypeOf<unknown>();
    // @ts-expect-error the output schema asks for a number
    const tool = defineTool({ name: 'a', description: 'x', output, run: () => ({ n: 'one' }) });
    expect(tool.definition.outputSchema).toMatchObject({ required: ['n'] });
  });

  test('that breaks the output schema reaches the log, not the caller', async () => {
    const lines: { message: string; fields: unknown }[] = [];
    const tool = defineTool({ name: 'wrong', description: 'x', output: { type: 'object', required: ['n'] }, run: () => ({ m: 1 }) });
    await using tested = await harness(tool, { logger: collectingLogger(lines) });
    expect(await tested.call('wrong')).toMatchObject({ isError: true, structured: undefined });
    expect(JSON.stringify(lines)).toContain('The answer does not fit the output schema: n is missing');
  });
});

describe('a failure', () => {
  test('thrown as ToolError is what the model reads', async () => {
    const tool = defineTool({ name: 'fail', description: 'x', run: () => Promise.reject(new ToolError('The printer is out of paper')) });
    await using tested = await harness(tool);
    expect(await tested.call('fail')).toMatchObject({ isError: true, text: 'The printer is out of paper' });
  });

  test('of any other kind stays inside and is logged', async () => {
    const lines: { message: string; fields: unknown }[] = [];
    const run = () => {
      throw new Error('password is hunter2');
    };
    await using tested = await harness(defineTool({ name: 'fail', description: 'x', run }), { logger: collectingLogger(lines) });
    const answer = await tested.call('fail');
    expect(answer).toMatchObject({ isError: true, text: `Tool "fail" failed; its server's log has the reason` });
    expect(lines).toEqual([
      { message: 'Tool "fail" of module "under-test" failed', fields: expect.objectContaining({ error: 'password is hunter2' }) },
    ]);
  });

  test('after a cancellation is a cancellation', async () => {
    const controller = new AbortController();
    const tool = defineTool({
      name: 'wait',
      description: 'Waits until cancelled.',
      run: (_, { signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason));
          controller.abort();
        }),
    });
    await using tested = await harness(tool);
    await expect(tested.call('wait', {}, { signal: controller.signal })).rejects.toMatchObject({
      code: 'CANCELLED',
      message: 'Cannot finish "wait": the test cancelled it',
    });
  });
});

describe('the context', () => {
  const busy = defineTool({
    name: 'busy',
    description: 'Reports.',
    run: (_, { progress, log, client }) => {
      progress(1, 3, 'one');
      progress(1, 3, 'again');
      progress(3, 3);
      log('debug', 'quiet');
      log('warning', { loud: true });
      return client.info?.name;
    },
  });

  test('sends progress that grows, and log messages', async () => {
    await using tested = await harness(busy);
    expect((await tested.call('busy')).text).toBe('test');
    expect(tested.progress).toEqual([
      { progress: 1, total: 3, message: 'one' },
      { progress: 3, total: 3 },
    ]);
    expect(tested.logs).toEqual([
      { level: 'debug', logger: 'under-test', data: 'quiet' },
      { level: 'warning', logger: 'under-test', data: { loud: true } },
    ]);
  });

  test.each([
    ['warning', 1],
    ['off', 0],
  ] as const)('sends a client that asked for "%s" %i messages', async (logLevel, count) => {
    await using tested = await harness(busy, { client: { logLevel } });
    await tested.call('busy');
    expect(tested.logs).toHaveLength(count);
  });
});
