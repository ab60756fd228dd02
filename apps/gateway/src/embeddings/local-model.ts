import { Worker } from 'node:worker_threads';
import { toMessage } from '@signalbox/core';
import { RefusedTexts, type EmbeddingClient } from './embedding-client.ts';
import type { ModelFolder } from './model-folder.ts';
import type { ModelThreadData, TextsMessage, VectorsMessage } from './model-messages.ts';

export interface LocalModelOptions {
  readonly folder: ModelFolder;
  /** The first so many numbers of a vector, for models that can shorten theirs. */
  readonly dimensions?: number | undefined;
}

/** Texts that the model gets at once: few, so that a search need not wait for a whole list of tools. */
const AT_ONCE = 8;

interface Job {
  readonly texts: readonly string[];
  readonly vectors: Float32Array[];
  readonly untilMs: number;
  readonly resolve: (vectors: Float32Array[]) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Has a model in a thread of its own make vectors. The thread begins with the first text, and anew with the next one after it has died.
 * What has to be there soonest goes first.
 */
export function createLocalModel({ folder, dimensions }: LocalModelOptions): EmbeddingClient {
  const waiting = new Set<Job>();
  let worker: Worker | undefined;
  let busy: { readonly job: Job; readonly id: number; readonly count: number } | undefined;
  let lastId = 0;
  let isClosed = false;

  const fail = (from: Worker, reason: string): void => {
    if (worker !== from) return;
    [worker, busy] = [undefined, undefined];
    for (const { reject } of waiting) reject(new Error(reason));
    waiting.clear();
  };
  const start = (): Worker => {
    const { modelFile, tokenizerFile, tokenizerConfigFile, pooling, maxTokens } = folder;
    const own = new Worker(new URL('../../worker/embedding-model.js', import.meta.url), {
      name: 'embeddings',
      workerData: { modelFile, tokenizerFile, tokenizerConfigFile, pooling, maxTokens, dimensions } satisfies ModelThreadData,
      execArgv: [],
    });
    own.unref();
    own.on('message', (message: VectorsMessage) => take(own, message));
    own.on('error', (error) => fail(own, `its thread has died: ${toMessage(error)}`));
    own.on('exit', () => fail(own, isClosed ? 'the gateway ended' : 'its thread has ended'));
    return own;
  };
  const take = (from: Worker, message: VectorsMessage): void => {
    if ('unusable' in message) return fail(from, message.unusable);
    if (worker !== from || busy?.id !== message.id) return;
    const { job, count } = busy;
    busy = undefined;
    if ('failure' in message) {
      waiting.delete(job);
      job.reject(new RefusedTexts(message.failure));
    } else {
      job.vectors.push(...message.vectors);
      if (job.vectors.length === job.texts.length) {
        waiting.delete(job);
        job.resolve(job.vectors);
      } else if (message.vectors.length !== count) fail(from, 'it gave another number of vectors than there were texts');
    }
    next();
  };
  const next = (): void => {
    if (busy !== undefined || waiting.size === 0) return;
    const job = [...waiting].reduce((soonest, each) => (each.untilMs < soonest.untilMs ? each : soonest));
    const texts = job.texts.slice(job.vectors.length, job.vectors.length + AT_ONCE);
    busy = { job, id: ++lastId, count: texts.length };
    worker ??= start();
    worker.postMessage({ id: lastId, texts } satisfies TextsMessage);
  };

  return {
    get isClosed() {
      return isClosed;
    },
    embed: (texts, { timeoutMs }) =>
      new Promise((resolve, reject) => {
        if (isClosed) return reject(new Error('the gateway ended'));
        if (texts.length === 0) return resolve([]);
        const end = (then: () => void): void => {
          clearTimeout(timer);
          then();
        };
        const job: Job = {
          texts,
          vectors: [],
          untilMs: performance.now() + timeoutMs,
          resolve: (vectors) => end(() => resolve(vectors)),
          reject: (error) => end(() => reject(error)),
        };
        const timer = setTimeout(() => {
          waiting.delete(job);
          reject(new Error(`it has not answered within ${timeoutMs} ms`));
        }, timeoutMs);
        timer.unref();
        waiting.add(job);
        next();
      }),
    close: () => {
      isClosed = true;
      const own = worker;
      if (own === undefined) return;
      fail(own, 'the gateway ended');
      void own.terminate();
    },
  };
}
