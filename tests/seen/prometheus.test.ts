import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { eventually } from '../e2e/support/eventually.ts';
import { startGateway } from '../e2e/support/gateway.ts';
import { startWorkers } from '../e2e/support/workers.ts';
import { META_SERVER, callMeta, load, openMetaClient } from './support/gateway.ts';

const PROGRAM = '/usr/bin/prometheus';
const TOKEN = 'scrape-with-this';

interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [time: number, value: string];
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Starts a real Prometheus that scrapes one gateway. */
async function startPrometheus(target: string, token: string) {
  await access(PROGRAM).catch(() => {
    throw new Error(`There is no ${PROGRAM}; install it: apt-get install prometheus`);
  });
  const folder = await mkdtemp(path.join(tmpdir(), 'signalbox-prometheus-'));
  const config = path.join(folder, 'prometheus.yml');
  await writeFile(
    config,
    `global: { scrape_interval: 1s }\nscrape_configs: [{ job_name: signalbox, authorization: { credentials: ${token} }, static_configs: [{ targets: ['${target}'] }] }]\n`,
  );
  const address = `127.0.0.1:${await freePort()}`;
  const args = [`--config.file=${config}`, `--storage.tsdb.path=${path.join(folder, 'data')}`, `--web.listen-address=${address}`];
  const child = spawn(PROGRAM, args, { stdio: 'ignore' });
  const exited = once(child, 'exit');
  return {
    query: async (text: string): Promise<readonly Series[]> => {
      const response = await fetch(`http://${address}/api/v1/query?query=${encodeURIComponent(text)}`).catch(() => undefined);
      if (!response?.ok) return [];
      return ((await response.json()) as { data: { result: readonly Series[] } }).data.result;
    },
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await exited;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

test('a real Prometheus reads our counters', async () => {
  const config = { mcpServers: { meta: META_SERVER }, telemetry: { prometheus: { token: { env: 'SCRAPE_TOKEN' } } } };
  await using gateway = await startGateway({ config, env: { SCRAPE_TOKEN: TOKEN } });
  await using prometheus = await startPrometheus(new URL(gateway.url).host, TOKEN);
  const client = await openMetaClient(gateway.url);
  for (let count = 0; count < 7; count++) await callMeta(client);
  const ask = (text: string, isMeant: (value: number) => boolean) =>
    eventually(
      `Prometheus knows ${text}`,
      async () => {
        const [series] = await prometheus.query(text);
        return series !== undefined && isMeant(Number(series.value[1])) ? series : undefined;
      },
      { withinMs: 20_000, everyMs: 200 },
    );
  const { metric } = await ask('signalbox_calls_total{tool="meta"}', (value) => value === 7);
  expect(metric).toMatchObject({ method: 'tools/call', upstream: 'meta', status: 'ok', cached: 'false' });
  await ask('histogram_quantile(0.9, signalbox_call_duration_seconds_bucket)', (value) => value > 0 && value < 1);
  await ask('signalbox_upstream_state{state="ready",upstream="meta"}', (value) => value === 1);
  await ask('signalbox_process_memory_bytes{kind="resident",worker="1"}', (value) => value > 10_000_000);
  await ask('signalbox_audit_up', (value) => value === 1);
  await ask('up', (value) => value === 1);
});

test('metrics are not for those who lack the token, nor for pages of other hosts', async () => {
  const config = { mcpServers: {}, listen: { token: { env: 'LISTEN_TOKEN' } } };
  await using gateway = await startGateway({ config, env: { LISTEN_TOKEN: TOKEN } });
  const status = async (place: string, headers: Record<string, string>) => (await fetch(new URL(place, gateway.url), { headers })).status;
  expect(await status('/metrics', {})).toBe(401);
  expect(await status('/metrics', { authorization: 'Bearer other' })).toBe(401);
  expect(await status('/metrics', { authorization: `Bearer ${TOKEN}` })).toBe(200);
  expect(await status('/metrics', { authorization: `Bearer ${TOKEN}`, origin: 'http://evil.example' })).toBe(403);
  expect([await status('/healthz', {}), await status('/readyz', {})]).toEqual([200, 200]);
  expect(await status('/readyz', { origin: 'http://evil.example' })).toBe(403);
});

test('whichever worker is asked, it answers for all', async () => {
  await using workers = await startWorkers({ mcpServers: { meta: META_SERVER } }, { count: 2 });
  const client = await openMetaClient(workers.url);
  expect(await load(client, { calls: 200 })).toBe(0);
  const read = async () => (await fetch(new URL('/metrics', workers.url), { headers: { connection: 'close' } })).text();
  const total = (text: string) => Number(/^signalbox_calls_total\{.*tool="meta".*\} (\d+)$/m.exec(text)?.[1] ?? 0);
  await eventually('all calls are counted', async () => (total(await read()) === 200 ? true : undefined));
  for (let scrape = 0; scrape < 4; scrape++) {
    const text = await read();
    expect(total(text)).toBe(200);
    for (const worker of ['1', '2']) expect(text).toContain(`signalbox_process_memory_bytes{worker="${worker}",kind="resident"}`);
  }
});
