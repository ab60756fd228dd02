import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { MonitorBody } from '../../packages/control-plane/src/contract.ts';
import { askAdmin, untilState } from './support/admin.ts';
import { runSignalbox, type RunningGateway } from './support/gateway.ts';
import { rpc } from './support/raw-client.ts';
import { startWorkers } from './support/workers.ts';

const CALLS = 30;

async function readMonitor({ dataDir }: RunningGateway): Promise<MonitorBody> {
  return (await (await askAdmin(dataDir, '/monitor')).json()) as MonitorBody;
}

/** Makes calls over connections of their own, which go to the workers in turn. */
async function callAll(url: string): Promise<void> {
  const client = rpc(url).modern({ headers: { connection: 'close' } });
  for (let call = 0; call < CALLS; call++) await client.request('tools/call', { name: 'get_current_time', arguments: {} });
}

test('the monitor tells of each worker, and takes profiles of the one that is named', async () => {
  await using gateway = await startWorkers({ mcpServers: { time: { module: '@signalbox/module-time' } } }, { count: 2 });
  await untilState(gateway, 'time', 'ready');
  await callAll(gateway.url);
  const where = ['--config', gateway.configFile, '--data', gateway.dataDir];

  const { workers, silent, upstreams, all } = await readMonitor(gateway);
  expect(workers.map(({ worker }) => worker)).toEqual([1, 2]);
  expect(new Set(workers.map(({ pid }) => pid))).toEqual(new Set(gateway.workers()));
  for (const { memory, calls } of workers) expect([memory.rssBytes > 1e7, calls.count > 0]).toEqual([true, true]);
  expect(workers[0]!.calls.count + workers[1]!.calls.count).toBe(CALLS);
  expect([silent, all.count, upstreams['time']?.count]).toEqual([[], CALLS, CALLS]);
  expect(all.maxMs).toBe(Math.max(...workers.map(({ calls }) => calls.maxMs)));
  const { stdout } = await runSignalbox(['monitor', ...where]);
  for (const { worker, pid } of workers) expect(stdout).toMatch(new RegExp(`^ *${worker} +${pid} `, 'm'));
  expect(stdout).toMatch(new RegExp(`^time +${CALLS} `, 'm'));

  // A worker takes one at a time, and another worker takes its own meanwhile.
  const file = path.join(gateway.dataDir, 'second.cpuprofile');
  const profile = (worker: number) => askAdmin(gateway.dataDir, '/profiles/cpu', 'POST', { body: { seconds: 1, worker } });
  const statusOf = async (worker: number) => (await profile(worker)).status;
  expect((await Promise.all([1, 2, 2].map(statusOf))).toSorted()).toEqual([200, 200, 409]);
  expect(await statusOf(3)).toBe(404);
  expect(await runSignalbox(['profile', 'cpu', '--worker', '2', '--seconds', '1', '-o', file, ...where])).toMatchObject({ code: 0 });
  expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ nodes: expect.any(Array) });

  // One that hangs is named, and holds up nobody for long. One of several new connections at least is not given to it.
  const second = workers[1]!.pid;
  process.kill(second, 'SIGSTOP');
  try {
    const read = await Promise.any([1, 2, 3].map(() => readMonitor(gateway)));
    expect([read.workers.map(({ worker }) => worker), read.silent]).toEqual([[1], [2]]);
  } finally {
    process.kill(second, 'SIGCONT');
  }
  expect((await readMonitor(gateway)).silent).toEqual([]);
});
