import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { askAdmin, untilState } from './support/admin.ts';
import { eventually } from './support/eventually.ts';
import { runSignalbox, startGateway, type RunningGateway } from './support/gateway.ts';
import { openOfficialClient, type OfficialClient } from './support/official-clients.ts';

const server = fileURLToPath(new URL('./servers/places-server.mjs', import.meta.url));
const config = {
  mcpServers: {
    places: {
      command: process.execPath,
      args: [server],
      cache: { tools: ['find_*'], similar: { tools: ['find_*'] } },
    },
  },
  learning: { enabled: true },
};

interface Similar {
  readonly hits: number;
  readonly checked: number;
  readonly wrong: number;
  readonly compared: number;
  readonly bound: number;
}

const ask = async <Body>({ dataDir }: RunningGateway, route: string, body?: object) =>
  (await (await askAdmin(dataDir, route, body === undefined ? 'GET' : 'POST', body === undefined ? {} : { body })).json()) as Body;

const readSimilar = async (gateway: RunningGateway) => (await ask<{ similar: Similar }>(gateway, '/caches')).similar;

/** A place that nobody has asked for before, in some spellings. */
function createPlaces() {
  let count = 0;
  return () => {
    const name = (++count).toString(4).replaceAll(/\d/g, (digit) => ['bo', 'do', 'go', 'ko'][Number(digit)]!);
    return [`Port ${name}`, `PORT ${name}`, `port  ${name}`, `Port ${name}.`];
  };
}

/** Asks for new places in all spellings until that has come to something. */
async function askUntil(client: OfficialClient, tool: string, isDone: () => Promise<boolean>): Promise<void> {
  for (let round = 0; round < 60 && !(await isDone()); round++) {
    for (let each = 0; each < 5; each++) for (const place of nextPlace()) await findPlace(client, tool, place);
  }
  expect(await isDone()).toBe(true);
}

const nextPlace = createPlaces();
/** How many calls there were of each tool, no two of them equal. */
const asked = new Map<string, number>();

async function findPlace(client: OfficialClient, tool: string, place: string): Promise<void> {
  asked.set(tool, (asked.get(tool) ?? 0) + 1);
  const { text } = await client.call(tool, { place });
  expect(text).toBe(`the page of ${tool === 'find_word' ? place : place.toLowerCase().replaceAll(/[^a-z]+/g, '')}`);
}

test('what is only written differently is answered again once it was seen to be the same, and never where it is not', async () => {
  await using gateway = await startGateway({ config });
  await untilState(gateway, 'places', 'ready');
  await using client = await openOfficialClient('client modern', gateway.url);
  const hits = async () => (await readSimilar(gateway)).hits;
  // The first facts bring the first advice.
  await findPlace(client, 'find_place', 'anywhere');
  await eventually('there is advice', async () => {
    const { adviceVersion } = await ask<{ adviceVersion: number }>(gateway, '/learning');
    return adviceVersion > 0 ? true : undefined;
  });
  await askUntil(client, 'find_place', async () => (await hits()) >= 5);
  const learned = await readSimilar(gateway);
  expect(learned).toMatchObject({ wrong: 0 });
  expect(learned.checked).toBeGreaterThanOrEqual(20);
  expect(learned.bound).toBeLessThan(0.02);

  // Every answer is seen to be right, though each place is written in as many ways.
  await askUntil(client, 'find_word', async () => (await readSimilar(gateway)).wrong > 0);
  await askUntil(client, 'find_word', async () => (await readSimilar(gateway)).compared >= learned.compared + 60);
  const { text } = await client.call('count');
  const calls = JSON.parse(text) as { find_place: number; find_word: number };
  const after = await readSimilar(gateway);
  expect(after.hits).toBe(learned.hits);
  expect(calls.find_word).toBe(asked.get('find_word'));
  expect(calls.find_place).toBe(asked.get('find_place')! - after.hits);

  const shown = await runSignalbox(['cache', 'status', '--config', gateway.configFile, '--data', gateway.dataDir]);
  expect(shown.stdout).toMatch(/similar calls: \d+ hits, held for at most 0\.\d % wrong; \d+ checked, \d+ of them wrong; \d+ compared/);
  const metrics = await (await fetch(new URL('/metrics', gateway.url))).text();
  expect(metrics).toContain(`signalbox_cache_similar_hits_total ${after.hits}`);

  // Frozen, what is known is gone by; forgotten, it is checked from the first again.
  await ask(gateway, '/learning/freeze', { frozen: true });
  await askUntil(client, 'find_place', async () => (await hits()) > after.hits);
  await ask(gateway, '/learning/forget', { upstream: 'places', tool: 'find_place' });
  await eventually('new advice keeps it from being given', async () => {
    const before = await hits();
    for (let each = 0; each < 5; each++) for (const place of nextPlace()) await findPlace(client, 'find_place', place);
    return (await hits()) === before ? true : undefined;
  });
});
