import { describe, expect, test, vi } from 'vitest';
import { Cancellation, GatewayError, RawJson, systemClock } from '@signalbox/core';
import { createMemoryGateway, createScriptedServer, resultOf, textOf, type ScriptedTool } from './testing/memory-gateway.ts';

function say(name: string, text: string, more: Partial<ScriptedTool> = {}): ScriptedTool {
  return { name, run: () => resultOf({ content: [{ type: 'text', text }] }), ...more };
}

describe('a call', () => {
  test('reaches the upstream under its own name and leaves a record', async () => {
    const first = createScriptedServer([say('search', 'from first')]);
    const second = createScriptedServer([say('search', 'from second')]);
    await using gateway = await createMemoryGateway({ servers: { first, second } });
    expect(await gateway.list('tools/list')).toEqual(['search', 'second__search']);
    expect(textOf(await gateway.call('search'))).toBe('from first');
    expect(textOf(await gateway.call('second__search'))).toBe('from second');
    expect(gateway.records.map(({ name, upstream, status, attempts }) => [name, upstream, status, attempts])).toEqual([
      ['search', 'first', 'ok', 1],
      ['second__search', 'second', 'ok', 1],
    ]);
  });

  test('of an unknown tool names the nearest one', async () => {
    await using gateway = await createMemoryGateway({ servers: { a: createScriptedServer([say('search', '')]) } });
    await gateway.list('tools/list');
    await expect(gateway.call('serach')).rejects.toMatchObject({ code: 'UNKNOWN_NAME', data: { nearest: 'search' } });
  });

  test('with arguments that do not fit is refused with what to mend, and nothing runs', async () => {
    const run = vi.fn(() => resultOf({ content: [] }));
    const inputSchema = {
      $schema: 'http://json-schema.org/draft-07/schema#',
      type: 'object',
      properties: { city: { type: 'string', description: 'Where' }, days: { type: 'integer' } },
      required: ['city'],
      additionalProperties: false,
    };
    await using gateway = await createMemoryGateway({ servers: { a: createScriptedServer([{ name: 'weather', inputSchema, run }]) } });
    await gateway.list('tools/list');
    const outcome = await gateway.call('weather', { cty: 'Graz', days: 'two' });
    expect(outcome).toMatchObject({ isError: true });
    expect(textOf(outcome)).toBe(
      [
        'Cannot call "weather": its arguments do not fit its schema. Nothing was run.',
        '- the arguments must have "city" (string: Where)',
        '- the arguments must not have "cty"; did you mean "city"?',
        '- "days" must be integer, not "two"',
        'Expected: { city: string: Where; days?: integer }',
        'Correct the arguments and call the tool again.',
      ].join('\n'),
    );
    expect(run).not.toHaveBeenCalled();
    expect(gateway.records[0]).toMatchObject({ status: 'tool-error', attempts: 0 });
  });

  test('keeps null for an argument that may be absent, which is for the server to read', async () => {
    const run = vi.fn(() => resultOf({ content: [] }));
    const inputSchema = { type: 'object', properties: { city: { type: 'string' }, exact: { type: 'boolean' } }, required: ['city'] };
    await using gateway = await createMemoryGateway({ servers: { a: createScriptedServer([{ name: 'weather', inputSchema, run }]) } });
    await gateway.list('tools/list');
    expect(await gateway.call('weather', { city: 'Graz', exact: null })).toMatchObject({ isError: false });
    expect(run).toHaveBeenCalledWith({ city: 'Graz', exact: null }, expect.anything());
    expect(textOf(await gateway.call('weather', { city: null }))).toContain('- "city" must be string, not null');
    expect(run).toHaveBeenCalledTimes(1);
  });

  test('that was never sent is repeated, one that may have run is not', async () => {
    let failures = 1;
    const lose = (sent: boolean) => () => {
      if (failures-- > 0) throw new GatewayError('UPSTREAM_UNAVAILABLE', 'lost', { data: { sent } });
      return resultOf({ content: [{ type: 'text', text: 'done' }] });
    };
    const server = createScriptedServer([
      { name: 'unsent', run: lose(false) },
      { name: 'write', run: lose(true) },
      { name: 'read', run: lose(true), annotations: { readOnlyHint: true } },
    ]);
    await using gateway = await createMemoryGateway({ servers: { a: server } });
    await gateway.list('tools/list');
    expect(textOf(await gateway.call('unsent'))).toBe('done');
    failures = 1;
    await expect(gateway.call('write')).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
    failures = 1;
    expect(textOf(await gateway.call('read'))).toBe('done');
    expect(gateway.records.map(({ attempts }) => attempts)).toEqual([2, 1, 2]);
  });

  test('turns to the fallback of its upstream when that one is away', async () => {
    const main = createScriptedServer([say('search', 'main')]);
    const spare = createScriptedServer([say('search', 'spare')]);
    await using gateway = await createMemoryGateway({
      servers: { main, spare },
      config: { main: { fallback: ['spare'], restart: { backoffMs: 60_000 } } },
    });
    await gateway.list('tools/list');
    main.start = () => Promise.reject(new GatewayError('UPSTREAM_UNAVAILABLE', 'broken', { data: { phase: 'spawn' } }));
    await main.crash();
    expect(textOf(await gateway.call('search'))).toBe('spare');
    expect(gateway.records[0]).toMatchObject({ upstream: 'spare', attempts: 2 });
  });

  test('meets an open breaker after repeated failures', async () => {
    const server = createScriptedServer([
      {
        name: 'hang',
        run: () => {
          throw new GatewayError('DEADLINE_EXCEEDED', 'too late', { data: { sent: true } });
        },
      },
    ]);
    await using gateway = await createMemoryGateway({
      servers: { a: server },
      config: { a: { breaker: { failures: 2, openMs: 60_000 } } },
    });
    await gateway.list('tools/list');
    for (let attempt = 0; attempt < 2; attempt++) await expect(gateway.call('hang')).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    await expect(gateway.call('hang')).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', data: { phase: 'breaker' } });
    expect(gateway.supervisor.status()[0]).toMatchObject({ breaker: 'open', failures: 2 });
  });

  test('is answered from memory only where the operator said so, and never when it failed', async () => {
    let runs = 0;
    const count: ScriptedTool['run'] = ({ fail }) =>
      resultOf({ content: [{ type: 'text', text: String(++runs) }], ...(fail === true ? { isError: true } : {}) });
    const server = createScriptedServer([
      { name: 'pure', run: count },
      { name: 'other', run: count },
    ]);
    await using gateway = await createMemoryGateway({
      servers: { a: server },
      config: { a: { cache: { ttlMs: 60_000, tools: ['pu*'] } } },
    });
    await gateway.list('tools/list');
    expect([textOf(await gateway.call('pure', { a: 1, b: 2 })), textOf(await gateway.call('pure', { b: 2, a: 1 }))]).toEqual(['1', '1']);
    expect([
      textOf(await gateway.call('pure', { a: 2 })),
      textOf(await gateway.call('other')),
      textOf(await gateway.call('other')),
    ]).toEqual(['2', '3', '4']);
    expect([textOf(await gateway.call('pure', { fail: true })), textOf(await gateway.call('pure', { fail: true }))]).toEqual(['5', '6']);
    expect(gateway.records.filter(({ cached }) => cached)).toHaveLength(1);
  });

  test('waits for its slot, and a cancelled one leaves the line', async () => {
    let release = () => {};
    const server = createScriptedServer([
      { name: 'slow', run: () => new Promise((resolve) => (release = () => resolve(resultOf({ content: [] })))) },
    ]);
    await using gateway = await createMemoryGateway({ servers: { a: server }, config: { a: { maxConcurrent: 1 } } });
    await gateway.list('tools/list');
    const running = gateway.call('slow');
    const cancellation = new Cancellation();
    const waiting = gateway.call('slow', {}, { cancellation });
    await vi.waitFor(() => expect(gateway.supervisor.status()[0]).toMatchObject({ inFlight: 1, queued: 1 }));
    cancellation.cancel('the user left');
    await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' });
    release();
    await running;
    expect(gateway.supervisor.status()[0]).toMatchObject({ inFlight: 0, queued: 0 });
  });

  test('carries its own deadline and every error its id', async () => {
    const server = createScriptedServer([{ name: 'never', run: () => new Promise(() => {}) }]);
    await using gateway = await createMemoryGateway({ servers: { a: server } });
    await gateway.list('tools/list');
    const failure = gateway.call('never', {}, { meta: { 'signalbox.dev/timeoutMs': 120 } });
    await expect(failure).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
      data: { callId: expect.stringMatching(/-1$/) as unknown },
    });
  });
});

describe('a notification beyond the specification', () => {
  const caller = {
    client: { revision: '2026-07-28', info: { name: 'editor', version: '9' }, capabilities: {}, logLevel: 'off' },
    principal: 'ann',
  } as const;
  const said = { method: 'notifications/vendor/said', params: RawJson.fromBytes(Buffer.from('{"n":1,"list":[{}]}')) };

  test('reaches the one server there is, as a call with its record', async () => {
    const server = createScriptedServer([say('search', '')]);
    await using gateway = await createMemoryGateway({ servers: { a: server } });
    await gateway.list('tools/list');
    gateway.handler.notify!(said, caller);
    await expect
      .poll(() => server.told)
      .toEqual([{ method: said.method, params: { n: 1, list: [{}] }, caller: { ...caller, session: undefined } }]);
    expect(gateway.records).toMatchObject([
      { method: said.method, name: said.method, upstream: 'a', client: 'editor', status: 'ok', attempts: 1 },
    ]);
  });

  test('waits for its server, and is recorded as failed where that is away', async () => {
    const server = createScriptedServer([say('search', '')]);
    await using gateway = await createMemoryGateway({ servers: { a: server }, config: { a: { restart: { backoffMs: 60_000 } } } });
    await gateway.list('tools/list');
    server.start = () => Promise.reject(new GatewayError('UPSTREAM_UNAVAILABLE', 'broken', { data: { phase: 'spawn' } }));
    await server.crash();
    gateway.handler.notify!(said, caller);
    await expect.poll(() => gateway.records).toMatchObject([{ upstream: 'a', status: 'gateway-error', error: 'UPSTREAM_UNAVAILABLE' }]);
    expect(server.told).toEqual([]);
  });

  test('reaches none of several servers, but the one at an address of its own', async () => {
    const [a, b] = [createScriptedServer([say('search', '')]), createScriptedServer([say('find', '')])];
    await using gateway = await createMemoryGateway({
      servers: { a, b },
      more: { virtualServers: { only: { upstreams: ['b'] } } },
    });
    await gateway.list('tools/list');
    gateway.handler.notify!(said, caller);
    expect(gateway.records).toMatchObject([{ upstream: undefined, status: 'gateway-error', error: 'METHOD_NOT_FOUND' }]);
    gateway.at('only').handler.notify!(said, caller);
    await expect.poll(() => b.told).toHaveLength(1);
    expect(a.told).toEqual([]);
  });

  test('is not what only looks like one, and no request either', async () => {
    const server = createScriptedServer([say('search', '')]);
    await using gateway = await createMemoryGateway({ servers: { a: server } });
    await gateway.list('tools/list');
    for (const method of ['notifications/Initialized', 'notifications/roots/list_changed', 'tools/call', 'vendor/said'])
      gateway.handler.notify!({ ...said, method }, caller);
    await expect(gateway.call('', {}, { method: said.method, params: {} })).rejects.toMatchObject({ code: 'METHOD_NOT_FOUND' });
    expect(gateway.records.map(({ method }) => method)).toEqual([said.method]);
    expect(server.told).toEqual([]);
  });
});

describe('prompts, resources and completions', () => {
  test('reach their owner in the owner’s words', async () => {
    const first = createScriptedServer();
    const second = createScriptedServer();
    first.prompts = second.prompts = [{ name: 'greet' }];
    first.resources = second.resources = [{ uri: 'note://1', name: 'one' }];
    await using gateway = await createMemoryGateway({ servers: { first, second } });
    expect(await gateway.list('prompts/list')).toEqual(['greet', 'second__greet']);
    expect(await gateway.list('resources/list')).toEqual(['note://1', 'second+note://1']);
    const ask = async (method: string, params: object) => {
      const outcome = await gateway.call('', {}, { method, params });
      return outcome.kind === 'result' ? outcome.result.object!['echo'] : outcome.error;
    };
    expect(await ask('prompts/get', { name: 'second__greet' })).toEqual({ name: 'greet' });
    expect(await ask('resources/read', { uri: 'second+note://1' })).toEqual({ uri: 'note://1' });
    expect(
      await ask('completion/complete', { ref: { type: 'ref/prompt', name: 'second__greet' }, argument: { name: 'x', value: '' } }),
    ).toMatchObject({ ref: { name: 'greet' } });
    await expect(ask('resources/read', { uri: 'nowhere://' })).rejects.toMatchObject({ code: 'RESOURCE_NOT_FOUND' });
    await expect(ask('vendor/thing', {})).rejects.toMatchObject({ code: 'METHOD_NOT_FOUND' });
  });

  test('subscriptions are counted, and updates carry our URI', async () => {
    const server = createScriptedServer();
    server.resources = [{ uri: 'note://1', name: 'one' }];
    await using gateway = await createMemoryGateway({ servers: { a: server } });
    await gateway.list('resources/list');
    const stops = [gateway.handler.subscribe('note://1'), gateway.handler.subscribe('note://1')];
    await vi.waitFor(() => expect([...server.subscriptions]).toEqual(['note://1']));
    server.emit('notifications/resources/updated', { uri: 'note://1' });
    expect(gateway.notifications).toContain('notifications/resources/updated');
    stops[0]!();
    expect(server.subscriptions.size).toBe(1);
    stops[1]!();
    await vi.waitFor(() => expect(server.subscriptions.size).toBe(0));
  });
});

describe('upstreams', () => {
  test('one that never starts does not hold up the list or the calls of another', async () => {
    const stuck = createScriptedServer();
    stuck.start = () => new Promise(() => {});
    const good = createScriptedServer([say('echo', 'hello')]);
    const gateway = await createMemoryGateway({ servers: { stuck, good } });
    const start = performance.now();
    expect(await gateway.list('tools/list')).toEqual(['echo']);
    expect(textOf(await gateway.call('echo'))).toBe('hello');
    expect(performance.now() - start).toBeLessThan(1000);
    expect(gateway.supervisor.status().map(({ name, state }) => [name, state])).toEqual([
      ['stuck', 'starting'],
      ['good', 'ready'],
    ]);
  });

  test('are listed from memory before they are up, and a call waits for them', async () => {
    const server = createScriptedServer([say('echo', 'hello')]);
    const first = await createMemoryGateway({ servers: { a: server } });
    await first.list('tools/list');
    const { documents } = first;
    await vi.waitFor(async () => expect(await documents.read('names')).toBeDefined());
    await first.close();
    let begin = () => {};
    server.start = () => new Promise((resolve) => (begin = resolve));
    await using second = await createMemoryGateway({ servers: { a: server }, documents });
    expect(await second.list('tools/list')).toEqual(['echo']);
    const call = second.call('echo');
    begin();
    expect(textOf(await call)).toBe('hello');
  });

  test('that crash are back at the next call', async () => {
    const server = createScriptedServer([say('echo', 'hello')]);
    await using gateway = await createMemoryGateway({ servers: { a: server } });
    await gateway.list('tools/list');
    await server.crash();
    expect(textOf(await gateway.call('echo'))).toBe('hello');
    expect(gateway.supervisor.status()[0]).toMatchObject({ state: 'ready', starts: 2 });
  });

  test('that change their lists are listed again, once for many changes, and clients hear of it', async () => {
    const server = createScriptedServer([say('one', '')]);
    await using gateway = await createMemoryGateway({ servers: { a: server } });
    await gateway.list('tools/list');
    gateway.notifications.length = 0;
    server.tools.push(say('two', ''));
    for (let count = 0; count < 5; count++) server.emit('notifications/tools/list_changed');
    await vi.waitFor(async () => expect(await gateway.list('tools/list')).toEqual(['one', 'two']));
    expect(gateway.notifications).toEqual(['notifications/tools/list_changed']);
  });

  test('whose configuration did not change are left alone by a new one', async () => {
    const kept = createScriptedServer([say('kept', '')]);
    const changed = createScriptedServer([say('changed', '')]);
    const added = createScriptedServer([say('added', '')]);
    await using gateway = await createMemoryGateway({ servers: { kept, changed, added } });
    await gateway.list('tools/list');
    const entry = (name: string, more = {}) => ({ module: name, retry: { backoffMs: 1 }, ...more });
    gateway.apply({ kept: entry('kept'), changed: entry('changed', { maxConcurrent: 2 }) });
    await vi.waitFor(() => expect([kept.opened, changed.opened, changed.closed, added.closed]).toEqual([1, 2, 1, 1]));
    expect(await gateway.list('tools/list')).toEqual(['kept', 'changed']);
    expect(kept.closed).toBe(0);
  });

  test('keep counting their starts through new configurations, and forget lists that belong to another server', async () => {
    const one = createScriptedServer([say('one', '')]);
    const other = createScriptedServer([say('other', '')]);
    other.start = () => Promise.reject(new GatewayError('UPSTREAM_UNAVAILABLE', 'not today'));
    await using gateway = await createMemoryGateway({ servers: { a: one, b: other } });
    await gateway.list('tools/list');
    gateway.apply({ a: { module: 'a', maxConcurrent: 3 } });
    await vi.waitFor(() => expect(gateway.supervisor.status()).toMatchObject([{ name: 'a', state: 'ready', starts: 2 }]));
    gateway.apply({});
    gateway.apply({ a: { module: 'b' } });
    expect(await gateway.list('tools/list')).toEqual([]);
    expect(gateway.supervisor.status()).toMatchObject([{ name: 'a', starts: 3 }]);
  });

  test('whose configuration lacks something say so once and are not tried again', async () => {
    const server = createScriptedServer([say('echo', '')]);
    server.start = () => Promise.reject(new GatewayError('INVALID_CONFIG', 'it needs the environment variable "KEY"'));
    await using gateway = await createMemoryGateway({ servers: { a: server }, config: { a: { restart: { backoffMs: 1 } } } });
    await vi.waitFor(() => expect(gateway.supervisor.status()[0]!.state).toBe('failed'));
    await expect(gateway.supervisor.get('a')!.connection(50)).rejects.toMatchObject({
      code: 'UPSTREAM_UNAVAILABLE',
      message: expect.stringContaining('KEY'),
    });
    expect(server.opened).toBe(1);
  });

  test('that are switched off are stopped and not listed', async () => {
    const server = createScriptedServer([say('echo', '')]);
    await using gateway = await createMemoryGateway({ servers: { a: server }, config: { a: { disabled: true } } });
    expect(await gateway.list('tools/list')).toEqual([]);
    expect(server.opened).toBe(0);
    expect(gateway.supervisor.status()[0]).toMatchObject({ state: 'stopped' });
  });

  test('that cannot start say why, and are tried again', async () => {
    const server = createScriptedServer([say('echo', 'hello')]);
    let failures = 2;
    server.start = () =>
      failures-- > 0 ? Promise.reject(new GatewayError('UPSTREAM_UNAVAILABLE', 'Cannot start "a": no such program')) : Promise.resolve();
    await using gateway = await createMemoryGateway({ servers: { a: server }, config: { a: { restart: { backoffMs: 10 } } } });
    await vi.waitFor(() => expect(gateway.supervisor.status()[0]!.state).toBe('ready'));
    expect(server.opened).toBe(3);
  });

  test('hide what their configuration denies, and show what it renames', async () => {
    const server = createScriptedServer([say('get_a', 'a'), say('get_b', 'b'), say('drop_all', 'c')]);
    await using gateway = await createMemoryGateway({
      servers: { a: server },
      config: { a: { tools: { deny: ['drop_*'], rename: { get_b: 'fetch' } } } },
    });
    expect(await gateway.list('tools/list')).toEqual(['get_a', 'fetch']);
    expect(textOf(await gateway.call('fetch'))).toBe('b');
    await expect(gateway.call('drop_all')).rejects.toMatchObject({ code: 'UNKNOWN_NAME' });
  });
});

test('a quiet upstream that stops answering pings becomes degraded and is started anew', async () => {
  const server = createScriptedServer([say('echo', '')]);
  await using gateway = await createMemoryGateway({
    servers: { a: server },
    clock: systemClock,
    config: { a: { health: { intervalMs: 20, timeoutMs: 20, failures: 2 } } },
  });
  await gateway.list('tools/list');
  const upstream = gateway.supervisor.get('a')!;
  const connection = await upstream.connection(1000);
  const ping = vi.spyOn(connection, 'ping').mockRejectedValue(new GatewayError('DEADLINE_EXCEEDED', 'no answer'));
  await vi.waitFor(() => expect(server.opened).toBe(2));
  expect(ping).toHaveBeenCalledTimes(2);
  await vi.waitFor(() => expect(upstream.state).toBe('ready'));
});
