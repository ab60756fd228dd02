import { Cancellation, type Request } from '@signalbox/core';
import { MODERN_REVISION, toParams, type RequestHandler } from '@signalbox/protocol';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { defineModule, isModule } from './module.ts';
import { createModuleHandler } from './module-handler.ts';
import { definePrompt } from './prompt.ts';
import { defineResource } from './resource.ts';
import { testModule } from './testing.ts';
import { ToolError, defineTool } from './tool.ts';

const named = (name: string) => defineTool({ name, description: `The ${name}.`, run: () => name });

function ask(handler: RequestHandler, method: string, params: Readonly<Record<string, unknown>> = {}) {
  const client = { revision: MODERN_REVISION, info: undefined, capabilities: {}, logLevel: 'off' } as const;
  const request: Request = {
    method,
    params: toParams(params),
    client,
    cancellation: new Cancellation(),
    emit: undefined,
    wantsProgress: false,
    principal: 'local',
  };
  return handler.request(request);
}

describe('a module', () => {
  test('lists its tools in the order they were defined and added', async () => {
    const module = defineModule({ name: 'm', version: '1', tools: [named('zebra'), named('ant')] });
    await using tested = await testModule(module);
    module.add(named('middle'));
    expect((await tested.list()).map(({ name }) => name)).toEqual(['zebra', 'ant', 'middle']);
    expect(module.remove('zebra')).toBe(true);
    expect(module.remove('zebra')).toBe(false);
    expect((await tested.list()).map(({ name }) => name)).toEqual(['ant', 'middle']);
    expect(tested.changes).toEqual(['notifications/tools/list_changed', 'notifications/tools/list_changed']);
  });

  test('lists the same bytes until it changes', async () => {
    const module = defineModule({ name: 'm', version: '1', tools: [named('a')] });
    const handler = createModuleHandler(module);
    const first = await ask(handler, 'tools/list');
    expect(await ask(handler, 'tools/list')).toBe(first);
    module.add(named('b'));
    expect(await ask(handler, 'tools/list')).not.toBe(first);
  });

  test('refuses two parts of one name', () => {
    expect(() => defineModule({ name: 'm', version: '1', tools: [named('a'), named('a')] })).toThrow(
      'Cannot define module "m": tool "a" is in it twice',
    );
    const module = defineModule({ name: 'm', version: '1', tools: [named('a')] });
    expect(() => module.add(named('a'))).toThrow('Cannot add tool "a" to module "m": it has one of that name');
  });

  test('without configuration is itself its only instance and takes none', async () => {
    const module = defineModule({ name: 'm', version: '1' });
    expect(await module.create({})).toBe(module);
    await expect(module.create({ a: 1 })).rejects.toMatchObject({ code: 'INVALID_CONFIG' });
  });

  test('is told from other exports', () => {
    expect(isModule(defineModule({ name: 'm', version: '1' }))).toBe(true);
    expect(isModule(defineModule({ name: 'm', version: '1', config: {}, create: () => ({}) }))).toBe(true);
    expect(isModule({ name: 'm', version: '1', tools: [] })).toBe(false);
  });
});

describe('a configurable module', () => {
  const closed: string[] = [];
  const source = defineModule({
    name: 'greeter',
    version: '1',
    config: z.strictObject({ greeting: z.string().default('Hello') }),
    create: ({ greeting }) => {
      expectTypeOf(greeting).toEqualTypeOf<string>();
      return {
        tools: [defineTool({ name: 'greet', description: 'Greets.', run: () => greeting })],
        close: () => void closed.push(greeting),
      };
    },
  });

  test('is made once per configuration, and closes what it opened once', async () => {
    const tested = await testModule(source);
    const other = await testModule(source, { config: { greeting: 'Moin' } });
    expect([(await tested.call('greet')).text, (await other.call('greet')).text]).toEqual(['Hello', 'Moin']);
    await other.close();
    await other.close();
    expect(closed).toEqual(['Moin']);
    await tested.close();
  });

  test('says what is wrong with a configuration', async () => {
    await expect(testModule(source, { config: { greeting: 1 } })).rejects.toThrow(
      'Cannot use the configuration of module "greeter": greeting ',
    );
    expect(source.configSchema).toMatchObject({ properties: { greeting: { type: 'string', default: 'Hello' } } });
  });
});

describe('the handler', () => {
  const note = defineResource({ uriTemplate: 'note://{id}/{+path}', name: 'note', read: ({ variables }) => variables });
  const readme = defineResource({ uri: 'doc://readme', name: 'readme', read: () => '# Read me' });
  const logo = defineResource({ uri: 'doc://logo', name: 'logo', mimeType: 'image/png', read: () => Uint8Array.of(1, 2, 3) });
  const gone = defineResource({
    uri: 'doc://gone',
    name: 'gone',
    read: () => {
      throw new ToolError('The file is gone');
    },
  });
  const review = definePrompt({
    name: 'review',
    description: 'Reviews a file.',
    arguments: [{ name: 'file', required: true }, { name: 'tone' }],
    get: ({ file, tone }) => `Review ${file}${tone === undefined ? '' : ` in a ${tone} tone`}.`,
  });
  const full = defineModule({
    name: 'full',
    version: '2',
    title: 'Full',
    instructions: 'Use it.',
    tools: [named('search')],
    resources: [note, readme, logo, gone],
    prompts: [review],
  });
  const handler = createModuleHandler(full);

  test('describes what the module has', () => {
    expect(handler.describe()).toEqual({
      info: { name: 'full', version: '2', title: 'Full' },
      capabilities: { tools: { listChanged: true }, resources: { subscribe: true }, prompts: {}, logging: {} },
      instructions: 'Use it.',
    });
  });

  test('answers in the modern form', async () => {
    const outcome = await ask(handler, 'tools/call', { name: 'search' });
    expect(outcome).toMatchObject({ kind: 'result', resultType: 'complete', isError: false, revision: MODERN_REVISION });
    expect(outcome.kind === 'result' && outcome.result.bytes.toString()).toBe(
      '{"resultType":"complete","content":[{"type":"text","text":"search"}]}',
    );
  });

  test('names the nearest tool or prompt for one it does not know', async () => {
    await expect(ask(handler, 'tools/call', { name: 'serch' })).rejects.toMatchObject({
      code: 'UNKNOWN_NAME',
      message: 'Cannot find tool "serch": module "full" has none of that name; did you mean "search"?',
    });
    await expect(ask(handler, 'prompts/get', { name: 'reviews' })).rejects.toThrow('did you mean "review"?');
  });

  test.each([
    ['tools/call', {}, '"name" must be text'],
    ['tools/call', { name: 'search', arguments: [] }, '"arguments" must be an object'],
    ['tools/list', { cursor: 'x' }, 'the cursor is none of ours'],
    ['prompts/get', { name: 'review' }, 'argument "file" is missing'],
    ['prompts/get', { name: 'review', arguments: { file: 1 } }, 'argument "file" is not text'],
    ['resources/read', { uri: 'note://%zz/a' }, 'percent signs'],
  ])('refuses %s with %j', async (method, params, reason) => {
    const refused = (async () => ask(handler, method, params))();
    await expect(refused).rejects.toMatchObject({ code: 'INVALID_PARAMS', message: expect.stringContaining(reason) });
  });

  test('knows no other methods', () => {
    expect(() => ask(handler, 'tasks/list')).toThrow(expect.objectContaining({ code: 'METHOD_NOT_FOUND' }));
  });

  test('completes nothing', async () => {
    expect(await ask(handler, 'completion/complete')).toMatchObject({ result: { value: { completion: { values: [] } } } });
  });

  test('lists resources apart from templates', async () => {
    expect(await ask(handler, 'resources/list')).toMatchObject({
      result: { value: { resources: [{ uri: 'doc://readme' }, { uri: 'doc://logo' }, { uri: 'doc://gone' }] } },
    });
    expect(await ask(handler, 'resources/templates/list')).toMatchObject({
      result: { value: { resourceTemplates: [{ uriTemplate: 'note://{id}/{+path}' }] } },
    });
  });

  test('reads text, bytes, values and templates', async () => {
    await using tested = await testModule(full);
    expect(await tested.read('doc://readme')).toEqual([{ uri: 'doc://readme', mimeType: 'text/plain', text: '# Read me' }]);
    expect(await tested.read('doc://logo')).toEqual([{ uri: 'doc://logo', mimeType: 'image/png', blob: 'AQID' }]);
    const uri = 'note://a%20b/c/d';
    expect(await tested.read(uri)).toEqual([{ uri, mimeType: 'application/json', text: '{"id":"a b","path":"c/d"}' }]);
  });

  test('says why a resource cannot be read', async () => {
    await using tested = await testModule(full);
    await expect(tested.read('doc://gone')).rejects.toThrow('The file is gone');
    await expect(tested.read('doc://readmee')).rejects.toMatchObject({
      code: 'RESOURCE_NOT_FOUND',
      message: expect.stringContaining('did you mean "doc://readme"?'),
    });
  });

  test('fills prompts', async () => {
    await using tested = await testModule(full);
    expect((await tested.prompt('review', { file: 'a.ts', tone: 'kind' })).messages).toEqual([
      { role: 'user', content: { type: 'text', text: 'Review a.ts in a kind tone.' } },
    ]);
  });

  test('tells of a changed resource only while someone wants to hear of it', () => {
    const heard: unknown[] = [];
    const stop = handler.watch(({ params }) => heard.push(params?.value));
    full.resourceChanged('doc://readme');
    const first = handler.subscribe('doc://readme');
    const second = handler.subscribe('doc://readme');
    full.resourceChanged('doc://readme');
    first();
    first();
    full.resourceChanged('doc://readme');
    second();
    full.resourceChanged('doc://readme');
    stop();
    expect(heard).toEqual([{ uri: 'doc://readme' }, { uri: 'doc://readme' }]);
  });

  test('leaves the check of plain JSON Schemas to a gateway in front of it', async () => {
    const echo = defineTool({ name: 'echo', description: 'x', input: { type: 'object', required: ['a'] }, run: (args) => args });
    const mounted = createModuleHandler(defineModule({ name: 'm', version: '1', tools: [echo] }), { isChecked: true });
    expect(await ask(mounted, 'tools/call', { name: 'echo', arguments: { b: 1 } })).toMatchObject({ isError: false });
  });
});

describe('a resource', () => {
  test.each(['no uri', 'note://{id', 'note://{a,b}', 'note://plain}'])('is refused the address "%s"', (address) => {
    const read = () => '';
    expect(() =>
      address.includes('{') || address.includes('}')
        ? defineResource({ uriTemplate: address, name: 'x', read })
        : defineResource({ uri: address, name: 'x', read }),
    ).toThrow(`Cannot define resource "${address}"`);
  });
});
