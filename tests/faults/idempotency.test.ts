import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually } from './support/observe.ts';
import { startGateway, type RunningGateway } from '../e2e/support/gateway.ts';
import { rpc, type RawSession } from '../e2e/support/raw-client.ts';

const SERVER = path.resolve(import.meta.dirname, 'servers/ledger-server.mjs');
const KEY = 'signalbox.dev/idempotencyKey';
const ROUNDS = 200;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'signalbox-ledger-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

interface Options {
  readonly deaths: number;
  readonly holdMs?: number;
  readonly seed?: number;
  readonly durable?: boolean;
}

function start({ deaths, holdMs = 0, seed = 1, durable = false }: Options): Promise<RunningGateway> {
  const args = [
    SERVER,
    '--ledger',
    path.join(folder, 'ledger'),
    '--seed',
    String(seed),
    '--deaths',
    String(deaths),
    '--hold',
    String(holdMs),
  ];
  const ledger = {
    command: process.execPath,
    args,
    restart: { backoffMs: 1, maxBackoffMs: 5 },
    breaker: { failures: 1000 },
    retry: { attempts: 1 },
  };
  return startGateway({
    config: { mcpServers: { ledger }, limits: { idempotency: { durable } }, log: { level: 'error' } },
    dataDir: path.join(folder, 'data'),
  });
}

/** How often each call was executed, by tool and id. */
async function executions(): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  // Before the server has started there is no file.
  const text = await readFile(path.join(folder, 'ledger'), 'utf8').catch(() => '');
  for (const line of text.split('\n')) counts.set(line, (counts.get(line) ?? 0) + 1);
  return counts;
}

const EXPECTED = /^(?:UPSTREAM_UNAVAILABLE|UPSTREAM_PROTOCOL|NOT_REPEATABLE: .+may have run.+Find out whether it ran)/;

type Ending = 'done' | 'refused';

/** Sends a call until it is answered for good, as a client does that loses its connection now and then. */
async function insist(
  session: RawSession,
  tool: string,
  id: string,
): Promise<{ readonly ending: Ending; readonly sends: number; readonly code?: string }> {
  for (let sends = 1; sends <= 60; sends++) {
    const { result, error } = await session.request('tools/call', { name: tool, arguments: { id }, _meta: { [KEY]: `${tool}-${id}` } });
    if (result !== undefined) return { ending: 'done', sends };
    const code = String((error!.data as { reason?: unknown } | undefined)?.reason);
    expect(`${code}: ${error!.message}`).toMatch(EXPECTED);
    if (code === 'NOT_REPEATABLE') return { ending: 'refused', sends, code };
  }
  throw new Error(`No end to "${id}"`);
}

test(`over ${ROUNDS} rounds in which the server dies at any moment, a write runs once, or is refused honestly`, async () => {
  await using gateway = await start({ deaths: 0.4, seed: 20_261_120 });
  const sessions = [rpc(gateway.url).modern(), await rpc(gateway.url).handshake()];
  const endings = { done: 0, refused: 0, refusedAndRun: 0, sentAgain: 0 };
  for (let round = 0; round < ROUNDS; round++) {
    const id = String(round);
    // One in four is sent by two clients at once.
    const clients = round % 4 === 0 ? sessions : [sessions[round % 2]!];
    const all = await Promise.all(clients.map((session) => insist(session, 'pay', id)));
    const times = (await executions()).get(`pay ${id}`) ?? 0;
    for (const { ending, sends } of all) {
      expect({ id, ending, times }).toEqual({ id, ending, times: ending === 'done' ? 1 : Math.min(times, 1) });
      // A client that is alone is refused only what it has sent before; of two, one may be refused for what the other sent.
      const fewest = clients.length === 1 && ending === 'refused' ? 2 : 1;
      expect({ id, sends }).toEqual({ id, sends: Math.max(fewest, sends) });
      endings[ending]++;
      if (ending === 'refused' && times === 1) endings.refusedAndRun++;
      if (sends > 1) endings.sentAgain++;
    }
  }
  // Otherwise the rounds would have shown nothing.
  expect(endings.done).toBeGreaterThan(ROUNDS / 4);
  expect(endings.refused).toBeGreaterThan(ROUNDS / 8);
  expect(endings.refusedAndRun).toBeGreaterThan(10);
  expect(endings.sentAgain).toBeGreaterThan(ROUNDS / 8);
}, 240_000);

test('a tool that says running it twice is the same as once is run until it is done', async () => {
  await using gateway = await start({ deaths: 0.4, seed: 7 });
  const session = rpc(gateway.url).modern();
  let sends = 0;
  for (let round = 0; round < 30; round++) {
    const { ending, sends: needed } = await insist(session, 'put', String(round));
    expect(ending).toBe('done');
    expect((await executions()).get(`put ${round}`)).toBeGreaterThanOrEqual(1);
    sends += needed;
  }
  expect(sends).toBeGreaterThan(30);
}, 120_000);

test('a gateway that is killed while a write is under way knows of it when it comes back, if it may write to its data folder', async () => {
  for (let round = 0; round < 4; round++) {
    const id = `killed-${round}`;
    const before = await start({ deaths: 0, holdMs: 60_000, durable: true });
    const call = rpc(before.url)
      .modern()
      .request('tools/call', { name: 'pay', arguments: { id }, _meta: { [KEY]: `pay-${id}` } });
    const lost = call.then(
      () => 'answered',
      () => 'lost',
    );
    await eventually(
      async () => (await executions()).get(`pay ${id}`),
      (times) => times === 1,
    );
    await before.stop('SIGKILL');
    expect(await lost).toBe('lost');
    await using after = await start({ deaths: 0, durable: true });
    expect(await insist(rpc(after.url).modern(), 'pay', id)).toEqual({ ending: 'refused', sends: 1, code: 'NOT_REPEATABLE' });
    expect((await executions()).get(`pay ${id}`)).toBe(1);
  }
}, 120_000);
