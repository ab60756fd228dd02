import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPerson } from './commands/person.ts';
import { untilState } from './support/admin.ts';
import { eventually } from './support/eventually.ts';
import { startGateway, type RunningGateway } from './support/gateway.ts';
import { OFFICIAL_CLIENTS, openOfficialClient } from './support/official-clients.ts';
import { rpc } from './support/raw-client.ts';
import { stdioEntry } from './support/stdio-entry.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const OWN_TOOLS = ['echo', 'sleep', 'big', 'env', 'pids'];
// Two servers with the same tools, and one that has resources and prompts.
const mcpServers = {
  first: stdioEntry({ env: { WHO: 'first' } }),
  second: stdioEntry({ env: { WHO: 'second' } }),
  everything: { command: path.join(ROOT, 'node_modules/.bin/mcp-server-everything'), args: ['stdio'] },
};

function at(gateway: Pick<RunningGateway, 'url'>, where: string): string {
  return new URL(where, gateway.url).href;
}

describe.each(OFFICIAL_CLIENTS)('for the official client "%s"', (kind) => {
  let gateway: RunningGateway;
  beforeAll(async () => {
    const virtualServers = {
      second: { upstreams: ['second'] },
      chosen: {
        path: '/teams/a',
        upstreams: ['everything', 'first'],
        tools: { allow: ['get-*', 'first/echo', 'env'], deny: ['get-env'], rename: { 'get-sum': 'add', 'first/env': 'surroundings' } },
        prompts: false,
      },
    };
    gateway = await startGateway({ config: { mcpServers, virtualServers } });
    for (const name of Object.keys(mcpServers)) await untilState(gateway, name, 'ready');
  });
  afterAll(() => gateway.stop());

  test('a virtual server of one upstream is that upstream, names, order and all', async () => {
    await using client = await openOfficialClient(kind, at(gateway, '/mcp/second'));
    expect(await client.tools()).toEqual(OWN_TOOLS);
    expect(JSON.parse((await client.call('env')).text)).toMatchObject({ WHO: 'second' });
    expect((await client.call('echo', { text: 'hi' })).text).toBe('hi');
    // Everything together has the same tools under names that tell them apart.
    await using all = await openOfficialClient(kind, gateway.url);
    const together = await all.tools();
    expect(together).toHaveLength(new Set(together).size);
    expect(together.filter((name) => name.endsWith('env'))).toHaveLength(3);
  });

  test('a chosen part has its own names, and nothing else can be called there', async () => {
    await using client = await openOfficialClient(kind, at(gateway, '/teams/a'));
    const tools = await client.tools();
    expect(tools).toEqual(expect.arrayContaining(['add', 'echo', 'surroundings', 'get-tiny-image']));
    expect((await client.call('add', { a: 2, b: 3 })).text).toContain('5');
    expect(JSON.parse((await client.call('surroundings')).text)).toMatchObject({ WHO: 'first' });
    for (const name of ['get-sum', 'get-env', 'sleep', 'second__echo', 'toggle-simulated-logging'])
      await expect(client.call(name)).rejects.toThrow(`Unknown tool "${name}": nobody offers it`);
    expect(await client.resources()).toContain('demo://resource/static/document/features.md');
    expect(await client.read('demo://resource/static/document/features.md')).toContain('# ');
  });
});

describe('while the gateway runs', () => {
  test.each(['sdk', 'client modern'] as const)(
    'virtual servers come, change and go under load, no call elsewhere fails, and the client "%s" hears of its own',
    async (kind) => {
      const elsewhere = { first: { upstreams: ['first'] } };
      const config = (virtualServers: object) => ({ mcpServers: { first: mcpServers.first, second: mcpServers.second }, virtualServers });
      await using gateway = await startGateway({ config: config(elsewhere) });
      for (const name of ['first', 'second']) await untilState(gateway, name, 'ready');
      const edit = (virtualServers: object) => writeFile(gateway.configFile, JSON.stringify(config(virtualServers)));
      await using neighbour = await openOfficialClient(kind, at(gateway, '/mcp/first'));
      await neighbour.tools();
      await using load = createLoad([gateway.url, at(gateway, '/mcp/first')]);

      for (let round = 0; round < 3; round++) {
        await edit({ ...elsewhere, passing: { upstreams: ['second'] } });
        await eventually('it is there', async () => ((await statusOf(at(gateway, '/mcp/passing'))) === 200 ? true : undefined));
        await using client = await openOfficialClient(kind, at(gateway, '/mcp/passing'));
        expect(await client.tools()).toEqual(OWN_TOOLS);

        await edit({ ...elsewhere, passing: { upstreams: ['second'], tools: { allow: ['echo'] } } });
        await eventually('its client hears of the change', () => (client.heard.toolListChanges > 0 ? true : undefined));
        expect(await client.tools()).toEqual(['echo']);
        expect((await client.call('echo', { text: 'still here' })).text).toBe('still here');

        await edit(elsewhere);
        await eventually('it is gone', async () => ((await statusOf(at(gateway, '/mcp/passing'))) === 404 ? true : undefined));
        await expect(client.call('echo', { text: 'gone' })).rejects.toThrow('Cannot find anything at this address');
      }
      const { calls, failures } = await load.stop();
      expect(failures).toEqual([]);
      expect(calls).toBeGreaterThan(50);
      expect(neighbour.heard.toolListChanges).toBe(0);
    },
  );
});

describe('commands', () => {
  test('list and call a virtual server by its name', async () => {
    await using person = await createPerson();
    const { first, second } = mcpServers;
    await person.write('signalbox.json', {
      mcpServers: { first, second },
      virtualServers: { two: { upstreams: ['second'], title: 'The second' }, three: { path: '/three', tools: { allow: ['echo'] } } },
    });
    expect((await person.run('list', '--server', 'two', '--json')).json()['upstreams']).toMatchObject([{ name: 'second' }]);
    const listed = (await person.run('tools', '--server', 'two', '--json')).json()['tools'] as { name: string; upstream: string }[];
    expect(listed.map(({ name, upstream }) => [name, upstream])).toEqual(OWN_TOOLS.map((name) => [name, 'second']));
    expect(await person.run('call', 'env', '--server', 'two')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('"second"') as string,
    });
    expect(await person.run('call', 'sleep', '--server', 'three')).toMatchObject({ code: 3 });
    expect((await person.run('config', 'check')).stdout).toContain('2 servers (2 stdio) and 2 virtual servers');
    const unknown = { code: 3, stdout: '', stderr: expect.stringContaining('There is no virtual server "tow"') as string };
    for (const words of [['stdio'], ['tools'], ['list'], ['call', 'echo']])
      expect(await person.run(...words, '--server', 'tow')).toMatchObject(unknown);
    expect((await person.run('tools', '--server', 'tow')).stderr).toContain('Did you mean "two"?');
    expect(await person.run('tools', '--server', 'two', '--url', 'http://127.0.0.1:1/mcp')).toMatchObject({ code: 2 });
  });

  test('stdio serves a virtual server to the client that starts it', async () => {
    await using person = await createPerson();
    const { first, second } = mcpServers;
    await person.write('signalbox.json', { mcpServers: { first, second }, virtualServers: { two: { upstreams: ['second'] } } });
    const program = path.join(ROOT, 'apps/gateway/bin/signalbox.js');
    const args = [
      program,
      'stdio',
      '--server',
      'two',
      '--config',
      path.join(person.cwd, 'signalbox.json'),
      '--data',
      path.join(person.home, 'data'),
    ];
    await using client = await openOfficialClient('sdk', { command: process.execPath, args });
    expect(await eventually('its tools', async () => ((await client.tools()).length > 0 ? client.tools() : undefined))).toEqual(OWN_TOOLS);
    expect(JSON.parse((await client.call('env')).text)).toMatchObject({ WHO: 'second' });
  });

  test('reach the virtual servers of the gateway that runs, and status shows where they are', async () => {
    const { first, second } = mcpServers;
    const config = { mcpServers: { first, second }, virtualServers: { two: { path: '/second', upstreams: ['second'] } } };
    await using gateway = await startGateway({ config });
    await untilState(gateway, 'second', 'ready');
    await using person = await createPerson();
    const common = ['--config', gateway.configFile, '--data', gateway.dataDir];
    const status = await person.run('status', ...common);
    expect(status.stdout).toContain(at(gateway, '/second'));
    expect((await person.run('status', '--json', ...common)).json()['virtualServers']).toEqual([
      { name: 'two', path: '/second', surface: 'all', upstreams: ['second'], tools: 5, resources: 0, prompts: 0 },
    ]);
    expect(await person.run('call', 'env', '--server', 'two', ...common)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('"second"') as string,
    });
    expect(await person.run('call', 'env', '--server', 'tow', ...common)).toMatchObject({ code: 3 });
  });
});

async function statusOf(url: string): Promise<number> {
  return (await rpc(url).modern().exchange('server/discover')).status;
}

/** Calls at several addresses without a pause until it is stopped. */
function createLoad(urls: readonly string[]) {
  const end = new AbortController();
  let calls = 0;
  const failures: unknown[] = [];
  const run = async (url: string) => {
    const session = rpc(url).modern();
    while (!end.signal.aborted) {
      const text = `call ${++calls}`;
      const answer = await session.request('tools/call', { name: 'echo', arguments: { text } }).catch((error: unknown) => ({ error }));
      if (JSON.stringify(answer).includes(text)) continue;
      failures.push(answer);
    }
  };
  const running = Promise.all(urls.map(run));
  const stop = async () => {
    end.abort();
    await running;
    return { calls, failures };
  };
  return { stop, [Symbol.asyncDispose]: async () => void (await stop()) };
}
