import path from 'node:path';
import { expect, test } from 'vitest';
import { askAdmin, untilState } from './support/admin.ts';
import { eventually } from './support/eventually.ts';
import type { RunningGateway } from './support/gateway.ts';
import { openOfficialClient, type OfficialClient } from './support/official-clients.ts';
import { startWorkers } from './support/workers.ts';

// One server with twenty tools.
const catalogue = path.resolve(import.meta.dirname, '../../examples/learning/catalogue.mjs');
const mcpServers = { issues: { module: catalogue, config: { server: 'billing' } } };
const config = { mcpServers, surface: 'search', learning: { enabled: true, commitSeconds: 1 } };
const NEED = 'create, list, update or delete an invoice, a refund, a subscription or a coupon';
const SESSIONS = 24;

interface Match {
  readonly name: string;
  readonly why?: string;
}

async function find(client: OfficialClient, limit: number): Promise<readonly Match[]> {
  const { structured } = await client.call('search_tools', { needs: [NEED], limit });
  return (structured as { results: [{ matches: readonly Match[] }] }).results[0].matches;
}

const factsOf = async ({ dataDir }: RunningGateway) =>
  ((await (await askAdmin(dataDir, '/learning', 'GET', {})).json()) as { facts: { learned: number; dropped: number } }).facts;

test('what is called at any worker is learned, and what was learned is shown at every one', async () => {
  await using gateway = await startWorkers(config, { count: 2 });
  await untilState(gateway, 'issues', 'ready');
  const inSession = async <Value>(work: (client: OfficialClient) => Promise<Value>): Promise<Value> => {
    await using client = await openOfficialClient('client legacy', gateway.url);
    return await work(client);
  };
  // Connections go to the workers in turn.
  const last = await inSession(async (client) => (await find(client, 20)).at(-1)!.name);
  for (let session = 0; session < SESSIONS; session++)
    await inSession(async (client) => {
      await find(client, 20);
      await client.call('call_tool', { name: last, arguments: {} });
    });
  const facts = await eventually('all facts are learned', async () => {
    const { learned, dropped } = await factsOf(gateway);
    return learned + dropped >= 1 + 2 * SESSIONS ? { learned, dropped } : undefined;
  });
  expect(facts).toEqual({ learned: 1 + 2 * SESSIONS, dropped: 0 });
  const placesOf = () =>
    Promise.all(
      Array.from({ length: 6 }, () =>
        inSession(async (client) => (await find(client, 5)).findIndex(({ name, why }) => name === last && why)),
      ),
    );
  await eventually('all workers are advised', async () => ((await placesOf()).every((place) => place >= 0) ? true : undefined), {
    withinMs: 15_000,
  });
});
