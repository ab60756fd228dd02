import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { untilState } from './support/admin.ts';
import { eventually } from './support/eventually.ts';
import { startGateway, type RunningGateway } from './support/gateway.ts';
import { OFFICIAL_CLIENTS, openOfficialClient, type OfficialClient } from './support/official-clients.ts';
import { rpc } from './support/raw-client.ts';
import { stdioEntry } from './support/stdio-entry.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const FIXED = ['search_tools', 'describe_tool', 'call_tool'];
const mcpServers = {
  everything: { command: path.join(ROOT, 'node_modules/.bin/mcp-server-everything'), args: ['stdio'] },
  time: { module: '@signalbox/module-time' },
  faulty: stdioEntry(),
};

interface Found {
  readonly tools: number;
  readonly results: readonly { readonly matches: readonly { readonly name: string; readonly score: number }[] }[];
}

let gateway: RunningGateway;
beforeAll(async () => {
  gateway = await startGateway({ config: { mcpServers, surface: 'search', virtualServers: { all: {} } } });
  for (const name of Object.keys(mcpServers)) await untilState(gateway, name, 'ready');
});
afterAll(() => gateway.stop());

describe.each(OFFICIAL_CLIENTS)('for the official client "%s" a search surface', (kind) => {
  test('lists three tools, finds the others by several needs at once, describes and calls them', async () => {
    await using client = await openOfficialClient(kind, gateway.url);
    expect(await client.tools()).toEqual(FIXED);
    const found = await client.call('search_tools', { needs: ['add two numbers', 'convert a time between time zones', 'get-tiny-image'] });
    const { results, tools } = found.structured as Found;
    expect(tools).toBe(22);
    expect(results.map(({ matches }) => matches[0]!.name)).toEqual(['get-sum', 'convert_time', 'get-tiny-image']);
    expect(results[2]!.matches[0]!.score).toBe(1);

    const described = await client.call('describe_tool', { names: ['get-sum', 'nobody'] });
    expect(described.structured).toMatchObject({
      tools: [{ upstream: 'everything', definition: { name: 'get-sum', inputSchema: { properties: { a: { type: 'number' } } } } }],
      unknown: [{ name: 'nobody' }],
    });
    expect((await callThrough(client, 'get-sum', { a: 2, b: 3 })).text).toContain('5');
    const structured = await callThrough(client, 'convert_time', { time: '2026-03-01T14:30', from: 'Europe/Berlin', to: 'Asia/Tokyo' });
    expect(JSON.stringify(structured.structured)).toContain('2026-03-01T22:30');
  });

  test('says what is wrong: with the arguments of a tool, with a name, with a call that goes past it', async () => {
    await using client = await openOfficialClient(kind, gateway.url);
    expect(await callThrough(client, 'get-sum', { a: 'one' })).toMatchObject({
      isError: true,
      text: expect.stringContaining('"a"') as string,
    });
    expect(await callThrough(client, 'get-summ', {})).toMatchObject({
      isError: true,
      text: expect.stringContaining('"get-sum"') as string,
    });
    await expect(client.call('get-sum', { a: 1, b: 2 })).rejects.toThrow('call_tool');
  });

  test('lets progress and log messages through, and prompts and resources as they are', async () => {
    await using client = await openOfficialClient(kind, gateway.url);
    if (client.revision !== '2026-07-28') await client.setLogLevel('debug');
    const progress: number[] = [];
    const call = { name: 'trigger-long-running-operation', arguments: { duration: 0.4, steps: 4 } };
    const answer = await client.call('call_tool', call, (step) => progress.push(step.progress));
    expect([answer.isError, progress.slice(0, 3)]).toEqual([false, [1, 2, 3]]);
    await callThrough(client, 'toggle-simulated-logging');
    await eventually('a log message', () => client.heard.logs[0]);
    await callThrough(client, 'toggle-simulated-logging');
    expect(await client.prompts()).toContain('args-prompt');
    expect(await client.read('demo://resource/static/document/features.md')).toContain('# ');
  });
});

test('a call through it is the same call: one record, of the tool itself, and the same answer', async () => {
  const session = rpc(gateway.url).modern();
  const through = await session.request('tools/call', { name: 'call_tool', arguments: { name: 'echo', arguments: { text: 'same' } } });
  const direct = await rpc(new URL('/mcp/all', gateway.url).href)
    .modern()
    .request('tools/call', { name: 'echo', arguments: { text: 'same' } });
  expect(through.result).toEqual({ ...direct.result, _meta: expect.anything() as unknown });
});

test('a call through it is taken back when its client goes, over HTTP as everywhere', async () => {
  const abort = new AbortController();
  const call = { name: 'call_tool', arguments: { name: 'sleep', arguments: { ms: 60_000 } } };
  const pending = rpc(gateway.url).modern().exchange('tools/call', call, { signal: abort.signal });
  const inFlight = async (count: number) =>
    await eventually(`${count} in flight`, async () =>
      (await untilState(gateway, 'faulty', 'ready')).inFlight === count ? true : undefined,
    );
  await inFlight(1);
  abort.abort();
  await expect(pending).rejects.toThrow(/abort/i);
  await inFlight(0);
});

function callThrough(client: OfficialClient, name: string, args: Record<string, unknown> = {}) {
  return client.call('call_tool', { name, arguments: args });
}
