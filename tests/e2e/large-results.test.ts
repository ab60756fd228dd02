import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from './support/eventually.ts';
import { startGateway, type RunningGateway } from './support/gateway.ts';
import { OFFICIAL_CLIENTS, openOfficialClient } from './support/official-clients.ts';
import { rpc } from './support/raw-client.ts';

const SERVER = path.resolve(import.meta.dirname, '../faults/servers/rows-server.mjs');
const META = 'signalbox.dev/result';
const ROWS = 20_000;

let gateway: RunningGateway;
beforeAll(async () => {
  const entry = { command: process.execPath, args: [SERVER] };
  gateway = await startGateway({ config: { mcpServers: { data: entry }, results: { maxInlineBytes: 20_000 } } });
  await using client = await openOfficialClient('client legacy', gateway.url);
  await eventually('the tools for results', async () => ((await client.tools()).length === 7 ? true : undefined));
});
afterAll(() => gateway.stop());

const handleOf = (meta: Readonly<Record<string, unknown>>) => (meta[META] as { readonly handle: string }).handle;

describe.each(OFFICIAL_CLIENTS)('the official client "%s"', (kind) => {
  // The clients check structured content against the schema they have listed, and throw where it does not fit.
  test('accepts a shortened answer, and takes from it what it wants', async () => {
    await using client = await openOfficialClient(kind, gateway.url);
    expect(await client.tools()).toEqual(['rows', 'log', 'picture', 'read_result', 'search_result', 'slice_result', 'drop_result']);
    const { structured, meta, text } = await client.call('rows', { count: ROWS });
    expect((structured as { rows: unknown[] }).rows.length).toBeLessThan(21);
    expect(text).toContain(`/rows has 20 of ${ROWS} items`);
    const handle = handleOf(meta);
    const slice = await client.call('slice_result', { handle, path: `/rows/${ROWS - 2}:/name` });
    expect(slice.text).toBe(`2 values at "/rows/${ROWS - 2}:/name", picked from 20,000 entries\n"row ${ROWS - 2}"\n"row ${ROWS - 1}"`);
    expect(JSON.parse(await client.read(`signalbox-result://${handle}`))).toHaveProperty('rows.length', ROWS);
    expect((await client.call('drop_result', { handle })).isError).toBe(false);
    expect(await client.call('read_result', { handle })).toMatchObject({
      isError: true,
      text: expect.stringContaining('it was dropped') as string,
    });
  });

  test('pages through a text and searches it, also after it has connected anew', async () => {
    let handle: string;
    {
      await using client = await openOfficialClient(kind, gateway.url);
      handle = handleOf((await client.call('log', { count: 5_000 })).meta);
    }
    await using client = await openOfficialClient(kind, gateway.url);
    const found = await client.call('search_result', { handle, pattern: '^line 499[0-9] ', regex: true, maxMatches: 3 });
    expect(found.text).toMatch(
      /^3 matches in part 0, up to byte \d+; go on with offset \d+\nline 4991 \(byte \d+\): line 4990 of the log\n/,
    );
    const page = await client.call('read_result', { handle, length: 100 });
    expect(page.text).toMatch(
      /^Part 0, bytes 0 to \d+ of \d+, lines 1 to \d of 5000; go on with offset \d+\n\nline 0 of the log\nline 1 of/,
    );
  });

  test('is shown pictures and small answers as they are', async () => {
    await using client = await openOfficialClient(kind, gateway.url);
    const picture = await client.call('picture', { count: 60_000 });
    expect(picture.content.map(({ type, data }) => [type, String(data).length])).toEqual([['image', 80_000]]);
    const small = await client.call('rows', { count: 3 });
    expect([small.structured, small.text]).toEqual([JSON.parse(small.text), JSON.stringify(small.structured)]);
  });
});

test('a pattern that backtracks without end costs the others nothing', async () => {
  const session = rpc(gateway.url).modern();
  const { result } = await session.request('tools/call', { name: 'log', arguments: { count: 100_000 } });
  const handle = handleOf(result!['_meta'] as Record<string, unknown>);
  const startedAt = performance.now();
  const evil = session.request('tools/call', {
    name: 'search_result',
    arguments: { handle, pattern: '^(([a-z0-9])+.)+[A-Z]([a-z])+$', regex: true },
  });
  const others = { slowestMs: 0, isOver: false };
  const done = evil.finally(() => (others.isOver = true));
  do {
    const sentAt = performance.now();
    await session.request('tools/call', { name: 'rows', arguments: { count: 1 } });
    others.slowestMs = Math.max(others.slowestMs, performance.now() - sentAt);
  } while (!others.isOver);
  const answer = await done;
  expect(answer.result).toMatchObject({ content: [{ text: expect.stringMatching(/^\d+ matches in part 0, up to /) as string }] });
  expect(performance.now() - startedAt).toBeLessThan(15_000);
  expect(others.slowestMs).toBeLessThan(3_000);
});

test('without a word of it in the configuration nothing is reduced and no tool is added', async () => {
  await using plain = await startGateway({ config: { mcpServers: { data: { command: process.execPath, args: [SERVER] } } } });
  await using client = await openOfficialClient('client modern', plain.url);
  expect(await client.tools()).toEqual(['rows', 'log', 'picture']);
  const { structured, meta } = await client.call('rows', { count: ROWS });
  expect([(structured as { rows: unknown[] }).rows.length, meta[META]]).toEqual([ROWS, undefined]);
});
