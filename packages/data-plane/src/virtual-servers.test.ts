import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import type { GatewayError } from '@signalbox/core';
import { createMemoryDocuments } from '@signalbox/storage';
import {
  createMemoryGateway,
  createScriptedServer,
  resultOf,
  textOf,
  type MemoryClient,
  type ScriptedTool,
} from './testing/memory-gateway.ts';

function say(name: string, text = name): ScriptedTool {
  return { name, run: () => resultOf({ content: [{ type: 'text', text }] }) };
}

function createServers() {
  const github = createScriptedServer([say('search', 'github'), say('delete_repo')]);
  const jira = createScriptedServer([say('search', 'jira'), say('create.issue')]);
  github.resources = [{ uri: 'doc://readme', name: 'github' }];
  jira.resources = [{ uri: 'doc://readme', name: 'jira' }];
  github.prompts = [{ name: 'review' }];
  jira.prompts = [{ name: 'review' }];
  return { github, jira };
}

describe('a virtual server', () => {
  test('of one upstream has its names, order and addresses untouched, whoever has the same ones elsewhere', async () => {
    await using gateway = await createMemoryGateway({
      servers: createServers(),
      more: { virtualServers: { tickets: { upstreams: ['jira'] } } },
    });
    expect(await gateway.list('tools/list')).toEqual(['search', 'delete_repo', 'jira__search', 'create_issue']);
    const tickets = gateway.at('tickets');
    expect(await tickets.list('tools/list')).toEqual(['search', 'create.issue']);
    expect(await tickets.list('resources/list')).toEqual(['doc://readme']);
    expect(await tickets.list('prompts/list')).toEqual(['review']);
    expect(textOf(await tickets.call('search'))).toBe('jira');
    expect(await tickets.call('', {}, { method: 'resources/read', params: { uri: 'doc://readme' } })).toMatchObject({ kind: 'result' });
    expect(gateway.records.at(-1)).toMatchObject({ upstream: 'jira', name: 'doc://readme' });
  });

  test('has the upstreams it names in its own order, with names of its own', async () => {
    await using gateway = await createMemoryGateway({
      servers: createServers(),
      more: {
        virtualServers: {
          work: {
            upstreams: ['jira', 'github'],
            tools: { deny: ['github/delete_*'], rename: { 'jira/search': 'find_ticket', 'create.issue': 'file' } },
            resources: false,
          },
          prefixed: { tools: { prefix: 'always', allow: ['search'] }, prompts: false },
        },
      },
    });
    await gateway.list('tools/list');
    const work = gateway.at('work');
    expect(await work.list('tools/list')).toEqual(['find_ticket', 'file', 'search']);
    expect(textOf(await work.call('find_ticket'))).toBe('jira');
    expect(textOf(await work.call('search'))).toBe('github');
    expect(await work.list('resources/list')).toEqual([]);
    expect(work.handler.describe().capabilities).not.toHaveProperty('resources');
    expect(await gateway.at('prefixed').list('tools/list')).toEqual(['github__search', 'jira__search']);
    expect(await gateway.at('prefixed').list('prompts/list')).toEqual([]);
    expect(await gateway.at('prefixed').list('resources/list')).toEqual(['doc://readme', 'jira+doc://readme']);
  });

  test('has the upstreams with its tags', async () => {
    await using gateway = await createMemoryGateway({
      servers: createServers(),
      config: { jira: { tags: ['work', 'slow'] }, github: { tags: ['work'] } },
      more: { virtualServers: { slow: { tags: ['work', 'slow'] }, work: { tags: ['work'], upstreams: ['github'] } } },
    });
    await gateway.list('tools/list');
    expect(await gateway.at('slow').list('tools/list')).toEqual(['search', 'create.issue']);
    expect(await gateway.at('work').list('tools/list')).toEqual(['search', 'delete_repo']);
  });

  test('says who it is and what its upstreams say', async () => {
    await using gateway = await createMemoryGateway({
      servers: createServers(),
      more: { instructions: 'For all', virtualServers: { work: { title: 'At work', instructions: 'Be quick' }, plain: {} } },
    });
    expect(gateway.handler.describe()).toMatchObject({ info: { name: 'gateway', version: '1' }, instructions: 'For all' });
    expect(gateway.at('work').handler.describe()).toMatchObject({
      info: { name: 'gateway', title: 'At work' },
      instructions: 'Be quick',
      capabilities: { tools: { listChanged: true }, resources: { subscribe: true }, completions: {} },
    });
    expect(gateway.at('plain').handler.describe()).toMatchObject({ info: { title: 'plain' }, instructions: undefined });
  });

  test('tells of no tool it does not have, and of what comes near among its own', async () => {
    await using gateway = await createMemoryGateway({
      servers: createServers(),
      more: { virtualServers: { work: { upstreams: ['github'], tools: { deny: ['delete_repo'] } } } },
    });
    await gateway.list('tools/list');
    const work = gateway.at('work');
    for (const name of ['jira__search', 'create_issue', 'create.issue', 'delete_repo']) {
      const error = (await work.call(name).catch((thrown: unknown) => thrown)) as GatewayError;
      expect([error.code, error.message]).toEqual(['UNKNOWN_NAME', `Unknown tool "${name}": nobody offers it`]);
    }
    await expect(work.call('serach')).rejects.toMatchObject({ message: expect.stringContaining('did you mean "search"?') as string });
  });

  test('waits on its first start for its own upstreams only', async () => {
    const slow = createScriptedServer([say('late')]);
    let arrive = (): void => undefined;
    slow.start = () => new Promise((resolve) => (arrive = resolve));
    const fast = createScriptedServer([say('early')]);
    await using gateway = await createMemoryGateway({
      servers: { slow, fast },
      more: { virtualServers: { quick: { upstreams: ['fast'] }, both: {} } },
    });
    await vi.waitFor(() => expect(gateway.supervisor.get('fast')!.state).toBe('ready'));
    expect(await gateway.at('quick').list('tools/list')).toEqual(['early']);
    await expect(gateway.at('quick').call('late')).rejects.toMatchObject({ message: 'Unknown tool "late": nobody offers it' });
    await expect(gateway.at('both').call('late')).rejects.toMatchObject({ data: { unlisted: ['slow'] } });
    arrive();
  });

  test('does not reach by fallback what it does not have', async () => {
    const main = createScriptedServer([say('search', 'main')]);
    const spare = createScriptedServer([say('search', 'spare')]);
    await using gateway = await createMemoryGateway({
      servers: { main, spare },
      config: { main: { fallback: ['spare'], restart: { backoffMs: 60_000 } } },
      more: { virtualServers: { only: { upstreams: ['main'] }, both: { upstreams: ['main', 'spare'] } } },
    });
    await vi.waitFor(async () => expect(await gateway.list('tools/list')).toHaveLength(2));
    main.start = () => Promise.reject(new Error('no'));
    await main.crash();
    expect(textOf(await gateway.at('both').call('search'))).toBe('spare');
    await expect(gateway.at('only').call('search')).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
  });
});

describe('while the gateway runs', () => {
  test('virtual servers come, change and go, and each hears of its own changes only', async () => {
    const servers = createServers();
    const entries = { github: { module: 'github' }, jira: { module: 'jira' } };
    await using gateway = await createMemoryGateway({ servers, more: { virtualServers: { code: { upstreams: ['github'] } } } });
    await gateway.list('tools/list');
    const paths: string[][] = [];
    gateway.servers.watch(() => paths.push([...gateway.servers.current.keys()]));
    const code = gateway.at('code');
    const before = gateway.servers.current.get('/mcp/code');

    gateway.apply(entries, { virtualServers: { code: { upstreams: ['github'] }, tickets: { path: '/tickets', upstreams: ['jira'] } } });
    expect(paths).toEqual([['/mcp/code', '/tickets']]);
    expect(gateway.servers.current.get('/mcp/code')).toBe(before);
    const tickets = gateway.at('tickets');
    expect(await tickets.list('tools/list')).toEqual(['search', 'create.issue']);

    const heard = gateway.notifications.length;
    const changed = { upstreams: ['jira'], tools: { deny: ['search'] } };
    gateway.apply(entries, { virtualServers: { code: { upstreams: ['github'] }, tickets: { path: '/tickets', ...changed } } });
    expect([code.notifications, tickets.notifications, gateway.notifications.length]).toEqual([
      [],
      ['notifications/tools/list_changed'],
      heard,
    ]);

    gateway.apply(entries, { virtualServers: { tickets: { path: '/tickets', ...changed } } });
    expect(paths.at(-1)).toEqual(['/tickets']);
    await expect(code.call('search')).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: 'Cannot serve this: the virtual server "code" was taken out of the configuration',
    });
    await expect(code.list('tools/list')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(gateway.server('code')).toBeUndefined();

    // Whoever still holds on to it, as a client over stdio does, finds it again.
    gateway.apply(entries, { virtualServers: { code: { upstreams: ['jira'] } } });
    expect(textOf(await code.call('search'))).toBe('jira');
  });

  test('a changed list of an upstream is news only where it is shown', async () => {
    const servers = createServers();
    await using gateway = await createMemoryGateway({
      servers,
      more: {
        virtualServers: { code: { upstreams: ['github'] }, tickets: { upstreams: ['jira'] }, some: { tools: { allow: ['search'] } } },
      },
    });
    await vi.waitFor(async () => expect(await gateway.list('tools/list')).toHaveLength(4));
    const clients = ['code', 'tickets', 'some'].map((name) => gateway.at(name));
    servers.jira.tools.push(say('close'));
    servers.jira.emit('notifications/tools/list_changed');
    await vi.waitFor(() => expect(clients[1]!.notifications).toEqual(['notifications/tools/list_changed']));
    expect([clients[0]!.notifications, clients[2]!.notifications]).toEqual([[], []]);
  });

  test('a changed resource is told wherever it is shown, under the address it has there', async () => {
    const servers = createServers();
    await using gateway = await createMemoryGateway({
      servers,
      more: { virtualServers: { code: { upstreams: ['github'] }, tickets: { upstreams: ['jira'] }, bare: { resources: false } } },
    });
    await vi.waitFor(async () => expect(await gateway.list('resources/list')).toHaveLength(2));
    const heard: [string, unknown][] = [];
    const watch = (name: string, { handler }: MemoryClient) =>
      handler.watch(({ method, params }) => method === 'notifications/resources/updated' && heard.push([name, params?.value]));
    watch('all', gateway);
    for (const name of ['code', 'tickets', 'bare']) watch(name, gateway.at(name));
    const stop = gateway.at('tickets').handler.subscribe('doc://readme');
    expect([servers.jira.subscriptions.size, servers.github.subscriptions.size]).toEqual([1, 0]);
    servers.jira.emit('notifications/resources/updated', { uri: 'doc://readme' });
    expect(heard).toEqual([
      ['all', { uri: 'jira+doc://readme' }],
      ['tickets', { uri: 'doc://readme' }],
    ]);
    stop();
    expect(servers.jira.subscriptions.size).toBe(0);
  });

  test('names stay through restarts, each virtual server keeping its own', async () => {
    const documents = createMemoryDocuments();
    const more = { virtualServers: { work: { upstreams: ['jira', 'github'] }, other: {} } };
    let named: string[];
    {
      await using gateway = await createMemoryGateway({ servers: createServers(), documents, more });
      await vi.waitFor(async () => expect(await gateway.list('tools/list')).toHaveLength(4));
      named = await gateway.at('work').list('tools/list');
      expect(named).toHaveLength(4);
    }
    const reordered = { virtualServers: { work: { upstreams: ['github', 'jira'] } } };
    await using gateway = await createMemoryGateway({ servers: createServers(), documents, more: reordered });
    await vi.waitFor(async () => expect(await gateway.list('tools/list')).toHaveLength(4));
    expect(await gateway.at('work').list('tools/list')).toEqual([...named.slice(2), ...named.slice(0, 2)]);
    expect(await gateway.list('tools/list')).toEqual(['search', 'delete_repo', 'jira__search', 'create_issue']);
  });
});

test('whatever is configured, a tool can be called at an address exactly if it is listed there', async () => {
  const upstreams = ['a', 'b', 'c'];
  const tool = fc.constantFrom('search', 'read', 'write.it', 'a__read', 'b__search', 'search_tools', 'constructor');
  const pattern = fc.oneof(tool, fc.constantFrom('*', 's*', 'a/*', 'b/read', '*__*'));
  const virtualServer = fc.record(
    {
      upstreams: fc.uniqueArray(fc.constantFrom(...upstreams), { minLength: 1 }),
      tools: fc.record(
        {
          prefix: fc.constantFrom('on-collision', 'always'),
          allow: fc.array(pattern, { maxLength: 3 }),
          deny: fc.array(pattern, { maxLength: 2 }),
          rename: fc.dictionary(fc.oneof(tool, fc.constantFrom('a/read', 'b/search')), tool, { maxKeys: 2 }),
        },
        { requiredKeys: [] },
      ),
    },
    { requiredKeys: [] },
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uniqueArray(tool), { minLength: 3, maxLength: 3 }),
      fc.array(virtualServer, { minLength: 1, maxLength: 3 }),
      async (tools, entries) => {
        const servers = Object.fromEntries(
          upstreams.map((name, index) => [name, createScriptedServer(tools[index]!.map((own) => say(own, `${name}/${own}`)))]),
        );
        const virtualServers = Object.fromEntries(entries.map((entry, index) => [`v${index}`, entry]));
        await using gateway = await createMemoryGateway({ servers, more: { virtualServers } });
        await vi.waitFor(() => expect(gateway.supervisor.isSettling(upstreams)).toBe(false));
        const clients = [gateway, ...Object.keys(virtualServers).map((name) => gateway.at(name))];
        const lists = await Promise.all(clients.map((client) => client.list('tools/list')));
        const everyName = new Set([...lists.flat(), ...tools.flat()]);
        for (const [index, client] of clients.entries()) {
          const reached = new Set<string>();
          for (const name of everyName) {
            const outcome = await client.call(name, {}).catch((error: GatewayError) => error.code);
            expect([name, outcome === 'UNKNOWN_NAME']).toEqual([name, !lists[index]!.includes(name)]);
            if (typeof outcome !== 'string') reached.add(textOf(outcome));
          }
          // Each name leads to a tool of its own.
          expect(reached.size).toBe(lists[index]!.length);
        }
      },
    ),
    { numRuns: 40 },
  );
});
