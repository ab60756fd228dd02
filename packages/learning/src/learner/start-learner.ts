import { MessageChannel, Worker } from 'node:worker_threads';
import { GatewayError, toMessage, WireWriter, type Clock, type LearningConfig, type Logger } from '@signalbox/core';
import { createSimilarityModel, type SimilarityModel } from '../cache-advice/similarity-model.ts';
import { writeInteraction } from '../codec/interaction-codec.ts';
import type { Interaction } from '../interaction.ts';
import { createRing, openRingWriter, readRingCounts, type RingCounts } from '../ring/ring.ts';
import type { Anomaly } from '../behaviour/anomaly.ts';
import type { Published } from './advice-codec.ts';
import type { ThreadData, ThreadMessage, ToolAdvice } from './messages.ts';
import type { ToldNext } from './next-steps.ts';
import { readWaitedMs } from './processor-time.ts';
import { serveStore, type LearningStore } from './remote-store.ts';

export interface StartLearnerOptions {
  readonly store: LearningStore;
  /** This gateway, where others share the store; each learns apart, and is advised by what all know. */
  readonly scope?: string | undefined;
  readonly config: Pick<LearningConfig, 'keepFacts' | 'commitSeconds' | 'maxMemoryMb' | 'maxCpuShare'> & ThreadData['models'];
  readonly clock: Clock;
  readonly logger: Logger;
  /** Takes advice as it is published; `undefined` when there is none any more. */
  readonly onAdvice?: (advice: Published | undefined) => void;
  /** Hears of what is abnormal, once of each. */
  readonly onAnomaly?: (anomaly: Anomaly) => void;
  /** Hears of what was told before and is seen again. */
  readonly onAnomalyAgain?: (anomaly: Anomaly) => void;
  /** Hears what sessions that have just called are likely to call next. */
  readonly onNext?: (told: readonly ToldNext[]) => void;
  /** Bytes of facts that may wait. Default 4 MiB. */
  readonly ringBytes?: number;
  /** Time without a sign of life after which the thread is ended, in milliseconds. Default 30,000. */
  readonly hungMs?: number;
}

export type LearnerState = 'starting' | 'learning' | 'dead';

/** The thread that learns, as others see it. Whoever started it closes it. */
export interface LearnerThread {
  /** Hands on a fact. Never waits, never throws: what finds no room is dropped and counted. */
  tell(fact: Interaction): void;
  /** The same of one that another process has written with `toFactBytes`. */
  take(fact: Uint8Array): void;
  /**
   * Whether facts of calls are better not made, as they would hardly find room: the thread does not keep up, and what is left
   * belongs to rarer facts. Counts the one that is not made.
   */
  passesOver(): boolean;
  /** @throws GatewayError `OVERLOADED` while the thread is away, and what the thread refuses with. */
  ask<Value>(name: string, argument?: unknown): Promise<Value>;
  readonly state: LearnerState;
  /** Why it is not learning. */
  readonly reason: string | undefined;
  readonly restarts: number;
  counts(): RingCounts;
  /** The running thread, for tests that harm it. */
  readonly worker: Worker | undefined;
  /** Lets it learn what waits and keep it. */
  close(): Promise<void>;
}

const RING_BYTES = 4 * 1024 * 1024;
const HUNG_MS = 30_000;
/** Of waiting for a processor that is worth waiting for in turn. */
const LEAST_WAIT_MS = 20;
const FIRST_BACKOFF_MS = 500;
const LONGEST_BACKOFF_MS = 60_000;
/** A thread that lived this long was well: the next failure begins with a short wait again. */
const WELL_MS = 60_000;
const CLOSE_MS = 5_000;

const NOTHING_OF_TOOLS: ToolAdvice = {
  repairs: new Map(),
  timeouts: new Map(),
  arms: new Map(),
  plans: new Map(),
  upstreamsAfter: new Map(),
  risks: { all: [], own: new Map() },
  usage: [],
};

/** Starts the thread that learns, and starts it anew whenever it dies or hangs. Nothing that happens to it reaches the caller. */
export function startLearner(options: StartLearnerOptions): LearnerThread {
  const { clock, logger, store, config, ringBytes = RING_BYTES, hungMs = HUNG_MS } = options;
  const ring = createRing({ bytes: ringBytes });
  const writer = openRingWriter(ring);
  const wire = new WireWriter(4096);
  const waiting = new Map<number, { readonly resolve: (value: unknown) => void; readonly reject: (error: Error) => void }>();
  let lastQuestion = 0;
  let tools = NOTHING_OF_TOOLS;
  let similarity: SimilarityModel | undefined;
  let worker: Worker | undefined;
  let state: LearnerState = 'starting';
  let reason: string | undefined;
  let restarts = 0;
  let backoffMs = FIRST_BACKOFF_MS;
  let isClosing = false;
  let cancelTimer: (() => void) | undefined;
  let cancelWatch: (() => void) | undefined;
  let ended: Promise<void> = Promise.resolve();

  const failAll = (message: string): void => {
    for (const { reject } of waiting.values()) reject(new GatewayError('OVERLOADED', message));
    waiting.clear();
  };

  const start = (): void => {
    const channel = new MessageChannel();
    serveStore(channel.port1, store);
    channel.port1.unref();
    const beat = new SharedArrayBuffer(8);
    const workerData: ThreadData = {
      ring: ring.memory,
      beat,
      store: channel.port2,
      scope: options.scope,
      maxFacts: config.keepFacts,
      commitMs: config.commitSeconds * 1000,
      maxCpuShare: config.maxCpuShare,
      models: { anomalies: config.anomalies },
      tellsAgain: options.onAnomalyAgain !== undefined,
    };
    const startedAtMs = clock.monotonic();
    const own = new Worker(new URL('../../worker/learner.js', import.meta.url), {
      name: 'learner',
      workerData,
      transferList: [channel.port2],
      resourceLimits: { maxOldGenerationSizeMb: config.maxMemoryMb },
      // Neither what the process was started with nor its environment is its business.
      execArgv: [],
      env: {},
    });
    worker = own;
    own.unref();
    own.on('message', receive);
    own.on('error', (error) => (reason = toMessage(error)));
    ended = new Promise((resolve) => {
      own.once('exit', () => {
        cancelWatch?.();
        channel.port1.close();
        worker = undefined;
        resolve();
        if (isClosing) return;
        state = 'dead';
        options.onAdvice?.(undefined);
        tools = NOTHING_OF_TOOLS;
        similarity = undefined;
        failAll('Learning has stopped and is started anew; try again');
        if (clock.monotonic() - startedAtMs > WELL_MS) backoffMs = FIRST_BACKOFF_MS;
        logger.warn('the thread that learns has ended and is started anew', { reason, afterMs: backoffMs });
        cancelTimer = clock.after(backoffMs, () => {
          restarts++;
          state = 'starting';
          start();
        });
        backoffMs = Math.min(2 * backoffMs, LONGEST_BACKOFF_MS);
      });
    });
    watchBeat(own, new Int32Array(beat));
  };

  const watchBeat = (own: Worker, beats: Int32Array, restMs = hungMs): void => {
    const seen = Atomics.load(beats, 0);
    const waitedBefore = readWaitedMs(Atomics.load(beats, 1));
    cancelWatch = clock.after(restMs, () => {
      if (worker !== own) return;
      if (Atomics.load(beats, 0) !== seen) return watchBeat(own, beats);
      // It comes last, so on a busy machine it may wait long for a processor. That is no silence.
      const waitedMs = readWaitedMs(Atomics.load(beats, 1)) - waitedBefore;
      if (waitedMs >= LEAST_WAIT_MS) return watchBeat(own, beats, Math.min(restMs, waitedMs));
      reason = `no sign of life for ${hungMs} ms`;
      void own.terminate();
    });
  };

  const receive = (message: ThreadMessage): void => {
    switch (message.kind) {
      case 'ready':
        state = 'learning';
        reason = undefined;
        break;
      case 'tools':
        tools = message.tools;
        break;
      case 'similarity':
        similarity = createSimilarityModel();
        similarity.load(message.state);
        break;
      case 'advice':
        options.onAdvice?.({
          version: message.version,
          snapshots: { search: message.search, experiments: message.experiments, tools, similarity },
        });
        break;
      case 'next':
        options.onNext?.(message.told);
        break;
      case 'anomaly':
        options.onAnomaly?.(message.anomaly);
        break;
      case 'anomaly-again':
        options.onAnomalyAgain?.(message.anomaly);
        break;
      case 'reply':
        waiting.get(message.id)?.resolve(message.value);
        waiting.delete(message.id);
        break;
      case 'refusal':
        waiting.get(message.id)?.reject(new GatewayError(message.code, message.message));
        waiting.delete(message.id);
        break;
      case 'trouble':
        logger.warn('learning could not keep what it has learned, and tries again', { reason: message.message });
    }
  };

  start();
  return {
    tell: (fact) => {
      wire.reset();
      writeInteraction(wire, fact);
      writer.write(wire.written);
    },
    passesOver: () => {
      if (!writer.isCrowded) return false;
      writer.drop();
      return true;
    },
    take: (fact) => writer.write(fact),
    ask: <Value>(name: string, argument?: unknown) =>
      new Promise<Value>((resolve, reject) => {
        if (worker === undefined || state !== 'learning')
          return reject(new GatewayError('OVERLOADED', 'Learning is being started; try again'));
        waiting.set(++lastQuestion, { resolve: resolve as (value: unknown) => void, reject });
        worker.postMessage({ id: lastQuestion, name, argument });
      }),
    get state() {
      return state;
    },
    get reason() {
      return reason;
    },
    get restarts() {
      return restarts;
    },
    counts: () => readRingCounts(ring),
    get worker() {
      return worker;
    },
    close: async () => {
      isClosing = true;
      cancelTimer?.();
      cancelWatch?.();
      const own = worker;
      if (own !== undefined) {
        own.ref();
        own.postMessage('close');
        const cancel = clock.after(CLOSE_MS, () => void own.terminate());
        await ended;
        cancel();
      }
      failAll('The gateway is closing');
    },
  };
}
