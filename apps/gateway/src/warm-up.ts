import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { createDesiredState } from '@signalbox/control-plane';
import {
  parseGatewayConfig,
  silentLogger,
  systemClock,
  toMessage,
  type Cancellation,
  type Implementation,
  type Logger,
  type ResultOutcome,
  type Status,
} from '@signalbox/core';
import { createDataPlane, outcomeCodec } from '@signalbox/data-plane';
import { HANDSHAKE_REVISIONS, MODERN_REVISION, createHttpServer, openHttp } from '@signalbox/protocol';
import { SEAL_KEY_BYTES, createSeal } from '@signalbox/security';
import { createAnswerCache, createMemoryCache, createMemoryDocuments } from '@signalbox/storage';

export interface WarmUpOptions {
  readonly info: Implementation;
  /** The gateway that is to become fast. While calls of its own are in flight, this waits. */
  readonly status: Status;
  readonly logger: Logger;
  /** Ends it early. */
  readonly end: Cancellation;
}

/** What the worker says. */
type Said =
  | { readonly kind: 'ready'; readonly url: string }
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly message: string };

/** Longest time it may take. A machine that is not done by then has other things to do. */
const MAX_MS = 4_000;
const ROUNDS = 110;
const BUSY_PAUSE_MS = 50;
const CALL_MS = 5_000;
const MAX_BYTES = 1_000_000;

const LIMITS = { maxMessageBytes: MAX_BYTES, maxDepth: 64 };
const SESSIONS = { idleSeconds: 60, max: 100, maxAgeSeconds: 60 };

/**
 * Has calls go through all of the gateway's code, between a client and a server in a thread of their own, so that V8 has
 * optimized it before the first client calls. Nothing of it is seen outside: state, names, records and limits are its own.
 * Never rejects.
 */
export async function warmUp(options: WarmUpOptions): Promise<void> {
  const startedAtMs = performance.now();
  const worker = new Worker(new URL('../worker/warm-up-load.js', import.meta.url), {
    workerData: { modern: MODERN_REVISION, handshake: HANDSHAKE_REVISIONS[0] },
  });
  try {
    const rounds = await run(options, { worker, endsAtMs: startedAtMs + MAX_MS });
    options.logger.debug('warmed up', { rounds, ms: Math.round(performance.now() - startedAtMs) });
  } catch (error) {
    // The gateway works as well without it, only less fast in the beginning.
    options.logger.debug('could not warm up', { error: toMessage(error) });
  } finally {
    await worker.terminate();
  }
}

async function run(
  { info, status, end }: WarmUpOptions,
  { worker, endsAtMs }: { readonly worker: Worker; readonly endsAtMs: number },
): Promise<number> {
  const ready = await hear(worker);
  if (ready.kind !== 'ready') throw new Error('the worker did not start');
  const { url: upstream } = ready;
  const seal = createSeal({ key: randomBytes(SEAL_KEY_BYTES) });
  const token = randomBytes(32).toString('base64url');
  const dataPlane = await createDataPlane({
    state: createDesiredState({
      initial: parseGatewayConfig({ mcpServers: { modern: { url: upstream }, handshake: { url: upstream, tools: { prefix: 'always' } } } }),
    }),
    documents: createMemoryDocuments(),
    cache: createMemoryCache<ResultOutcome>({ maxBytes: MAX_BYTES, clock: systemClock }),
    answers: createAnswerCache({ memoryBytes: MAX_BYTES, ...outcomeCodec, clock: systemClock, logger: silentLogger }),
    journal: { write: () => undefined },
    open: async ({ desired, onNotification }) => {
      const connection = await openHttp({
        upstream: desired.name,
        url: upstream,
        headers: {},
        client: info,
        revision: desired.name === 'modern' ? 'modern' : 'handshake',
        connectMs: CALL_MS,
        handshakeMs: CALL_MS,
        maxMessageBytes: MAX_BYTES,
        onNotification,
      });
      return { connection, pid: undefined, stderr: () => [] };
    },
    seal,
    clock: systemClock,
    logger: silentLogger,
    info,
    isRegExpLinear: true,
  });
  const { handler } = dataPlane;
  const gateway = createHttpServer({ handler, seal, port: 0, guard: { token }, limits: LIMITS, sessions: SESSIONS, legacySse: false });
  try {
    dataPlane.start();
    const { url } = await gateway.listen();
    let round = 0;
    while (round < ROUNDS && performance.now() < endsAtMs && end.reason === undefined) {
      if (isBusy(status)) await pause(BUSY_PAUSE_MS);
      else {
        worker.postMessage({ url, token, round, prefix: round % 8 < 4 ? 'handshake__' : '' });
        const said = await hear(worker);
        if (said.kind === 'failed') throw new Error(said.message);
        round++;
      }
    }
    return round;
  } finally {
    await gateway.close(0);
    await dataPlane.close();
  }
}

// Rejects when the worker fails.
async function hear(worker: Worker): Promise<Said> {
  const [said] = (await once(worker, 'message')) as [Said];
  return said;
}

function isBusy(status: Status): boolean {
  return status.upstreams().some(({ inFlight }) => inFlight > 0);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
