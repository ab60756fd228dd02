import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { askAdmin, untilState } from './support/admin.ts';
import { eventually } from './support/eventually.ts';
import { runSignalbox, startGateway } from './support/gateway.ts';
import { rpc } from './support/raw-client.ts';

interface LookUpServer extends AsyncDisposable {
  readonly url: string;
  /** Whether it fails calls with HTTP 500. */
  isBroken: boolean;
  calls: number;
}

/** A server with one tool that only reads. */
async function startLookUp(isBroken: boolean): Promise<LookUpServer> {
  const tool = { name: 'look_up', inputSchema: { type: 'object' }, annotations: { readOnlyHint: true } };
  const results: Readonly<Record<string, object>> = {
    initialize: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'look-up', version: '1' } },
    'tools/list': { tools: [tool] },
    'tools/call': { content: [{ type: 'text', text: 'found' }] },
  };
  const http = createServer((request, response) => {
    void text(request).then((body) => {
      const { id, method } = JSON.parse(body === '' ? '{}' : body) as { id?: number; method?: string };
      const isCall = method === 'tools/call';
      if (isCall) server.calls++;
      if (isCall && server.isBroken) return response.writeHead(500).end();
      const result = results[method ?? ''] ?? {};
      if (request.method !== 'POST') return response.writeHead(405).end();
      if (id === undefined) return response.writeHead(202).end();
      return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id, result }));
    });
  });
  await once(http.listen(0, '127.0.0.1'), 'listening');
  const server: LookUpServer = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`,
    isBroken,
    calls: 0,
    [Symbol.asyncDispose]: async () => {
      http.closeAllConnections();
      http.close();
      await once(http, 'close');
    },
  };
  return server;
}

interface Insights {
  readonly tools: readonly {
    readonly upstream: string;
    readonly fallbacks: readonly { readonly upstream: string; readonly share?: number; readonly heldBack?: boolean }[];
    readonly failing?: { readonly failures: number; readonly risk?: number; readonly askedLast: boolean };
  }[];
}

test('the fallback that answers is tried before the one that fails, once that is known, and it is shown why', async () => {
  await using main = await startLookUp(true);
  await using bad = await startLookUp(true);
  await using good = await startLookUp(false);
  const often = { retry: { attempts: 1 }, breaker: { failures: 1000 } };
  const config = {
    mcpServers: {
      main: { url: main.url, tools: { prefix: 'always' }, fallback: ['bad', 'good'], ...often },
      bad: { url: bad.url, ...often },
      good: { url: good.url, ...often },
    },
    learning: { enabled: true, maxCpuShare: 1, fallbacks: true },
  };
  await using gateway = await startGateway({ config });
  for (const name of ['main', 'bad', 'good']) await untilState(gateway, name, 'ready');
  const session = rpc(gateway.url).modern();
  const call = async (times: number) => {
    for (let made = 0; made < times; made++) {
      const { result } = await session.request('tools/call', { name: 'main__look_up', arguments: {} });
      expect(result).toMatchObject({ content: [{ text: 'found' }] });
    }
  };
  // The first ten go by the configured order, whatever is known.
  await call(10);
  expect([main.calls, bad.calls, good.calls]).toEqual([10, 10, 10]);
  await eventually('the fallback that answers is tried first', async () => {
    const before = bad.calls;
    await call(1);
    return bad.calls === before ? true : undefined;
  });
  const before = bad.calls;
  await call(40);
  // Some still go by the configured order.
  expect(bad.calls - before).toBeLessThan(20);
  expect(main.calls).toBe(good.calls);

  const { tools } = (await (await askAdmin(gateway.dataDir, '/learning/tools')).json()) as Insights;
  const [best, worst] = tools.find(({ fallbacks }) => fallbacks.length > 0)!.fallbacks;
  expect([best, worst]).toMatchObject([
    { upstream: 'good', heldBack: false },
    { upstream: 'bad', share: 0, heldBack: true },
  ]);
  const shown = await runSignalbox(['learn', 'tools', '--config', gateway.configFile, '--data', gateway.dataDir]);
  expect(shown.stdout).toMatch(
    /main\.look_up: falls back on good \(0 of \d+ attempts of late failed, first in 100 %\), bad \(\d+ of \d+ attempts of late failed, last\)/,
  );
});

test('an upstream that fails again and again is asked after its fallback, once that is known, and first when it is back', async () => {
  await using main = await startLookUp(true);
  await using spare = await startLookUp(false);
  const config = {
    mcpServers: {
      main: { url: main.url, tools: { prefix: 'always' }, fallback: ['spare'], retry: { attempts: 1 }, breaker: { failures: 1000 } },
      spare: { url: spare.url },
    },
    learning: { enabled: true, maxCpuShare: 1, breaker: true },
  };
  await using gateway = await startGateway({ config });
  for (const name of ['main', 'spare']) await untilState(gateway, name, 'ready');
  const session = rpc(gateway.url).modern();
  const call = async () => {
    const { result } = await session.request('tools/call', { name: 'main__look_up', arguments: {} });
    expect(result).toMatchObject({ content: [{ text: 'found' }] });
  };
  for (let made = 0; made < 30; made++) await call();
  expect(spare.calls).toBe(30);
  await eventually('the one that fails is not asked', async () => {
    const before = main.calls;
    await call();
    return main.calls === before ? true : undefined;
  });
  const { calls } = main;
  for (let made = 0; made < 40; made++) await call();
  // Some calls still ask it first.
  expect(main.calls - calls).toBeLessThan(20);

  const failing = await eventually('it is shown to be asked last', async () => {
    await call();
    const { tools } = (await (await askAdmin(gateway.dataDir, '/learning/tools')).json()) as Insights;
    const shown = tools.find(({ upstream }) => upstream === 'main')?.failing;
    return shown?.askedLast === true ? shown : undefined;
  });
  expect(failing.failures).toBeGreaterThanOrEqual(30);
  expect(failing.risk).toBeGreaterThan(0.75);
  const shown = await runSignalbox(['learn', 'tools', '--config', gateway.configFile, '--data', gateway.dataDir]);
  expect(shown.stdout).toMatch(/main\.look_up: its server has failed \d+ times in a row, last [\d.]+ s ago/);

  main.isBroken = false;
  await eventually('it is asked first again', async () => {
    const before = spare.calls;
    await call();
    return spare.calls === before ? true : undefined;
  });
  const before = spare.calls;
  for (let made = 0; made < 10; made++) await call();
  expect(spare.calls).toBe(before);
});
