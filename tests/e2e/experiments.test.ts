import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { askAdmin, untilState } from './support/admin.ts';
import { eventually } from './support/eventually.ts';
import { runSignalbox, startGateway, type RunningGateway } from './support/gateway.ts';
import { rpc } from './support/raw-client.ts';

let dataDir: string;
beforeAll(async () => void (dataDir = await mkdtemp(path.join(tmpdir(), 'signalbox-experiments-'))));
afterAll(() => rm(dataDir, { recursive: true, force: true }));

// One server with twenty tools.
const catalogue = path.resolve(import.meta.dirname, '../../examples/learning/catalogue.mjs');
const mcpServers = { issues: { module: catalogue, config: { server: 'billing' } } };
const config = { mcpServers, surface: 'search', learning: { enabled: true, commitSeconds: 1 } };
const NEED = 'create, list, update or delete an invoice, a refund, a subscription or a coupon';

interface Session extends AsyncDisposable {
  call(name: string, args: object): Promise<{ readonly structured: unknown }>;
}

/** Hundreds of sessions are opened here, which takes official clients too long. */
async function openSession(url: string): Promise<Session> {
  const session = await rpc(url).handshake();
  return {
    call: async (name, args) => ({
      structured: (await session.request('tools/call', { name, arguments: args })).result?.['structuredContent'],
    }),
    [Symbol.asyncDispose]: () => session.close(),
  };
}

interface Arm {
  readonly mean?: number;
}

interface Experiment {
  readonly stage: string;
  readonly version: number;
  readonly shareInForce: number;
  readonly sessions: { readonly control: number; readonly candidate: number };
  readonly metrics: readonly { readonly metric: string; readonly verdict: string; readonly control: Arm; readonly candidate: Arm }[];
  readonly steps: readonly { readonly stage: string; readonly reason: string }[];
}

interface Status {
  readonly facts: { readonly learned: number; readonly written: number };
}

async function learn(gateway: RunningGateway, ...args: readonly string[]) {
  const answer = await runSignalbox(['learn', 'experiment', ...args, '--json', '--config', gateway.configFile, '--data', gateway.dataDir]);
  return { ...answer, body: (answer.stdout === '' ? undefined : JSON.parse(answer.stdout)) as Experiment };
}

const read = async ({ dataDir: own }: RunningGateway, name: string) =>
  (await (await askAdmin(own, `/learning/experiments/${name}`, 'GET', {})).json()) as Experiment;

async function find(client: Session, limit?: number): Promise<{ name: string; description?: string }[]> {
  const { structured } = await client.call('search_tools', { needs: [NEED], ...(limit !== undefined && { limit }) });
  return (structured as { results: [{ matches: { name: string; description?: string }[] }] }).results[0].matches;
}

/** Sessions that search, search for more when the tool is not among what was shown, and call it. @returns how many were shown in each. */
async function work({ url }: RunningGateway, { tool, count }: { readonly tool: string; readonly count: number }): Promise<number[]> {
  const shown: number[] = [];
  const session = async () => {
    await using client = await openSession(url);
    const matches = await find(client);
    shown.push(matches.length);
    if (!matches.some(({ name }) => name === tool)) await find(client, 20);
    await client.call('call_tool', { name: tool, arguments: {} });
  };
  for (let done = 0; done < count; done += 8) await Promise.all(Array.from({ length: Math.min(8, count - done) }, session));
  return shown;
}

/** Waits for the thread that learns, which comes after all others where processors are scarce. */
const untilLearned = (gateway: RunningGateway) =>
  eventually('all is learned', async () => {
    const { facts } = (await (await askAdmin(gateway.dataDir, '/learning', 'GET', {})).json()) as Status;
    return facts.learned === facts.written ? true : undefined;
  });

/** Works in sessions until an experiment gets to a stage. */
async function workUntil(gateway: RunningGateway, { name, stage, tool }: { name: string; stage: string; tool: string }) {
  const shown: number[] = [];
  while (shown.length < 600) {
    shown.push(...(await work(gateway, { tool, count: 24 })));
    await untilLearned(gateway);
    const experiment = await read(gateway, name);
    if (experiment.stage === stage) return { experiment, shown: new Set(shown) };
  }
  throw new Error(`"${name}" is not ${stage} after ${shown.length} sessions: ${JSON.stringify(await read(gateway, name))}`);
}

test('what is worse is demoted and what is better promoted, by what sessions in both arms came to; it outlives a restart', async () => {
  let promoted: Experiment;
  {
    await using gateway = await startGateway({ config, dataDir });
    await untilState(gateway, 'issues', 'ready');
    await using client = await openSession(gateway.url);
    // With the ranking on trial and nobody in it, what is learned on the way does not move tools.
    await learn(gateway, 'start', 'still', '--kind', 'ranking');
    await learn(gateway, 'stop', 'still');
    const places = (await find(client, 20)).map(({ name }) => name);
    expect(places.length).toBeGreaterThan(8);
    const [third, eighth] = [places[2]!, places[7]!];

    const terms = ['--kind', 'limit', '--share', '0.5', '--min-stage', '0'];
    const fewer = await learn(gateway, 'start', 'fewer', '--limit', '1', ...terms);
    expect([fewer.code, fewer.body]).toMatchObject([0, { stage: 'canary', shareInForce: 0.5, sessions: { control: 0, candidate: 0 } }]);
    expect((await learn(gateway, 'start', 'fewer', '--limit', '1', ...terms)).body.version).toBe(fewer.body.version);
    expect((await learn(gateway, 'start', 'fewer', '--limit', '2', ...terms)).stderr).toContain('with other terms');
    expect((await learn(gateway, 'start', 'rival', '--limit', '9', ...terms)).stderr).toContain('on trial in \\"fewer\\"');
    const { experiment: demoted, shown: counts } = await workUntil(gateway, { name: 'fewer', stage: 'demoted', tool: third });
    expect(counts).toEqual(new Set([1, 5]));
    expect(demoted.steps.at(-1)!.reason).toMatch(/^"(success|repeated)" is worse by/);
    expect(demoted.sessions.control).toBeGreaterThanOrEqual(50);
    expect(demoted.sessions.candidate).toBeGreaterThanOrEqual(50);
    const success = await eventually('all sessions are counted to their end', async () => {
      const [metric] = (await read(gateway, 'fewer')).metrics;
      return metric?.control.mean === 1 ? metric : undefined;
    });
    expect(success).toMatchObject({ metric: 'success', verdict: 'worse' });
    // Of sessions that were cut off by the demotion, the second search does not count.
    expect(success.candidate.mean).toBeLessThanOrEqual(0.5);
    expect(success.candidate.mean).toBeGreaterThan(0.35);
    await eventually('nobody is shown one tool', async () => ((await find(client)).length === 5 ? true : undefined));
    expect(new Set(await work(gateway, { tool: third, count: 16 }))).toEqual(new Set([5]));

    expect((await learn(gateway, 'start', 'more', '--limit', '12', ...terms, '--guard', 'failed=0.1')).body.stage).toBe('canary');
    const { experiment } = await workUntil(gateway, { name: 'more', stage: 'promoted', tool: eighth });
    expect(experiment.shareInForce).toBe(0.95);
    const shown = await work(gateway, { tool: eighth, count: 24 });
    expect(shown.filter((count) => count > 5).length).toBeGreaterThan(16);
    await untilLearned(gateway);
    promoted = await read(gateway, 'more');
    expect(promoted.sessions.control + promoted.sessions.candidate).toBeGreaterThanOrEqual(24);
  }
  await using gateway = await startGateway({ config, dataDir });
  await untilState(gateway, 'issues', 'ready');
  const again = await eventually('it learns', async () => {
    const experiment = await read(gateway, 'more');
    return experiment.stage === undefined ? undefined : experiment;
  });
  expect(again).toEqual(promoted);
  const table = await runSignalbox(['learn', 'experiment', 'list', '--config', gateway.configFile, '--data', gateway.dataDir]);
  expect(table.stdout).toMatch(/fewer +limit +demoted +0 %/);
  expect((await learn(gateway, 'remove', 'more')).stderr).toContain('stop it first');
  expect((await learn(gateway, 'stop', 'more')).body).toMatchObject({ stage: 'demoted', shareInForce: 0 });
  await using client = await openSession(gateway.url);
  await eventually('the control is in force', async () => ((await find(client)).length === 5 ? true : undefined));
  expect((await learn(gateway, 'remove', 'more')).code).toBe(0);
  expect((await learn(gateway, 'show', 'more')).code).not.toBe(0);
});

test('a learned ranking on trial is shown to nobody in the shadow, and what it would have shown is counted', async () => {
  await using gateway = await startGateway({ config });
  await untilState(gateway, 'issues', 'ready');
  const places = async () => {
    await using client = await openSession(gateway.url);
    return (await find(client)).map(({ name }) => name);
  };
  const plain = await places();
  const wanted = plain[4]!;
  await work(gateway, { tool: wanted, count: 16 });
  await eventually('it is shown first', async () => ((await places())[0] === wanted ? true : undefined));
  expect((await learn(gateway, 'start', 'learned', '--kind', 'ranking')).body).toMatchObject({ stage: 'shadow', shareInForce: 0 });
  await eventually('the static ranking is back', async () => ((await places()).join() === plain.join() ? true : undefined));
  await work(gateway, { tool: wanted, count: 8 });
  const shadow = await eventually('the shadow is counted', async () => {
    const experiment = await read(gateway, 'learned');
    return experiment.sessions.candidate === 8 ? experiment : undefined;
  });
  expect(shadow.metrics).toMatchObject([{ metric: 'place', control: { sessions: 8, mean: 0.2 }, candidate: { sessions: 8, mean: 1 } }]);
  expect((await learn(gateway, 'freeze', 'learned')).body).toMatchObject({ isFrozen: true });
  expect((await learn(gateway, 'thaw', 'learned')).body).toMatchObject({ isFrozen: false });
  await learn(gateway, 'stop', 'learned');
  expect((await places()).join()).toBe(plain.join());
  await learn(gateway, 'remove', 'learned');
  await eventually('advice is in force again', async () => ((await places())[0] === wanted ? true : undefined));
});

test('another description of a tool is shown to its arm only, and to nobody while learning is frozen', async () => {
  await using gateway = await startGateway({ config });
  await untilState(gateway, 'issues', 'ready');
  await using first = await openSession(gateway.url);
  const [{ name, description } = { name: '' }] = await find(first);
  const tried = 'Does what is wanted here';
  const of = ['--kind', 'description', '--upstream', 'issues', '--description', tried, '--share', '0.5'];
  expect((await learn(gateway, 'start', 'text', ...of, '--tool', 'no_such_tool')).stderr).toContain('has no tool');
  expect((await learn(gateway, 'start', 'text', ...of, '--tool', name)).code).toBe(0);
  const seen = async (count: number) => {
    const texts = new Set<string>();
    for (let session = 0; session < count; session++) {
      await using client = await openSession(gateway.url);
      const said = (await find(client)).find((match) => match.name === name)!.description!;
      const described = (await client.call('describe_tool', { names: [name] })).structured;
      const whole = (described as { tools: [{ definition: { description: string } }] }).tools[0].definition.description;
      expect(whole === tried).toBe(said === tried);
      texts.add(said);
    }
    return texts;
  };
  await eventually('both are shown', async () => ((await seen(12)).size === 2 ? true : undefined));
  await askAdmin(gateway.dataDir, '/learning/freeze', 'POST', { body: { frozen: true } });
  await eventually('its own is shown to all', async () => ((await seen(12)).size === 1 ? true : undefined));
  expect(await seen(4)).toEqual(new Set([description]));
});
