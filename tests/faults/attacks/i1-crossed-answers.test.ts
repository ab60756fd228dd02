import path from 'node:path';
import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { startGateway, type RunningGateway } from '../../e2e/support/gateway.ts';
import { rpc } from '../../e2e/support/raw-client.ts';
import { sendHttp, startRecordingServer, toResult, type SeenRequest } from '../servers/recording-server.ts';
import { untilState } from '../support/observe.ts';
import { Caller } from './support/caller.ts';

// I1: callers who number their requests alike share a connection to an upstream that answers in any order, goes away and
// comes back. Nobody may get what was meant for another. CVE-2026-25536, GHSA-345p-7cg4-v4c7 (an SDK that mixed such answers up).

const SHUFFLING = path.resolve(import.meta.dirname, '../servers/shuffling-server.mjs');
const CALLERS = 64;
const CALLS_EACH = 80;
const QUIET = { health: { intervalMs: 86_400_000 } };
/** What a call may be told while its upstream is away. */
const AWAY = new Set(['UPSTREAM_UNAVAILABLE', 'OVERLOADED']);

interface Ledger {
  answered: number;
  away: number;
  broken: number;
  progress: number;
  readonly wrong: string[];
}

/** Half of them in sessions, half without; half with numbers for ids, half with the same numbers as text. */
async function createCallers(url: string): Promise<Caller[]> {
  return Promise.all(
    Array.from(
      { length: CALLERS },
      async (_, index) => new Caller(url, index % 4 < 2 ? undefined : (await rpc(url).handshake()).sessionId),
    ),
  );
}

async function runAll(gateway: RunningGateway, onCall: (count: number) => void): Promise<Ledger> {
  const ledger: Ledger = { answered: 0, away: 0, broken: 0, progress: 0, wrong: [] };
  const callers = await createCallers(gateway.url);
  let count = 0;
  const run = async (caller: Caller, index: number): Promise<void> => {
    for (let number = 0; number < CALLS_EACH; number++) {
      onCall(++count);
      const id = index % 2 === 0 ? number : String(number);
      const nonce = `${index}:${number}`;
      // A call that is broken off; its answer, if it comes, is nobody's. The next one has the same id.
      if (caller.isModern && number % 20 === 10) {
        const broken = await caller.call({ id, tool: 'echo', text: `${nonce} broken`, abortAfterMs: number % 3 });
        if (broken === undefined) ledger.broken++;
      }
      if (number % 25 === 24) caller.reconnect();
      // All use the same tokens, too.
      const token = number % 5 === 0 ? id : undefined;
      const answer = await caller.call({ id, tool: 'echo', text: nonce, token });
      for (const message of answer ?? []) {
        const { method, params, result, error } = message;
        if (method === 'notifications/progress') {
          ledger.progress++;
          if (params?.['progressToken'] !== token || params?.['message'] !== nonce)
            ledger.wrong.push(`${nonce}: ${JSON.stringify(params)}`);
        } else if (message.id !== id) ledger.wrong.push(`${nonce}: id ${JSON.stringify(message.id)}`);
        else if (result?.content?.[0]?.text === nonce) ledger.answered++;
        else if (AWAY.has(String(error?.data?.['reason']))) ledger.away++;
        else ledger.wrong.push(`${nonce}: ${JSON.stringify(message)}`);
      }
    }
  };
  await Promise.all(callers.map(run));
  for (const caller of callers) caller.close();
  return ledger;
}

const TOTAL = CALLERS * CALLS_EACH;
const entry = { ...QUIET, maxConcurrent: 64, restart: { backoffMs: 20, maxBackoffMs: 50 }, breaker: { failures: 1_000 } };

describe('I1: 64 callers with the same ids and tokens', () => {
  test.each(['handshake', 'modern'])('share one %s process, which ends three times', async (era) => {
    const web = { command: process.execPath, args: [SHUFFLING, '--era', era], ...entry };
    await using gateway = await startGateway({ config: { mcpServers: { web } } });
    await untilState(gateway, 'web', 'ready');
    const ends = new Set([TOTAL * 0.25, TOTAL * 0.5, TOTAL * 0.75].map(Math.floor));
    const killer = new Caller(gateway.url, undefined);
    const ledger = await runAll(gateway, (count) => {
      if (ends.has(count)) void killer.call({ id: 0, tool: 'die', text: '' });
    });
    killer.close();
    expect(ledger.wrong).toEqual([]);
    expect(ledger.answered + ledger.away).toBe(TOTAL);
    // What was under way when the process ended, and what came before the next one was there.
    expect(ledger.away).toBeLessThan(TOTAL / 10);
    expect(ledger.progress).toBeGreaterThan(TOTAL / 5 - TOTAL / 10);
    expect(ledger.broken).toBeGreaterThan(50);
  });

  test.each(['handshake', 'modern'] as const)(
    'share the connections of one %s web server, which drops them all three times',
    async (era) => {
      let held: [SeenRequest, Socket][] = [];
      const answerHeld = () => {
        // In another order than they came, over whatever connections they came.
        for (const [request, socket] of held.toReversed()) {
          const content = [{ type: 'text', text: request.arguments['text'] }];
          sendHttp(socket, 200, toResult(request.message.id, { ...(era === 'modern' ? { resultType: 'complete' } : {}), content }));
        }
        held = [];
      };
      await using upstream = await startRecordingServer({
        era,
        answer: (request, socket) => {
          if (request.method !== 'tools/call') return false;
          if (held.push([request, socket]) >= 16) answerHeld();
          else if (held.length === 1) setTimeout(answerHeld, 2);
          return true;
        },
      });
      await using gateway = await startGateway({ config: { mcpServers: { web: { url: upstream.url, ...entry } } } });
      await untilState(gateway, 'web', 'ready');
      const drops = new Set([TOTAL * 0.25, TOTAL * 0.5, TOTAL * 0.75].map(Math.floor));
      const ledger = await runAll(gateway, (count) => {
        if (drops.has(count)) upstream.disconnect();
      });
      expect(ledger.wrong).toEqual([]);
      expect(ledger.answered + ledger.away).toBe(TOTAL);
      expect(ledger.away).toBeLessThan(TOTAL / 10);
    },
  );
});
