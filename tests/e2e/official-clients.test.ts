import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { copyDemo, DEMO_TOOLS, type Demo } from './support/demo.ts';
import { eventually } from './support/eventually.ts';
import { startGateway, type RunningGateway } from './support/gateway.ts';
import { OFFICIAL_CLIENTS, openOfficialClient, type OfficialClient } from './support/official-clients.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const TOOL_COUNT = Object.values(DEMO_TOOLS).reduce((sum, count) => sum + count, 0);
const TEXT_RESOURCE = 'demo://resource/dynamic/text/1';

let demo: Demo;
let gateway: RunningGateway;
beforeAll(async () => {
  demo = await copyDemo();
  gateway = await startGateway({ config: {}, args: ['--config', demo.configFile], env: demo.env });
  await using client = await openOfficialClient('client legacy', gateway.url);
  await listsEverything(client);
});
afterAll(async () => {
  await gateway.stop();
  await demo[Symbol.asyncDispose]();
});

describe.each(OFFICIAL_CLIENTS)('the official client "%s" over HTTP', (kind) => {
  const isModern = kind === 'client auto' || kind === 'client modern';

  test('agrees on the newest revision it knows', async () => {
    await using client = await openOfficialClient(kind, gateway.url);
    expect(client.revision).toBe(isModern ? '2026-07-28' : '2025-11-25');
  });

  test('lists the tools of all servers and calls one of each', async () => {
    await using client = await openOfficialClient(kind, gateway.url);
    expect(await client.tools()).toHaveLength(TOOL_COUNT);
    await callsEveryServer(client, demo);
  });

  test('is told what is wrong with the arguments of a call, and that a name is unknown', async () => {
    await using client = await openOfficialClient(kind, gateway.url);
    const refused = await client.call('get-sum', { a: 'one', b: 2 });
    expect(refused).toMatchObject({ isError: true, text: expect.stringContaining('"a"') as string });
    await expect(client.call('get-summ', { a: 1, b: 2 })).rejects.toThrow('get-sum');
  });

  test('gets prompts, resources, templates and completions', async () => {
    await using client = await openOfficialClient(kind, gateway.url);
    expect(await client.prompts()).toEqual(expect.arrayContaining(['simple-prompt', 'args-prompt', 'completable-prompt']));
    expect(await client.prompt('args-prompt', { city: 'Oslo' })).toContain('Oslo');
    expect(await client.resources()).toContain('demo://resource/static/document/features.md');
    expect(await client.read('demo://resource/static/document/features.md')).toContain('# ');
    expect(await client.templates()).toContain('demo://resource/dynamic/text/{resourceId}');
    expect(await client.read(TEXT_RESOURCE)).toContain('Resource 1');
    expect(await client.complete('completable-prompt', { name: 'department', value: 'E' })).toEqual(['Engineering']);
    const template = 'demo://resource/dynamic/text/{resourceId}';
    expect(await client.completeTemplate(template, { name: 'resourceId', value: '7' })).toEqual(['7']);
  });

  test('hears of progress while a call runs', async () => {
    await using client = await openOfficialClient(kind, gateway.url);
    const progress: number[] = [];
    const answer = await client.call('trigger-long-running-operation', { duration: 0.4, steps: 4 }, (step) => progress.push(step.progress));
    expect(answer.isError).toBe(false);
    // A client drops what comes after the answer, and the last report may arrive together with it.
    expect(progress.slice(0, 3)).toEqual([1, 2, 3]);
  });

  test('hears what a server logs, from the level it asks for', async () => {
    await using client = await openOfficialClient(kind, gateway.url);
    if (!isModern) await client.setLogLevel('debug');
    await client.call('toggle-simulated-logging');
    await client.call('toggle-simulated-logging');
    await eventually('a log message', () => (client.heard.logs.length > 0 ? true : undefined));
    expect(client.heard.logs[0]).toMatchObject({ level: expect.any(String) as string, data: expect.stringContaining('message') as string });
  });

  test('hears that a resource it follows has changed, and nothing once it has stopped', async () => {
    await using client = await openOfficialClient(kind, gateway.url);
    const stop = await client.follow(TEXT_RESOURCE);
    await client.call('toggle-subscriber-updates');
    await eventually('an update', () => (client.heard.updated.length > 0 ? true : undefined));
    await client.call('toggle-subscriber-updates');
    expect(client.heard.updated).toEqual([TEXT_RESOURCE]);
    await stop();
    await client.call('toggle-subscriber-updates');
    await client.call('toggle-subscriber-updates');
    await client.tools();
    expect(client.heard.updated).toEqual([TEXT_RESOURCE]);
  });
});

test.each(['sdk', 'client legacy'] as const)('the official client "%s" is answered when it pings', async (kind) => {
  await using client = await openOfficialClient(kind, gateway.url);
  await expect(client.ping()).resolves.toEqual({});
});

describe.each(OFFICIAL_CLIENTS)('the official client "%s" over stdio', (kind) => {
  test('starts the gateway itself and works the same', async () => {
    await using own = await copyDemo();
    const program = path.join(ROOT, 'apps/gateway/bin/signalbox.js');
    const args = [program, 'stdio', '--config', own.configFile, '--data', path.join(path.dirname(own.configFile), 'data')];
    await using client = await openOfficialClient(kind, { command: process.execPath, args, env: { ...own.env } });
    await listsEverything(client);
    await callsEveryServer(client, own);
    expect(await client.prompt('args-prompt', { city: 'Oslo' })).toContain('Oslo');
    expect(await client.read(TEXT_RESOURCE)).toContain('Resource 1');
    const progress: number[] = [];
    await client.call('trigger-long-running-operation', { duration: 0.3, steps: 3 }, (step) => progress.push(step.progress));
    expect(progress.slice(0, 2)).toEqual([1, 2]);
    const stop = await client.follow(TEXT_RESOURCE);
    await client.call('toggle-subscriber-updates');
    await eventually('an update', () => client.heard.updated[0]);
    await stop();
  });
});

describe.each(['legacy', 'modern'])('the inspector in its era "%s"', (era) => {
  let home: string;
  beforeAll(async () => {
    home = await mkdtemp(path.join(tmpdir(), 'signalbox-inspector-'));
  });
  afterAll(() => rm(home, { recursive: true, force: true }));

  const inspect = async (...args: string[]) => {
    const program = path.join(ROOT, 'node_modules/.bin/mcp-inspector');
    const words = ['--cli', gateway.url, '--protocol-era', era, '--format', 'json', '--quiet', ...args];
    const { stdout } = await promisify(execFile)(program, words, { env: { ...process.env, HOME: home }, timeout: 30_000 });
    return (JSON.parse(stdout) as { readonly result: Record<string, unknown> }).result;
  };
  const callTool = (name: string, args: Record<string, unknown>) =>
    inspect('--method', 'tools/call', '--tool-name', name, '--tool-args-json', JSON.stringify(args));

  test('lists the tools of all servers', async () => {
    const { tools } = await inspect('--method', 'tools/list');
    expect(tools).toHaveLength(TOOL_COUNT);
  });

  test.each([
    ['everything', 'get-sum', { a: 2, b: 3 }, '5'],
    ['filesystem', 'list_allowed_directories', {}, 'Allowed directories'],
    ['memory', 'read_graph', {}, 'entities'],
    ['time', 'get_current_time', { timezone: 'Europe/Berlin' }, 'Europe/Berlin'],
  ])('calls a tool of "%s"', async (_, name, args, expected) => {
    expect(JSON.stringify(await callTool(name, args))).toContain(expected);
  });
});

/** Waits until every server is up; on a first start the list grows with them. */
async function listsEverything(client: OfficialClient): Promise<void> {
  await eventually('all tools', async () => ((await client.tools()).length === TOOL_COUNT ? true : undefined), { withinMs: 15_000 });
}

async function callsEveryServer(client: OfficialClient, { files }: Demo): Promise<void> {
  expect(await client.call('echo', { message: 'hello' })).toMatchObject({ text: 'Echo: hello', isError: false });

  const welcome = path.join(files, 'welcome.txt');
  expect((await client.call('read_text_file', { path: welcome })).text).toBe(await readFile(welcome, 'utf8'));

  const entity = { name: `client-${client.revision}`, entityType: 'client', observations: ['calls tools'] };
  expect((await client.call('create_entities', { entities: [entity] })).isError).toBe(false);
  expect((await client.call('open_nodes', { names: [entity.name] })).structured).toMatchObject({ entities: [entity] });

  const time = await client.call('convert_time', { time: '2026-03-01T14:30', from: 'Europe/Berlin', to: 'Asia/Tokyo' });
  expect(JSON.stringify(time.structured)).toContain('2026-03-01T22:30');
}
