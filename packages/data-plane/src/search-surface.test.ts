import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { Cancellation, RawJson, silentLogger, type GatewayError, toOutcome, type Outcome, type Request } from '@signalbox/core';
import { toParams } from '@signalbox/protocol';
import { createSchemaValidator } from './stages/schema-validator.ts';
import {
  createMemoryGateway,
  createScriptedServer,
  resultOf,
  textOf,
  type MemoryClient,
  type ScriptedTool,
} from './testing/memory-gateway.ts';

const FIXED = ['search_tools', 'describe_tool', 'call_tool'];

function say(name: string, text = name, more: Partial<ScriptedTool> = {}): ScriptedTool {
  return { name, run: () => resultOf({ content: [{ type: 'text', text }] }), ...more };
}

const SEARCHED = { virtualServers: { find: { surface: 'search' } } };

function createServers() {
  const inputSchema = {
    type: 'object',
    properties: { city: { type: 'string', description: 'Where' }, days: { type: 'integer', 'x-own': [1] } },
    required: ['city'],
    $defs: { unused: {} },
  };
  const weather = createScriptedServer([
    {
      name: 'get_forecast',
      inputSchema,
      annotations: { readOnlyHint: true },
      run: (args) => resultOf({ content: [], structuredContent: args }),
    },
    say('search', 'weather'),
  ]);
  const mail = createScriptedServer([say('search', 'mail'), say('send_message')]);
  mail.prompts = [{ name: 'reply' }];
  mail.resources = [{ uri: 'mail://inbox', name: 'inbox' }];
  return { weather, mail };
}

async function ask(client: MemoryClient, tool: string, args: object): Promise<Record<string, unknown>> {
  const outcome = await client.call(tool, args);
  if (outcome.kind === 'error') throw new Error(outcome.error.message);
  return { ...outcome.result.object, text: textOf(outcome) };
}

async function search(client: MemoryClient, needs: readonly string[], limit?: number) {
  const { structuredContent, text } = await ask(client, 'search_tools', { needs, ...(limit !== undefined && { limit }) });
  const answer = structuredContent as {
    results: { need: string; note?: string; matches: { name: string; score: number; upstream?: string }[] }[];
    tools: number;
  };
  return { ...answer, text: text as string, names: answer.results.map(({ matches }) => matches.map(({ name }) => name)) };
}

describe('a search surface', () => {
  test('lists three tools, whatever there is, and never tells of changes', async () => {
    const servers = createServers();
    await using gateway = await createMemoryGateway({ servers, more: SEARCHED });
    await vi.waitFor(async () => expect(await gateway.list('tools/list')).toHaveLength(4));
    const client = gateway.at('find');
    expect(await client.list('tools/list')).toEqual(FIXED);
    servers.mail.tools.push(say('forward'));
    servers.mail.emit('notifications/tools/list_changed');
    await vi.waitFor(async () => expect((await search(client, ['forward'])).names[0]![0]).toBe('forward'));
    expect(client.notifications).toEqual([]);
    // Prompts and resources are as everywhere.
    expect(await client.list('prompts/list')).toEqual(['reply']);
    expect(await client.list('resources/list')).toEqual(['mail://inbox']);
  });

  test('tells whose tools can be found, and how', async () => {
    await using gateway = await createMemoryGateway({ servers: createServers(), more: { surface: 'search', instructions: 'Welcome' } });
    expect(gateway.handler.describe().instructions).toMatch(
      /^Welcome\n\nTools of these servers can be used here: weather, mail\..*search_tools/,
    );
  });

  test('answers several needs at once, and says of each tool once what it is', async () => {
    await using gateway = await createMemoryGateway({ servers: createServers(), more: SEARCHED });
    const found = await search(gateway.at('find'), ['get_forecast', 'forecast for a city', 'search'], 2);
    expect(found.tools).toBe(4);
    expect(found.results[0]!.matches[0]).toEqual({ name: 'get_forecast', score: 1, upstream: 'weather', required: ['city'] });
    expect(found.results[1]!.matches[0]).toEqual({ name: 'get_forecast', score: found.results[1]!.matches[0]!.score });
    expect(found.names[2]).toEqual(['search', 'mail__search']);
    expect(found.text.split('\n').slice(0, 2)).toEqual(['For "get_forecast", 1 of 4 tools:', '1. get_forecast [weather] (1); needs city']);
    expect(found.text).toContain('1. get_forecast: see above');
  });

  test('keeps an answer to many needs within bounds, the best of each need first', async () => {
    const tools = Array.from({ length: 200 }, (_, index) => say(`long_tool_${index}`));
    const server = createScriptedServer(tools);
    server.about = 'a long description of what this does that goes on '.repeat(20);
    await using gateway = await createMemoryGateway({ servers: { server }, more: SEARCHED });
    const needs = Array.from({ length: 10 }, (_, index) => `long_tool_${index * 10}`);
    const found = await search(gateway.at('find'), needs, 20);
    expect(found.names.map((names) => names[0])).toEqual(needs);
    expect(JSON.stringify(found.results).length).toBeLessThan(12_000);
  });

  test('is never without an answer', async () => {
    const servers = createServers();
    await using gateway = await createMemoryGateway({
      servers,
      more: { virtualServers: { find: { surface: 'search' }, none: { surface: 'search', tools: { allow: [] } } } },
    });
    const nonsense = await search(gateway.at('find'), ['ЖЖЖ'], 5);
    expect(nonsense.names[0]).toHaveLength(4);
    expect(nonsense.results[0]!.note).toContain('Nothing fits');
    expect(await search(gateway.at('none'), ['anything'])).toMatchObject({
      tools: 0,
      upstreams: ['weather', 'mail'],
      text: 'There are no tools at present. Servers behind this address: weather, mail.',
    });
  });

  test('describes tools as their servers do, and names the nearest of those that are unknown', async () => {
    await using gateway = await createMemoryGateway({ servers: createServers(), more: SEARCHED });
    const client = gateway.at('find');
    const { structuredContent, text } = await ask(client, 'describe_tool', { names: ['get_forecast', 'mail__search', 'get_forcast'] });
    const all = await gateway.call('', {}, { method: 'tools/list', params: {} });
    const listed = (all as { result: RawJson }).result.object!['tools'] as { name: string }[];
    expect(structuredContent).toMatchObject({
      tools: [
        { upstream: 'weather', definition: listed.find(({ name }) => name === 'get_forecast') },
        { upstream: 'mail', definition: listed.find(({ name }) => name === 'mail__search') },
      ],
      unknown: [{ name: 'get_forcast', nearest: expect.arrayContaining(['get_forecast']) as string[] }],
    });
    expect(JSON.parse(text as string)).toEqual(structuredContent);
    expect(await client.call('describe_tool', { names: ['nobody'] })).toMatchObject({ isError: true });
  });

  test('gives what its own output schemas say', async () => {
    await using gateway = await createMemoryGateway({ servers: createServers(), more: SEARCHED });
    const client = gateway.at('find');
    const listed = (await client.call('', {}, { method: 'tools/list', params: {} })) as { result: RawJson };
    const definitions = new Map(
      (listed.result.object!['tools'] as { name: string; outputSchema: object }[]).map((tool) => [tool.name, tool]),
    );
    const schemas = createSchemaValidator({ logger: silentLogger });
    for (const [tool, args] of [
      ['search_tools', { needs: ['weather', 'mail', 'ЖЖЖ'] }],
      ['describe_tool', { names: ['search', 'nobody'] }],
    ] as const) {
      const { structuredContent } = await ask(client, tool, args);
      expect(await schemas.validate(definitions.get(tool)!.outputSchema as Record<string, unknown>, structuredContent)).toBeUndefined();
    }
  });

  test.each([
    ['search_tools', {}, 'must have "needs"'],
    ['search_tools', { needs: [] }, '"needs" must NOT have fewer than 1 items'],
    ['search_tools', { need: ['x'] }, 'did you mean "needs"?'],
    ['describe_tool', { names: 'search' }, '"names" must be array'],
    ['call_tool', { arguments: {} }, 'must have "name"'],
    ['call_tool', { name: 'search', city: 'Graz' }, 'must not have "city"'],
    ['call_tool', { name: '' }, '"name" must NOT have fewer than 1 characters'],
  ])('%s with %j tells what is wrong', async (tool, args, problem) => {
    await using gateway = await createMemoryGateway({ servers: createServers(), more: SEARCHED });
    const outcome = await gateway.at('find').call(tool, args);
    expect([outcome.kind === 'result' && outcome.isError, textOf(outcome)]).toEqual([true, expect.stringContaining(problem)]);
  });
});

describe('call_tool', () => {
  test('gives a large result as a preview that says how to read on by it', async () => {
    const big = say('dump', 'line of a long text\n'.repeat(20_000));
    await using gateway = await createMemoryGateway({
      servers: { big: createScriptedServer([big]) },
      more: { ...SEARCHED, results: { maxInlineBytes: 20_000 } },
    });
    const client = gateway.at('find');
    await vi.waitFor(async () =>
      expect((await search(client, ['read_result', 'dump'])).names.map((names) => names[0])).toEqual(['read_result', 'dump']),
    );
    expect(client.handler.describe().instructions).toContain('Tools of these servers can be used here: big.');
    const preview = textOf(await client.call('call_tool', { name: 'dump' }));
    const [, args] = /- call_tool (\{"name":"read_result".*\}) for a page of text/.exec(preview)!;
    expect(textOf(await client.call('call_tool', JSON.parse(args!) as object))).toContain('line of a long text');
  });

  test('is the call of the tool it names: checked, recorded and answered like one', async () => {
    await using gateway = await createMemoryGateway({ servers: createServers(), more: SEARCHED });
    const client = gateway.at('find');
    expect(await ask(client, 'call_tool', { name: 'get_forecast', arguments: { city: 'Graz' } })).toMatchObject({
      structuredContent: { city: 'Graz' },
    });
    expect(textOf(await client.call('call_tool', { name: 'mail__search' }))).toBe('mail');
    const refused = await client.call('call_tool', { name: 'get_forecast', arguments: { city: 1 } });
    expect(textOf(refused)).toContain('Cannot call "get_forecast": its arguments do not fit its schema');
    expect(gateway.records.map(({ name, upstream, status }) => [name, upstream, status])).toEqual([
      ['get_forecast', 'weather', 'ok'],
      ['mail__search', 'mail', 'ok'],
      ['get_forecast', 'weather', 'tool-error'],
    ]);
    await search(client, ['weather']);
    expect(gateway.records.at(-1)).toMatchObject({ name: 'search_tools', upstream: '@signalbox', status: 'ok' });
  });

  test('passes on everything beside name and arguments, and arguments byte by byte', async () => {
    let seen: Request | undefined;
    const server = createScriptedServer([
      {
        name: 'ask',
        run: (_, request) => {
          seen = request;
          request.emit?.({ method: 'notifications/progress', params: RawJson.fromValue({ progress: 1 }) });
          const { requestState } = Object.fromEntries([...request.params].map(([key, value]) => [key, value.value]));
          const inputRequests = { who: { method: 'elicitation/create', params: {} } };
          return requestState === undefined
            ? { ...resultOf({ resultType: 'input_required', inputRequests, requestState: 'half way' }), resultType: 'input_required' }
            : resultOf({ content: [{ type: 'text', text: 'all the way' }] });
        },
      },
    ]);
    await using gateway = await createMemoryGateway({ servers: { server }, more: SEARCHED });
    const client = gateway.at('find');
    const emitted: string[] = [];
    const cancellation = new Cancellation();
    const answer = vi.fn();
    const more: Partial<Request> = {
      emit: ({ method }) => emitted.push(method),
      wantsProgress: true,
      cancellation,
      ask: answer,
      principal: 'somebody',
      mirrored: new Map([['city', 'Graz']]),
    };
    const call = (extra: object = {}): Promise<Outcome> => {
      const args = RawJson.fromBytes(Buffer.from('{"arguments":{"big":12345678901234567890,"z":1.0},"name":"ask"}'));
      const params = new Map([...toParams({ name: 'call_tool', ...extra, _meta: { trace: 'me' } }), ['arguments', args]]);
      return Promise.resolve(client.handler.request({ ...base, params, ...more })).then(toOutcome);
    };
    const first = (await call({ task: { ttl: 5 } })) as { result: RawJson; resultType: string };
    expect(first).toMatchObject({ resultType: 'input_required' });
    expect(first.result.object).toMatchObject({ requestState: 'half way' });
    expect(seen!.params.get('name')!.value).toBe('ask');
    expect(seen!.params.get('arguments')!.bytes.toString()).toBe('{"big":12345678901234567890,"z":1.0}');
    expect(seen!.params.get('_meta')!.value).toMatchObject({ trace: 'me' });
    expect(seen!.params.get('task')!.value).toEqual({ ttl: 5 });
    expect([seen!.principal, seen!.wantsProgress, emitted]).toEqual(['somebody', true, ['notifications/progress']]);

    const second = await call({ requestState: 'half way', inputResponses: { who: { action: 'accept' } } });
    expect(textOf(second)).toBe('all the way');
    expect(seen!.params.get('inputResponses')!.value).toEqual({ who: { action: 'accept' } });
  });

  test('can be cancelled', async () => {
    let reason: string | undefined;
    const hang: ScriptedTool = {
      name: 'hang',
      run: (_, request) => new Promise((resolve) => void request.cancellation.watch((why) => ((reason = why), resolve(resultOf({}))))),
    };
    await using gateway = await createMemoryGateway({ servers: { server: createScriptedServer([hang]) }, more: SEARCHED });
    const cancellation = new Cancellation();
    const client = gateway.at('find');
    await search(client, ['hang']);
    const pending = client.call('call_tool', { name: 'hang' }, { cancellation });
    await vi.waitFor(() => expect(gateway.supervisor.status()[0]).toMatchObject({ inFlight: 1 }));
    cancellation.cancel('enough');
    await pending.catch(() => undefined);
    expect(reason).toBe('enough');
  });

  test('tells the model, not its host, of a name that is unknown, and what to do', async () => {
    await using gateway = await createMemoryGateway({ servers: createServers(), more: SEARCHED });
    const client = gateway.at('find');
    await search(client, ['x']);
    for (const [name, hint] of [
      ['get_forcast', 'did you mean "get_forecast"?'],
      ['search_tools', 'it is called by itself and not with call_tool'],
    ] as const) {
      const outcome = await client.call('call_tool', { name });
      expect([outcome.kind === 'result' && outcome.isError, textOf(outcome)]).toEqual([true, expect.stringContaining(hint)]);
      expect(textOf(outcome)).toContain('Find tools with search_tools');
    }
    expect(gateway.records.at(-1)).toMatchObject({ status: 'gateway-error', error: 'UNKNOWN_NAME' });
  });

  test('is the only way to what is not listed, and the refusal says so', async () => {
    await using gateway = await createMemoryGateway({ servers: createServers(), more: SEARCHED });
    const client = gateway.at('find');
    await search(client, ['x']);
    await expect(client.call('get_forecast', { city: 'Graz' })).rejects.toMatchObject({
      code: 'UNKNOWN_NAME',
      message:
        'Unknown tool "get_forecast": here tools are found with search_tools and called with call_tool, for example {"name":"get_forecast","arguments":{}}',
    });
    // Where everything is listed there are no such tools.
    await expect(gateway.call('call_tool', { name: 'search' })).rejects.toMatchObject({ code: 'UNKNOWN_NAME' });
  });

  test('reaches a tool of an upstream that has the name of one of the three', async () => {
    const server = createScriptedServer([say('search_tools', 'theirs'), say('call_tool', 'theirs too')]);
    await using gateway = await createMemoryGateway({ servers: { server }, more: SEARCHED });
    await vi.waitFor(async () => expect(await gateway.list('tools/list')).toEqual(['search_tools', 'call_tool']));
    const client = gateway.at('find');
    expect((await search(client, ['search_tools'])).names[0]![0]).toBe('server__search_tools');
    expect(textOf(await client.call('call_tool', { name: 'server__search_tools' }))).toBe('theirs');
    expect(textOf(await client.call('call_tool', { name: 'server__call_tool' }))).toBe('theirs too');
  });
});

test('the surface of an address changes while it is in use, and its clients hear of it', async () => {
  const servers = createServers();
  const entries = { weather: { module: 'weather' }, mail: { module: 'mail' } };
  await using gateway = await createMemoryGateway({ servers, more: { surface: 'all' } });
  await vi.waitFor(async () => expect(await gateway.list('tools/list')).toHaveLength(4));
  const heard = gateway.notifications.length;
  gateway.apply(entries, { surface: 'search' });
  expect(gateway.notifications.slice(heard)).toEqual(['notifications/tools/list_changed']);
  expect(await gateway.list('tools/list')).toEqual(FIXED);
  expect(textOf(await gateway.call('call_tool', { name: 'search' }))).toBe('weather');
  gateway.apply(entries, {});
  expect(await gateway.list('tools/list')).toHaveLength(4);
  expect(textOf(await gateway.call('search'))).toBe('weather');
});

test('whatever upstreams offer, what is listed is called by name, and what is found by its name is called with call_tool', async () => {
  const tool = fc.constantFrom(
    'search',
    'read',
    'write.it',
    'a__read',
    'search_tools',
    'describe_tool',
    'call_tool',
    'a__call_tool',
    'constructor',
  );
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uniqueArray(tool, { minLength: 1 }), { minLength: 1, maxLength: 3 }), async (offers) => {
      const servers = Object.fromEntries(
        offers.map((names, index) => ['abc'[index]!, createScriptedServer(names.map((name) => say(name, `${'abc'[index]!}/${name}`)))]),
      );
      await using gateway = await createMemoryGateway({ servers, more: SEARCHED });
      await vi.waitFor(() => expect(gateway.supervisor.isSettling(Object.keys(servers))).toBe(false));
      const client = gateway.at('find');
      expect(await client.list('tools/list')).toEqual(FIXED);
      const reached = new Set<string>();
      for (const [upstream, server] of Object.entries(servers)) {
        for (const { name } of server.tools) {
          const { names } = await search(client, [`${upstream}/${name}`], 20);
          const texts = await Promise.all(names[0]!.map(async (found) => textOf(await client.call('call_tool', { name: found }))));
          expect(texts).toContain(`${upstream}/${name}`);
          for (const text of texts) reached.add(text);
          const direct = await client.call(name).catch((error: GatewayError) => error.code);
          expect([name, direct === 'UNKNOWN_NAME']).toEqual([name, !FIXED.includes(name)]);
        }
      }
      expect(reached.size).toBe(offers.flat().length);
    }),
    { numRuns: 15 },
  );
});

const base: Request = {
  method: 'tools/call',
  params: new Map(),
  client: { revision: '2026-07-28', info: undefined, capabilities: {}, logLevel: 'off' },
  principal: 'local',
  cancellation: new Cancellation(),
  emit: undefined,
  wantsProgress: false,
};
