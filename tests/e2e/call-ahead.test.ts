import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { askAdmin, untilState } from './support/admin.ts';
import { eventually } from './support/eventually.ts';
import { runSignalbox, startGateway } from './support/gateway.ts';
import { openOfficialClient } from './support/official-clients.ts';

const server = fileURLToPath(new URL('./servers/shop-server.mjs', import.meta.url));
const config = {
  mcpServers: { shop: { command: process.execPath, args: [server], cache: { tools: ['read'] } } },
  learning: { enabled: true, callAhead: { enabled: true } },
};

interface Call {
  readonly name: string;
  readonly cached: boolean;
  readonly isAhead?: true;
}

test.each(['client modern', 'sdk'] as const)(
  'what everybody reads after a search is read before anybody asks, with what was found: %s',
  async (kind) => {
    await using gateway = await startGateway({ config });
    await untilState(gateway, 'shop', 'ready');
    await using client = await openOfficialClient(kind, gateway.url);
    const ask = async <Body>(route: string) => (await (await askAdmin(gateway.dataDir, route, 'GET', {})).json()) as Body;
    const readAhead = async () => (await ask<{ ahead: { made: number; used: number } }>('/caches')).ahead;
    let customers = 0;
    const serve = async (article: number) => {
      const text = `tea${++customers}`;
      await client.call('search', { text });
      const { structured } = await client.call('read', { article: `${text}-${article}` });
      expect(structured).toEqual({ about: `all about ${text}-${article}` });
    };
    await eventually('the article that was found first is read ahead', async () => {
      await serve(1);
      return (await readAhead()).used >= 3 ? true : undefined;
    });
    const { made, used } = await readAhead();
    expect(made).toBe(used);
    // Each article was asked for at the server once.
    const { structured } = await client.call('count', {});
    expect(structured).toEqual({ reads: customers });

    const { calls } = await ask<{ calls: Call[] }>('/calls?limit=200');
    const reads = calls.filter(({ name }) => name === 'read');
    expect(reads.filter(({ isAhead }) => isAhead)).toHaveLength(made);
    expect(reads.filter(({ isAhead, cached }) => cached && !isAhead)).toHaveLength(used);

    const { ahead } = await ask<{ ahead: object[] }>('/learning/sequences?limit=5');
    expect(ahead).toContainEqual({
      after: [{ upstream: 'shop', tool: 'search' }],
      upstream: 'shop',
      tool: 'read',
      arguments: [{ name: 'article', from: 'a place in the result of the last call' }],
      share: expect.any(Number) as number,
    });
    const run = (...args: string[]) => runSignalbox([...args, '--config', gateway.configFile, '--data', gateway.dataDir]);
    expect((await run('learn', 'sequences')).stdout).toMatch(/shop\.search +shop\.read +article: a place in the result/);
    expect((await run('cache', 'status')).stdout).toMatch(/made before they were asked for: \d+; \d+ of them were used/);

    // Frozen, it is gone by; and without learning everything is as it was.
    await runSignalbox(['learn', 'freeze', '--config', gateway.configFile, '--data', gateway.dataDir]);
    await serve(1);
    expect((await readAhead()).used).toBeGreaterThan(used);
  },
);
