import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { readStatus, untilState } from './support/admin.ts';
import { eventually } from './support/eventually.ts';
import { startGateway } from './support/gateway.ts';
import { rpc } from './support/raw-client.ts';
import { stdioEntry } from './support/stdio-entry.ts';

const SLOW_MS = 1500;

test('a later start lists everything while its slow servers are still starting, and a call waits for them', async () => {
  await using data = await dataFolder();
  const names = ['a', 'b', 'c'];
  const config = { mcpServers: Object.fromEntries(names.map((name) => [name, stdioEntry({ prefix: `${name}_`, initDelayMs: SLOW_MS })])) };
  const first = await startGateway({ config, dataDir: data.path });
  for (const name of names) await untilState(first, name, 'ready');
  const known = await toolsOf(first.url);
  expect(known).toHaveLength(15);
  await first.stop();

  // How long that takes is for the benchmark "cold-start" to say.
  const startedAt = performance.now();
  await using gateway = await startGateway({ config, dataDir: data.path });
  expect(await toolsOf(gateway.url)).toEqual(known);
  const { upstreams } = await readStatus(gateway);
  expect(upstreams.map(({ state }) => state)).toEqual(['starting', 'starting', 'starting']);

  const answer = await rpc(gateway.url)
    .modern()
    .request('tools/call', { name: 'b_echo', arguments: { text: 'patience' } });
  expect(answer.result).toMatchObject({ content: [{ type: 'text', text: 'patience' }] });
  expect(performance.now() - startedAt).toBeGreaterThan(SLOW_MS);
});

test('a name stays with the server that had it first, whoever is faster, slower or away in later starts', async () => {
  await using data = await dataFolder();
  const entries = (delays: { first: number; second: number }, away?: 'first' | 'second') => ({
    mcpServers: {
      first: { ...stdioEntry({ initDelayMs: delays.first, env: { WHO: 'first' } }), disabled: away === 'first' },
      second: { ...stdioEntry({ initDelayMs: delays.second, env: { WHO: 'second' } }), disabled: away === 'second' },
    },
  });

  // The later one in the configuration is up long before the earlier one.
  const start = await startGateway({ config: entries({ first: SLOW_MS, second: 0 }), dataDir: data.path });
  await untilState(start, 'first', 'ready');
  expect(await ownersOf(start.url)).toEqual({ env: 'second', first__env: 'first' });
  await start.stop();

  const exchanged = await startGateway({ config: entries({ first: 0, second: SLOW_MS }), dataDir: data.path });
  // Another delay is another command line, so nothing of the owner is remembered but that the name is its own.
  await untilState(exchanged, 'first', 'ready');
  expect(await ownersOf(exchanged.url)).toEqual({ first__env: 'first' });
  await untilState(exchanged, 'second', 'ready');
  expect(await ownersOf(exchanged.url)).toEqual({ env: 'second', first__env: 'first' });
  await exchanged.stop();

  const alone = await startGateway({ config: entries({ first: 0, second: 0 }, 'second'), dataDir: data.path });
  await untilState(alone, 'first', 'ready');
  expect(await ownersOf(alone.url)).toEqual({ first__env: 'first' });
  await alone.stop();

  await using again = await startGateway({ config: entries({ first: 0, second: 0 }), dataDir: data.path });
  await untilState(again, 'second', 'ready');
  expect(await ownersOf(again.url)).toEqual({ env: 'second', first__env: 'first' });
});

test('the very first start answers with what is up instead of waiting for the slowest', async () => {
  await using gateway = await startGateway({
    config: { mcpServers: { fast: stdioEntry({ prefix: 'fast_' }), slow: stdioEntry({ prefix: 'slow_', initDelayMs: 3000 }) } },
  });
  const askedAt = performance.now();
  const early = await toolsOf(gateway.url);
  expect(performance.now() - askedAt).toBeLessThan(2000);
  expect(early).toContain('fast_echo');
  expect(early).not.toContain('slow_echo');
  await eventually('the slow one has joined', async () => ((await toolsOf(gateway.url)).includes('slow_echo') ? true : undefined));
});

async function toolsOf(url: string): Promise<string[]> {
  const { result, error } = await rpc(url).modern().request('tools/list');
  expect(error).toBeUndefined();
  return (result!['tools'] as { readonly name: string }[]).map(({ name }) => name);
}

/** Which server answers to each public name of the tool `env`. */
async function ownersOf(url: string): Promise<Record<string, unknown>> {
  const names = (await toolsOf(url)).filter((name) => name.endsWith('env'));
  const session = rpc(url).modern();
  const owners: Record<string, unknown> = {};
  for (const name of names.toSorted()) {
    const { result, error } = await session.request('tools/call', { name, arguments: {} });
    expect(error).toBeUndefined();
    const [{ text }] = result!['content'] as [{ readonly text: string }];
    owners[name] = (JSON.parse(text) as Record<string, string>)['WHO'];
  }
  return owners;
}

async function dataFolder() {
  const folder = await mkdtemp(path.join(tmpdir(), 'signalbox-data-'));
  return { path: folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}
