import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { askAdmin, untilState } from './support/admin.ts';
import { eventually } from './support/eventually.ts';
import { startGateway, type RunningGateway } from './support/gateway.ts';
import { openOfficialClient } from './support/official-clients.ts';

const config = { mcpServers: { time: { module: '@signalbox/module-time' } }, learning: { enabled: true, commitSeconds: 1 } };
const KILLS = 4;
/** Facts are written each second; they are safe once that is over. */
const FLUSHED_MS = 2_000;

async function ask<Body>({ dataDir }: RunningGateway, route: string, method: 'GET' | 'POST' = 'GET'): Promise<Body> {
  return (await (await askAdmin(dataDir, route, method, {})).json()) as Body;
}

const untilLearned = (gateway: RunningGateway, count: number) =>
  eventually(`${count} facts are learned`, async () => {
    const { state, facts } = await ask<{ state: string; facts: { learned: number } }>(gateway, '/learning');
    return state === 'learning' && facts.learned >= count ? facts.learned : undefined;
  });

/** What was learned is what the facts that are kept say: none is missing, and none counts twice. */
async function expectWhole(gateway: RunningGateway, facts: number): Promise<void> {
  expect(await ask(gateway, '/learning/replay', 'POST')).toMatchObject({ facts });
  const { tools } = await ask<{ tools: { calls: number }[] }>(gateway, '/learning/tools');
  expect(tools.reduce((sum, { calls }) => sum + calls, 0)).toBe(facts);
}

test('a gateway that is killed at any moment forgets at most what it had not written, and what is left is whole', async () => {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'signalbox-learning-kill-'));
  let safe = 0;
  for (let kill = 1; kill <= KILLS; kill++) {
    await using gateway = await startGateway({ config, dataDir });
    await untilState(gateway, 'time', 'ready');
    const before = await untilLearned(gateway, safe);
    await expectWhole(gateway, before);
    const client = await openOfficialClient('client modern', gateway.url);
    for (let call = 0; call < 30; call++) await client.call('get_current_time', { timezone: 'Europe/Berlin' });
    safe = await untilLearned(gateway, before + 30);
    await pause(FLUSHED_MS);
    const ending = new AbortController();
    const callOn = async (): Promise<void> => {
      while (!ending.signal.aborted) await client.call('get_current_time', { timezone: 'Asia/Tokyo' });
    };
    const load = callOn().catch(() => undefined);
    await pause(1_500 * Math.random());
    process.kill(gateway.pid, 'SIGKILL');
    ending.abort();
    await load;
    await Promise.resolve(client[Symbol.asyncDispose]()).catch(() => undefined);
  }
  await using gateway = await startGateway({ config, dataDir });
  const learned = await untilLearned(gateway, safe);
  await expectWhole(gateway, learned);
  const { commits } = await ask<{ commits: object[] }>(gateway, '/learning/models');
  expect(commits.length).toBeGreaterThanOrEqual(KILLS);
  await rm(dataDir, { recursive: true, force: true });
}, 120_000);
