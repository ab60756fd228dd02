import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AuditVerdict } from '../../packages/control-plane/src/index.ts';
import { askAdmin, untilState } from '../e2e/support/admin.ts';
import { eventually } from '../e2e/support/eventually.ts';
import { runSignalbox, startGateway, type RunningGateway } from '../e2e/support/gateway.ts';
import { openOfficialClient } from '../e2e/support/official-clients.ts';
import { startPostgres, type PostgresServer } from './support/postgres-server.ts';

let server: PostgresServer;
beforeAll(async () => (server = await startPostgres()));
afterAll(() => server.stop());

const config = {
  storage: { url: '${env:STORE_URL}', encryption: { key: { env: 'MASTER_KEY' } } },
  mcpServers: { time: { module: '@signalbox/module-time' } },
  log: { level: 'error' },
};

const env = () => ({ STORE_URL: server.url, MASTER_KEY: Buffer.alloc(32, 5).toString('base64'), SIGNALBOX_WARM_UP: 'off' });
const start = () => startGateway({ config, env: env() });

async function ask<Body>(gateway: RunningGateway, route: string, body?: object): Promise<{ readonly status: number; readonly body: Body }> {
  const response = await askAdmin(gateway.dataDir, route, body === undefined ? 'GET' : 'POST', { body });
  return { status: response.status, body: (await response.json()) as Body };
}

interface Load {
  answered: number;
  readonly failures: string[];
  end(): Promise<void>;
}

/** Clients of the modern revision that call one tool after the other. */
function startCalls({ url }: RunningGateway): Load {
  const over = new AbortController();
  const load: Load = { answered: 0, failures: [], end: async () => undefined };
  const meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'load', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  const params = { name: 'get_current_time', arguments: { timezone: 'UTC' }, _meta: meta };
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': 'tools/call',
    'mcp-name': 'get_current_time',
  };
  const callOn = async (): Promise<void> => {
    for (let id = 1; !over.signal.aborted; id += 1) {
      const body = JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params });
      const text = await (await fetch(url, { method: 'POST', headers, body })).text();
      if (text.includes('"unixSeconds"')) load.answered += 1;
      else load.failures.push(text);
      await delay(5);
    }
  };
  const calls = Promise.all(Array.from({ length: 4 }, callOn));
  load.end = async () => {
    over.abort();
    await calls;
  };
  return load;
}

test('two gateways with one store want the same, and calls go on while it is away', async () => {
  await using one = await start();
  await using two = await start();
  const change = (value: string) => ({ operations: [{ op: 'set', path: 'instructions', value }], reason: 'for both' });
  expect((await ask(one, '/changes', change('Be brief'))).status).toBe(200);
  const instructionsOf = async (gateway: RunningGateway) =>
    (await ask<{ config: { instructions?: string } }>(gateway, '/config')).body.config.instructions;
  await eventually('the other one wants it, too', async () => (await instructionsOf(two)) === 'Be brief' || undefined);

  const load = startCalls(one);
  await eventually('calls are answered', async () => load.answered > 20 || undefined);
  process.kill(server.pid(), 'SIGKILL');
  await delay(500);
  const before = load.answered;
  const refused = await ask<{ code: string; detail: string }>(one, '/changes', change('Be long'));
  expect([refused.status, refused.body.code]).toEqual([503, 'STORE_UNAVAILABLE']);
  expect(refused.body.detail).not.toContain('not-a-secret');
  expect(await instructionsOf(one)).toBe('Be brief');
  expect((await ask<{ state: string }>(one, '/storage')).body.state).toBe('away');
  await delay(500);
  expect(load.answered).toBeGreaterThan(before + 20);

  await server.start();
  await eventually('changes are taken again', async () => (await ask(one, '/changes', change('Be back'))).status === 200 || undefined);
  await eventually('the other one hears of them again', async () => (await instructionsOf(two)) === 'Be back' || undefined);
  await load.end();
  expect(load.failures).toEqual([]);

  const verdict = await eventually('the audit is written again', async () => {
    const { status, body } = await ask<AuditVerdict>(one, '/audit/verify');
    return status === 200 ? body : undefined;
  });
  expect(verdict).toMatchObject({ isSound: true });
  expect((await ask(two, '/state/verify')).body).toMatchObject({ isSound: true, problems: [] });
  const report = await runSignalbox(['audit', 'verify', '--config', one.configFile, '--data', one.dataDir, '--json'], { env: env() });
  expect([report.code, JSON.parse(report.stdout)]).toMatchObject([0, { isSound: true }]);
});

test('gateways with one store learn apart, and what one has learned advises the other', async () => {
  const learning = { ...config, surface: 'search', learning: { enabled: true, commitSeconds: 1 } };
  await using one = await startGateway({ config: learning, env: env() });
  await using two = await startGateway({ config: learning, env: env() });
  await Promise.all([one, two].map((gateway) => untilState(gateway, 'time', 'ready')));
  const need = 'when do people get up over there';
  await using client = await openOfficialClient('client modern', one.url);
  for (let round = 0; round < 12; round++) {
    await client.call('search_tools', { needs: [need] });
    await client.call('call_tool', {
      name: 'convert_time',
      arguments: { time: '2026-03-01T14:30', from: 'Europe/Berlin', to: 'Asia/Tokyo' },
    });
  }
  const why = async () => {
    const { body } = await ask<{ matches: readonly { name: string; why?: string }[] }>(
      two,
      `/learning/why?need=${encodeURIComponent(need)}`,
    );
    return body.matches.find((match) => match.name === 'convert_time' && match.why !== undefined);
  };
  await eventually('what one has learned is advised by two', why, { withinMs: 20_000 });
  const { facts, otherGateways } = (await ask<{ facts: { learned: number }; otherGateways: number }>(two, '/learning')).body;
  expect([facts.learned, otherGateways]).toEqual([0, 1]);
});

test('a gateway that is started before its store waits for it, and gives up with the reason when it does not come', async () => {
  process.kill(server.pid(), 'SIGKILL');
  const waiting = start();
  const hasty = { ...config, storage: { ...config.storage, startupSeconds: 1 } };
  await expect(startGateway({ config: hasty, env: env() })).rejects.toThrow(/Cannot open the store[\s\S]*ECONNREFUSED/);
  await server.start();
  await using gateway = await waiting;
  expect((await ask<{ state: string }>(gateway, '/storage')).body.state).toBe('ok');
});
