import { Cancellation, GatewayError, type Clock } from '@signalbox/core';
import { describe, expect, test, vi } from 'vitest';
import { createMemoryGateway, createScriptedServer, resultOf, textOf, type ScriptedTool } from '../testing/memory-gateway.ts';

/** A clock that stands still until it is moved. */
function createClock(): { readonly clock: Clock; readonly advance: (ms: number) => void } {
  let offset = 0;
  const clock: Clock = {
    now: () => Date.now() + offset,
    monotonic: () => performance.now() + offset,
    after: (delayMs, run) => {
      const timer = setTimeout(run, delayMs);
      return () => clearTimeout(timer);
    },
  };
  return { clock, advance: (ms) => (offset += ms) };
}

function counting(name: string, more: Partial<ScriptedTool> = {}) {
  let runs = 0;
  const run = vi.fn(() => resultOf({ content: [{ type: 'text', text: String(++runs) }] }));
  return { run, tool: { name, run, ...more } satisfies ScriptedTool };
}

async function start(tools: ScriptedTool[], cache: object = { tools: ['*'] }, more: object = {}) {
  const server = createScriptedServer(tools);
  const gateway = await createMemoryGateway({ servers: { a: server }, config: { a: { cache } }, ...more });
  await gateway.list('tools/list');
  return { server, gateway };
}

describe('an answer', () => {
  test('is given again to its own caller alone, unless it is said to be for all', async () => {
    for (const [scope, runs] of [
      ['caller', 2],
      ['shared', 1],
    ] as const) {
      const { tool, run } = counting('pure');
      const { gateway } = await start([tool], { tools: ['pure'], scope });
      for (const principal of ['ann', 'ben', 'ann', 'ben']) await gateway.call('pure', {}, { principal });
      expect(run).toHaveBeenCalledTimes(runs);
      expect(gateway.answerCounts).toMatchObject({ hits: 4 - runs, misses: runs });
      await gateway[Symbol.asyncDispose]();
    }
  });

  test('of a tool that writes is kept only where the tool is named in full', async () => {
    const writes = counting('write', { annotations: { readOnlyHint: false } });
    const destroys = counting('destroy', { annotations: { destructiveHint: true } });
    const named = counting('named', { annotations: { readOnlyHint: false } });
    const { gateway } = await start([writes.tool, destroys.tool, named.tool], { tools: ['*', 'named'] });
    for (const tool of ['write', 'destroy', 'named', 'write', 'destroy', 'named']) await gateway.call(tool);
    expect([writes.run, destroys.run, named.run].map((run) => run.mock.calls.length)).toEqual([2, 2, 1]);
    await gateway[Symbol.asyncDispose]();
  });

  test('is asked for anew when its tool is defined otherwise', async () => {
    const { tool, run } = counting('pure');
    const { server, gateway } = await start([tool]);
    await gateway.call('pure');
    server.about = 'Does something else now';
    server.emit('notifications/tools/list_changed');
    await vi.waitFor(async () => {
      await gateway.call('pure');
      expect(run).toHaveBeenCalledTimes(2);
    });
    await gateway[Symbol.asyncDispose]();
  });

  test('is asked for anew under another configuration of its server', async () => {
    const { tool, run } = counting('pure');
    const { gateway } = await start([tool]);
    await gateway.call('pure');
    gateway.apply({ a: { module: 'a', cache: { tools: ['*'] }, env: { TOKEN: 'another' } } });
    await vi.waitFor(async () => {
      await gateway.call('pure');
      expect(run).toHaveBeenCalledTimes(2);
    });
    await gateway[Symbol.asyncDispose]();
  });

  test('to a later round, or with other members beside its arguments, is none of a first one', async () => {
    const { tool, run } = counting('pure');
    const { gateway } = await start([tool]);
    const call = (params: object) => gateway.call('', {}, { method: 'tools/call', params: { name: 'pure', arguments: {}, ...params } });
    await call({});
    await call({ inputResponses: {} });
    await call({ _meta: { 'example.com/language': 'de' } });
    expect(run).toHaveBeenCalledTimes(3);
    await call({ _meta: { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', progressToken: 7 } });
    expect(run).toHaveBeenCalledTimes(3);
    await gateway[Symbol.asyncDispose]();
  });

  test('of a fallback is not kept as that of the server it stood in for', async () => {
    const away = createScriptedServer([
      {
        name: 'find',
        annotations: { readOnlyHint: true },
        run: () => {
          throw new GatewayError('UPSTREAM_UNAVAILABLE', 'away', { data: { sent: false } });
        },
      },
    ]);
    const { tool, run } = counting('find', { annotations: { readOnlyHint: true } });
    await using gateway = await createMemoryGateway({
      servers: { away, there: createScriptedServer([tool]) },
      config: { away: { cache: { tools: ['*'] }, fallback: ['there'], retry: { attempts: 1 } } },
    });
    await gateway.list('tools/list');
    for (const text of ['1', '2']) expect(textOf(await gateway.call('find'))).toBe(text);
    expect(run).toHaveBeenCalledTimes(2);
  });
});

describe('callers who ask for the same at once', () => {
  function slow() {
    const releases: ((text: string) => void)[] = [];
    const run = vi.fn(
      () =>
        new Promise<ReturnType<typeof resultOf>>((resolve) =>
          releases.push((text) => resolve(resultOf({ content: [{ type: 'text', text }] }))),
        ),
    );
    return { tool: { name: 'slow', run } satisfies ScriptedTool, run, releases };
  }

  test('wait for one answer', async () => {
    const { tool, run, releases } = slow();
    const { gateway } = await start([tool]);
    const calls = Array.from({ length: 20 }, () => gateway.call('slow'));
    await vi.waitFor(() => expect(gateway.answerCounts.joined).toBe(19));
    releases[0]!('the one');
    expect(new Set((await Promise.all(calls)).map(textOf))).toEqual(new Set(['the one']));
    expect(run).toHaveBeenCalledTimes(1);
    expect(gateway.records.filter(({ cached }) => cached)).toHaveLength(19);
    await gateway[Symbol.asyncDispose]();
  });

  test('are not disturbed by one who leaves, and the last one who leaves ends it', async () => {
    const { tool, run, releases } = slow();
    const { gateway } = await start([tool]);
    const [first, second] = [new Cancellation(), new Cancellation()];
    const left = gateway.call('slow', {}, { cancellation: first });
    const stays = gateway.call('slow', {}, { cancellation: second });
    await vi.waitFor(() => expect(run).toHaveBeenCalledTimes(1));
    first.cancel('left');
    await expect(left).rejects.toMatchObject({ code: 'CANCELLED' });
    releases[0]!('for who stayed');
    expect(textOf(await stays)).toBe('for who stayed');
    const alone = new Cancellation();
    const gone = gateway.call('slow', { other: true }, { cancellation: alone });
    await vi.waitFor(() => expect(run).toHaveBeenCalledTimes(2));
    alone.cancel('left, too');
    await expect(gone).rejects.toMatchObject({ code: 'CANCELLED' });
    const again = gateway.call('slow', { other: true });
    await vi.waitFor(() => expect(run).toHaveBeenCalledTimes(3));
    releases[2]!('anew');
    expect(textOf(await again)).toBe('anew');
    await gateway[Symbol.asyncDispose]();
  });

  test('share a failure, which the next one does not', async () => {
    const run = vi.fn<ScriptedTool['run']>(() =>
      Promise.reject(new GatewayError('UPSTREAM_UNAVAILABLE', 'broken', { data: { sent: true } })),
    );
    const { gateway } = await start([{ name: 'broken', run }]);
    const calls = await Promise.allSettled([gateway.call('broken'), gateway.call('broken')]);
    expect(calls.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(run).toHaveBeenCalledTimes(1);
    await expect(gateway.call('broken')).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
    expect(run).toHaveBeenCalledTimes(2);
    await gateway[Symbol.asyncDispose]();
  });
});

describe('a stale answer', () => {
  test('is given at once while a new one is fetched behind it, once and with a record of its own', async () => {
    const { clock, advance } = createClock();
    const { tool, run } = counting('pure');
    const { gateway } = await start([tool], { tools: ['*'], ttlMs: 1_000, staleMs: 10_000 }, { clock });
    await gateway.call('pure');
    advance(1_500);
    const answers = await Promise.all([gateway.call('pure'), gateway.call('pure'), gateway.call('pure')]);
    expect(answers.map(textOf)).toEqual(['1', '1', '1']);
    await vi.waitFor(async () => expect(textOf(await gateway.call('pure'))).toBe('2'));
    expect(run).toHaveBeenCalledTimes(2);
    expect(gateway.answerCounts.staleHits).toBeGreaterThanOrEqual(3);
    const behind = gateway.records.filter(({ callId }) => callId.endsWith('-again'));
    expect(behind).toMatchObject([{ name: 'pure', upstream: 'a', status: 'ok', cached: false, attempts: 1 }]);
    await gateway[Symbol.asyncDispose]();
  });

  test('goes on to be given while a new one cannot be had, until it is too old', async () => {
    const { clock, advance } = createClock();
    let isBroken = false;
    const run: ScriptedTool['run'] = () => {
      if (isBroken) throw new GatewayError('UPSTREAM_UNAVAILABLE', 'broken', { data: { sent: true } });
      return resultOf({ content: [{ type: 'text', text: 'old' }] });
    };
    const { gateway } = await start([{ name: 'pure', run }], { tools: ['*'], ttlMs: 1_000, staleMs: 1_000 }, { clock });
    await gateway.call('pure');
    isBroken = true;
    advance(1_500);
    for (let time = 0; time < 3; time += 1) expect(textOf(await gateway.call('pure'))).toBe('old');
    await vi.waitFor(() => expect(gateway.records.some(({ error }) => error === 'UPSTREAM_UNAVAILABLE')).toBe(true));
    advance(1_000);
    await expect(gateway.call('pure')).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
    await gateway[Symbol.asyncDispose]();
  });
});

describe('a resource', () => {
  async function startReading(hint: object) {
    const server = createScriptedServer();
    server.resources = [{ uri: 'note://1', name: 'one' }];
    const reads: string[] = [];
    server.readResource = ({ principal }) => {
      reads.push(principal);
      return resultOf({ contents: [{ uri: 'note://1', text: `read ${reads.length}` }], ...hint });
    };
    const gateway = await createMemoryGateway({ servers: { a: server } });
    await gateway.list('resources/list');
    const read = (principal: string) => gateway.call('', {}, { method: 'resources/read', params: { uri: 'note://1' }, principal });
    return { gateway, read, reads };
  }

  test.each([
    ['public', { ttlMs: 60_000, cacheScope: 'public' }, ['ann']],
    ['private', { ttlMs: 60_000, cacheScope: 'private' }, ['ann', 'ben', 'ann', 'ben']],
    ['without a scope', { ttlMs: 60_000 }, ['ann', 'ben', 'ann', 'ben']],
    ['without time', { ttlMs: 0, cacheScope: 'public' }, ['ann', 'ben', 'ann', 'ben']],
    ['with nonsense', { ttlMs: 'long', cacheScope: 'public' }, ['ann', 'ben', 'ann', 'ben']],
  ] as const)('that is %s', async (_, hint, expected) => {
    const { gateway, read, reads } = await startReading(hint);
    for (const principal of ['ann', 'ben', 'ann', 'ben']) await read(principal);
    expect(reads).toEqual(expected);
    await gateway[Symbol.asyncDispose]();
  });
});
