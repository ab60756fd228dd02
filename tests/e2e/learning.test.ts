import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { askAdmin, untilState } from './support/admin.ts';
import { eventually } from './support/eventually.ts';
import { runSignalbox, startGateway, type RunningGateway } from './support/gateway.ts';
import { openOfficialClient } from './support/official-clients.ts';
import { stdioEntry } from './support/stdio-entry.ts';

let dataDir: string;
beforeAll(async () => void (dataDir = await mkdtemp(path.join(tmpdir(), 'signalbox-learning-'))));
afterAll(() => rm(dataDir, { recursive: true, force: true }));

const mcpServers = { time: { module: '@signalbox/module-time' } };
const CONVERT = { time: '2026-03-01T14:30', from: 'Europe/Berlin', to: 'Asia/Tokyo' };
const NEW_YORK = { timezone: 'America/New_York' };

async function ask<Body>({ dataDir }: RunningGateway, route: string, method: 'GET' | 'POST' = 'GET', body?: object): Promise<Body> {
  const response = await askAdmin(dataDir, route, method, body === undefined ? {} : { body });
  return (await response.json()) as Body;
}

interface Status {
  readonly state: string;
  readonly facts: { readonly learned: number; readonly dropped: number; readonly kept: number };
  readonly commit?: string;
}

interface Listings {
  readonly addresses: readonly {
    readonly surface: string;
    readonly tokens: { readonly all: number; readonly hot: number; readonly search: number };
    readonly hotTools: readonly object[];
    readonly estimated: boolean;
  }[];
  readonly clients: readonly object[];
}

const untilLearned = (gateway: RunningGateway, count: number) =>
  eventually(`${count} facts are learned`, async () => {
    const status = await ask<Status>(gateway, '/learning');
    return status.state === 'learning' && status.facts.learned >= count ? status : undefined;
  });

async function callAround(gateway: RunningGateway, rounds: number): Promise<void> {
  await using client = await openOfficialClient('client modern', gateway.url);
  for (let round = 0; round < rounds; round++) {
    await client.call('get_current_time', NEW_YORK);
    await client.call('convert_time', CONVERT);
  }
}

test('what is called is learned, outlives a restart, and can be looked at, frozen, replayed and forgotten', async () => {
  const config = { mcpServers, learning: { enabled: true, commitSeconds: 1 } };
  let commit: string;
  {
    await using gateway = await startGateway({ config, dataDir });
    await untilState(gateway, 'time', 'ready');
    await callAround(gateway, 10);
    await untilLearned(gateway, 20);
    const { tools } = await ask<{ tools: object[] }>(gateway, '/learning/tools');
    expect(tools).toMatchObject([
      { upstream: 'time', tool: 'convert_time', calls: 10, failed: 0, effect: 'read' },
      { upstream: 'time', tool: 'get_current_time', calls: 10, failed: 0, effect: 'read', next: [{ tool: 'convert_time', share: 1 }] },
    ]);
    const { sequences } = await ask<{ sequences: { tools: { tool: string }[]; count: number }[] }>(gateway, '/learning/sequences');
    expect(sequences[0]!.tools.map(({ tool }) => tool)).toEqual(['get_current_time', 'convert_time']);
    const why = await ask(gateway, '/learning/why?need=current%20time');
    expect(why).toMatchObject({ matches: expect.arrayContaining([expect.objectContaining({ name: 'get_current_time' })]) as object });
    commit = (
      await eventually('it is committed', async () => {
        const status = await ask<Status>(gateway, '/learning');
        return status.commit === undefined ? undefined : status;
      })
    ).commit!;
    const shown = await runSignalbox(['learn', 'tools', '--config', gateway.configFile, '--data', gateway.dataDir]);
    expect(shown.stdout).toMatch(/convert_time +time +10 +0/);
  }
  await using gateway = await startGateway({ config, dataDir });
  await untilState(gateway, 'time', 'ready');
  await untilLearned(gateway, 20);
  const { commits } = await ask<{ commits: { id: string }[] }>(gateway, '/learning/models');
  expect(commits.map(({ id }) => id)).toContain(commit);
  expect(await ask(gateway, '/learning/replay', 'POST')).toMatchObject({ facts: 20, isSame: true });
  expect(await ask(gateway, '/learning/freeze', 'POST', { frozen: true })).toMatchObject({ state: 'frozen' });
  await callAround(gateway, 1);
  expect(await ask(gateway, '/learning/freeze', 'POST', { frozen: false })).toMatchObject({ state: 'learning', facts: { kept: 20 } });
  const forgotten = await ask<{ before: string; after: string }>(gateway, '/learning/forget', 'POST', {
    upstream: 'time',
    tool: 'convert_time',
  });
  expect(forgotten).toMatchObject({ forgotten: 10, kept: 10 });
  expect(forgotten.after).not.toBe(forgotten.before);
  expect(await ask(gateway, '/learning/tools')).toMatchObject({ tools: [{ tool: 'get_current_time', calls: 10 }] });
  expect(await ask(gateway, `/learning/models/${commit}/diff/live`)).toMatchObject({ status: 404, code: 'UNKNOWN_NAME' });
});

test('a tool that callers choose again and again for a need is found first, with the reason, by others too', async () => {
  const server = stdioEntry();
  const config = { mcpServers: { ...mcpServers, server }, surface: 'search', learning: { enabled: true } };
  await using gateway = await startGateway({ config });
  for (const name of Object.keys(config.mcpServers)) await untilState(gateway, name, 'ready');
  const need = 'echo my words in time';
  const find = async () => {
    await using client = await openOfficialClient('client modern', gateway.url);
    const { structured } = await client.call('search_tools', { needs: [need], limit: 20 });
    const [{ matches }] = (structured as { results: [{ matches: { name: string; why?: string }[] }] }).results;
    const chosen = matches.find(({ name }) => name === 'convert_time');
    if (chosen !== undefined) await client.call('call_tool', { name: 'convert_time', arguments: CONVERT });
    return { place: matches.findIndex(({ name }) => name === 'convert_time'), why: chosen?.why };
  };
  const before = await find();
  for (let round = 0; round < 12; round++) await find();
  const after = await eventually('it is found first', async () => {
    const found = await find();
    return found.place === 0 ? found : undefined;
  });
  expect(before.place).not.toBe(0);
  expect(after.why).toMatch(/^chosen for such needs before, \d+ times? in all$/);
  const why = await ask<{ adviceVersion: number; matches: object[] }>(gateway, `/learning/why?need=${encodeURIComponent(need)}`);
  expect(why.adviceVersion).toBeGreaterThan(0);
  expect(why.matches[0]).toMatchObject({ name: 'convert_time', why: after.why });
  const { clients } = await ask<Listings>(gateway, '/learning/surfaces');
  const [client] = clients as [{ searches: number; toolsEach: number }];
  expect(client).toMatchObject({ client: 'e2e', conversations: 1, toolsEach: 1, advice: [{ surface: 'search' }] });
  expect(client.searches).toBeGreaterThan(12);
});

interface Anomalies {
  readonly anomalies: readonly {
    readonly id: string;
    readonly kind: string;
    readonly feedback?: string;
    readonly principalName?: string;
  }[];
}

test('an abnormal burst is told with its evidence, once, can be called noise, and is known after a restart', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'signalbox-anomalies-'));
  const config = { mcpServers, learning: { enabled: true, commitSeconds: 1, maxCpuShare: 1, anomalies: { settleDays: 0 } } };
  const learn = async (gateway: RunningGateway, ...args: readonly string[]) => {
    const { code, stdout, stderr } = await runSignalbox([
      'learn',
      ...args,
      '--json',
      '--config',
      gateway.configFile,
      '--data',
      gateway.dataDir,
    ]);
    expect([code, stderr]).toEqual([0, '']);
    return JSON.parse(stdout) as unknown;
  };
  const since = new Date().toISOString();
  let id: string;
  {
    await using gateway = await startGateway({ config, dataDir: folder });
    await untilState(gateway, 'time', 'ready');
    await callAround(gateway, 60);
    await untilLearned(gateway, 120);
    expect(await learn(gateway, 'anomalies')).toEqual({ anomalies: [], heldBack: 0 });
    {
      await using client = await openOfficialClient('client modern', gateway.url);
      for (let call = 0; call < 3; call++) await client.call('get_current_time', { timezone: 'x'.repeat(20_000) });
    }
    await untilLearned(gateway, 123);
    const { anomalies } = (await learn(gateway, 'anomalies', '--since', since)) as Anomalies;
    expect(anomalies).toMatchObject([
      {
        kind: 'arguments',
        principalName: 'local',
        upstream: 'time',
        tool: 'get_current_time',
        count: 3,
        measure: 'argument bytes',
        expected: expect.closeTo(31, -1) as number,
      },
    ]);
    ({ id } = anomalies[0]!);
    expect(await learn(gateway, 'anomalies', '--upstream', 'other')).toMatchObject({ anomalies: [] });
    expect(gateway.stderr().match(/something is abnormal/g)).toHaveLength(1);
    expect(gateway.stderr()).not.toContain('xxxxxxxx');
    expect(await learn(gateway, 'anomalies', 'feedback', id, 'noise')).toMatchObject({ id, feedback: 'noise' });
    const shown = await runSignalbox(['learn', 'anomalies', '--config', gateway.configFile, '--data', gateway.dataDir]);
    expect(shown.stdout).toMatch(new RegExp(`${id} .*arguments.*noise`));
    expect(await learn(gateway, 'clusters')).toMatchObject({
      sessions: expect.any(Number) as number,
      clusters: [{ marks: expect.any(Array) as string[] }],
    });
    await expect(ask(gateway, '/learning/anomalies/feedback', 'POST', { id: 'none', verdict: 'noise' })).resolves.toMatchObject({
      status: 404,
    });
  }
  await using gateway = await startGateway({ config, dataDir: folder });
  await untilState(gateway, 'time', 'ready');
  await untilLearned(gateway, 124);
  const { anomalies } = (await learn(gateway, 'anomalies')) as Anomalies;
  expect(anomalies).toMatchObject([{ id, kind: 'arguments', count: 3, feedback: 'noise' }]);
  // Names are in memory alone, and nobody has called since.
  expect(anomalies[0]).not.toHaveProperty('principalName');
  expect(await ask(gateway, '/learning/replay', 'POST')).toMatchObject({ facts: 124, isSame: true });
  expect(gateway.stderr()).not.toContain('something is abnormal');
  await rm(folder, { recursive: true, force: true });
});

test('off, nothing is kept and the API says so', async () => {
  await using gateway = await startGateway({ config: { mcpServers } });
  await untilState(gateway, 'time', 'ready');
  await callAround(gateway, 1);
  expect(await ask(gateway, '/learning')).toMatchObject({ status: 404, detail: 'Learning is off in this gateway' });
});

test('a tool that never took long is given up long before the configured time', async () => {
  const config = { mcpServers: { server: stdioEntry() }, learning: { enabled: true, timeouts: true } };
  await using gateway = await startGateway({ config });
  await untilState(gateway, 'server', 'ready');
  await using client = await openOfficialClient('client modern', gateway.url);
  for (let round = 0; round < 120; round++) await client.call('sleep', { ms: 1 });
  await untilLearned(gateway, 120);
  // What is known of tools is told anew every few seconds, when something has been learned.
  await eventually('it is given up', async () => {
    await client.call('sleep', { ms: 1 });
    const { tools } = await ask<{ tools: { timeoutMs?: number }[] }>(gateway, '/learning/tools');
    return tools[0]?.timeoutMs === 1_000 ? true : undefined;
  });
  await pause(2_500);
  await client.call('sleep', { ms: 1 });
  await pause(1_500);
  const startedAtMs = performance.now();
  await expect(client.call('sleep', { ms: 5_000 })).rejects.toThrow(/no answer in 1000 ms/);
  expect(performance.now() - startedAtMs).toBeLessThan(4_000);
});

test('a call that is refused says how the same mistake was mended before', async () => {
  await using gateway = await startGateway({ config: { mcpServers, learning: { enabled: true } } });
  await untilState(gateway, 'time', 'ready');
  await using client = await openOfficialClient('client modern', gateway.url);
  const { from, ...others } = CONVERT;
  const mistaken = { ...others, source: from };
  const refusal = async () => JSON.stringify(await client.call('convert_time', mistaken));
  expect(await refusal()).not.toContain('Hint:');
  for (let round = 0; round < 3; round++) {
    await client.call('convert_time', mistaken);
    await client.call('convert_time', CONVERT);
  }
  await eventually('it is told how', async () => {
    const text = await refusal();
    return text.includes('Hint: Callers who got') && text.includes('`from` (string) instead of `source`') ? text : undefined;
  });
});

test('what is used most is listed beside the tools to search by: for new sessions, from one start to the next, and never within a session', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'signalbox-hot-'));
  const learning = { enabled: true, hotSet: { maxTools: 1 } };
  const config = { mcpServers: { ...mcpServers, server: stdioEntry() }, surface: 'hot', learning };
  const SEARCH = ['search_tools', 'describe_tool', 'call_tool'];
  const listNew = async (gateway: RunningGateway) => {
    await using client = await openOfficialClient('client legacy', gateway.url);
    return await client.tools();
  };
  {
    await using gateway = await startGateway({ config, dataDir: folder });
    for (const name of Object.keys(config.mcpServers)) await untilState(gateway, name, 'ready');
    await using early = await openOfficialClient('client legacy', gateway.url);
    expect(await early.tools()).toEqual(SEARCH);
    for (let round = 0; round < 8; round++) await early.call('call_tool', { name: 'convert_time', arguments: CONVERT });
    const listed = await eventually('new sessions see it', async () => {
      const names = await listNew(gateway);
      return names.length > SEARCH.length ? names : undefined;
    });
    expect(listed).toEqual([...SEARCH, 'convert_time']);
    expect(await early.tools()).toEqual(SEARCH);
    expect((await early.call('convert_time', CONVERT)).isError).toBe(false);
    const { addresses, clients } = await eventually('the lists are counted', async () => {
      const body = await ask<Listings>(gateway, '/learning/surfaces');
      return body.addresses[0]!.estimated ? undefined : body;
    });
    expect(clients).toMatchObject([
      {
        client: 'e2e',
        searches: 0,
        advice: [{ surface: 'hot', tokens: { all: expect.any(Number) as number }, reason: expect.stringMatching(/of 20 conv/) as string }],
      },
    ]);
    const { tokens, ...address } = addresses[0]!;
    expect(address).toMatchObject({ surface: 'hot', hotTools: [{ upstream: 'time', tool: 'convert_time' }] });
    expect(tokens.hot - tokens.search).toBeGreaterThan(100);
    expect(tokens.all).toBeGreaterThan(tokens.hot);
    const shown = await runSignalbox(['learn', 'surfaces', '--config', gateway.configFile, '--data', gateway.dataDir]);
    expect(shown.stdout).toMatch(new RegExp(`everything +hot +\\d+ +${tokens.all} +${tokens.hot} +${tokens.search}`));
  }
  await using gateway = await startGateway({ config, dataDir: folder });
  await untilState(gateway, 'time', 'ready');
  expect(await listNew(gateway)).toEqual([...SEARCH, 'convert_time']);
  await rm(folder, { recursive: true, force: true });
});
