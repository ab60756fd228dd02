import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { askAdmin, untilState } from './support/admin.ts';
import { openAnsweringClient } from './support/answering-clients.ts';
import { eventually } from './support/eventually.ts';
import { runSignalbox, startGateway } from './support/gateway.ts';
import { openOfficialClient } from './support/official-clients.ts';

const CONVERT = { time: '2026-03-01T14:30', from: 'Europe/Berlin', to: 'Asia/Tokyo' };
const NEW_YORK = { timezone: 'America/New_York' };

interface Anomalies {
  readonly anomalies: readonly { readonly id: string; readonly restraint?: { readonly untilMs: number; readonly lifted: boolean } }[];
}

test('a caller that does what is abnormal is told of, held back with that tool alone, told why, and let go when it was noise', async () => {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'signalbox-restraints-'));
  const anomalies = { settleDays: 0, action: 'throttle', throttle: { callsPerMinute: 1, minutes: 5 } };
  const config = {
    mcpServers: { time: { module: '@signalbox/module-time' } },
    learning: { enabled: true, maxCpuShare: 1, anomalies },
    audit: { enabled: true },
  };
  await using gateway = await startGateway({ config, dataDir });
  await untilState(gateway, 'time', 'ready');
  const learn = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await runSignalbox(['learn', ...args, '--config', gateway.configFile, '--data', dataDir]);
    expect([code, stderr]).toEqual([0, '']);
    return stdout;
  };
  const ask = async <Body>(route: string): Promise<Body> => (await (await askAdmin(dataDir, route)).json()) as Body;
  const untilLearned = (count: number) =>
    eventually(`${count} facts are learned`, async () =>
      (await ask<{ facts: { learned: number } }>('/learning')).facts.learned >= count ? true : undefined,
    );
  await using client = await openOfficialClient('client modern', gateway.url);
  for (let call = 0; call < 60; call++) await client.call('get_current_time', NEW_YORK);
  await untilLearned(60);

  await client.call('get_current_time', { timezone: 'x'.repeat(20_000) });
  const refusal = await eventually('the caller is held back', async () => {
    try {
      await client.call('get_current_time', NEW_YORK);
      return undefined;
    } catch (error) {
      return error as Error & { readonly data?: object };
    }
  });
  expect(refusal.message).toMatch(
    /Cannot call "get_current_time" now: .*\(anomaly "[0-9a-f]{12}"\) it is held to 1 a minute of this tool until .*; try again in \d+ s/,
  );
  expect(refusal.data).toMatchObject({ reason: 'RESTRAINED', retryAfterSeconds: expect.any(Number) as number });
  for (let call = 0; call < 5; call++) await client.call('convert_time', CONVERT);

  const shown = await ask<Anomalies>('/learning/anomalies');
  const [{ id, restraint }] = shown.anomalies as [Anomalies['anomalies'][number]];
  expect(restraint).toMatchObject({ lifted: false });
  expect(restraint!.untilMs).toBeGreaterThan(Date.now() + 200_000);
  expect(await learn('anomalies')).toMatch(new RegExp(`${id} .*arguments.* until `));
  expect(gateway.stderr()).toContain('restrainedUntil');

  expect(await learn('anomalies', 'feedback', id, 'noise')).toContain('its caller is let go');
  for (let call = 0; call < 5; call++) await client.call('get_current_time', NEW_YORK);
  expect(await learn('anomalies')).toMatch(new RegExp(`${id} .*noise.* lifted`));
  const { entries } = await ask<{ entries: { record: { action?: string; lines?: string[] } }[] }>('/audit?kind=change');
  expect(entries.map(({ record }) => record)).toContainEqual(
    expect.objectContaining({ action: 'learning.feedback', lines: [`${id} noise`, 'restraint lifted'] }),
  );
  expect(await learn('anomalies', 'lift', id)).toContain(`Nobody is held back for ${id} any more`);
  await rm(dataDir, { recursive: true, force: true });
});

test.each(['sdk', 'client modern'] as const)(
  'where that is wanted the person at the client is asked about what is abnormal, and lets it go on: %s',
  async (kind) => {
    const anomalies = { settleDays: 0, action: 'ask', throttle: { callsPerMinute: 1, minutes: 5 } };
    const config = {
      mcpServers: { time: { module: '@signalbox/module-time' } },
      learning: { enabled: true, maxCpuShare: 1, anomalies },
    };
    await using gateway = await startGateway({ config });
    await untilState(gateway, 'time', 'ready');
    const ask = async <Body>(route: string): Promise<Body> => (await (await askAdmin(gateway.dataDir, route)).json()) as Body;
    await using client = await openAnsweringClient(kind, gateway.url);
    for (let call = 0; call < 60; call++) await client.call('get_current_time', NEW_YORK);
    await eventually('all is learned', async () =>
      (await ask<{ facts: { learned: number } }>('/learning')).facts.learned >= 60 ? true : undefined,
    );
    expect(client.asked).toEqual([]);
    await client.call('get_current_time', { timezone: 'x'.repeat(20_000) });
    await eventually('the person is asked', async () => {
      expect(await client.call('get_current_time', NEW_YORK)).toContain('America/New_York');
      return client.asked.length > 0 ? true : undefined;
    });
    for (let call = 0; call < 5; call++) await client.call('get_current_time', NEW_YORK);
    expect(client.asked).toEqual(['elicitation/create']);
    const { calls } = await ask<{ calls: { isApproved?: true; status: string }[] }>('/calls?limit=200');
    expect(calls.filter(({ isApproved }) => isApproved)).toMatchObject([{ status: 'ok' }]);

    // One that has nobody to ask is held to few calls.
    await using other = await openOfficialClient('client modern', gateway.url);
    await expect(async () => {
      for (let call = 0; call < 3; call++) await other.call('get_current_time', NEW_YORK);
    }).rejects.toThrow('it is held to 1 a minute of this tool');
  },
);
