import { toMessage, type Clock, type Logger } from '@signalbox/core';
import type { Circuit } from './circuit.ts';
import { MAX_BATCH, RefusedTexts, type EmbeddingClient } from './embedding-client.ts';
import type { VectorStore } from './vector-store.ts';

export interface ToolVectorsOptions {
  readonly client: EmbeddingClient;
  readonly circuit: Circuit;
  readonly store: VectorStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly maxBytes?: number;
}

/** The vectors of the tools there are: from the store where it has them, from the server otherwise, behind everybody's back. */
export interface ToolVectors {
  readonly version: number;
  readonly size: number;
  setTools(texts: Iterable<string>): void;
  vectorOf(text: string): Float32Array | undefined;
  /** Takes note of how long vectors are now; those of another length are let go and asked for again. */
  setLength(length: number): void;
  /** Waits for what is being written, once the client is closed. */
  close(): Promise<void>;
}

/** A model on a slow machine takes its time for a batch, and nobody waits for it. */
const TIMEOUT_MS = 60_000;
const MAX_BYTES = 128 * 1024 * 1024;
const AT_ONCE = 2;
const LEAST_WAIT_MS = 100;

export function createToolVectors({ client, circuit, store, clock, logger, maxBytes = MAX_BYTES }: ToolVectorsOptions): ToolVectors {
  const vectors = new Map<string, Float32Array>();
  const lookedUp = new Set<string>();
  /** What the server does not take, although it takes others. */
  const refused = new Set<string>();
  let wanted: ReadonlySet<string> = new Set();
  let wantedKeys: ReadonlySet<string> | undefined;
  let version = 0;
  let length: number | undefined;
  let batchSize = MAX_BATCH;
  /** Requests at once: one while it is not sure that anybody answers. */
  let lanes = 1;
  let hasAnswered = false;
  let isFullTold = false;
  let running: Promise<void> | undefined;
  let stopTimer: (() => void) | undefined;
  let isStartWanted = false;

  const room = (): number => (length === undefined ? Infinity : Math.floor(maxBytes / (length * 4)) - vectors.size);
  const take = (found: ReadonlyMap<string, Float32Array>): void => {
    for (const [text, vector] of found) {
      if (!wanted.has(text) || room() <= 0) continue;
      length ??= vector.length;
      if (vector.length === length) vectors.set(text, vector);
    }
    version++;
  };
  const missing = (): string[] => [...wanted].filter((text) => !vectors.has(text) && !refused.has(text));

  const load = async (): Promise<void> => {
    const unread = missing().filter((text) => !lookedUp.has(text));
    if (unread.length === 0) return;
    for (const text of unread) lookedUp.add(text);
    take(await store.load(unread));
  };
  const setLength = (next: number): void => {
    if (next === length) return;
    if (length !== undefined) circuit.failed(`its vectors have ${next} numbers and had ${length}`);
    length = next;
    for (const [text, vector] of vectors) if (vector.length !== next) vectors.delete(text);
    version++;
    start();
  };
  const onRefused = (texts: readonly string[], reason: string): void => {
    if (texts.length > 1) {
      batchSize = Math.max(1, texts.length >> 1);
      return circuit.succeeded();
    }
    const [text] = texts as [string];
    if (hasAnswered) {
      refused.add(text);
      batchSize = MAX_BATCH;
      return circuit.succeeded();
    }
    // It may refuse everything; next time it is asked for another.
    wanted = new Set([...[...wanted].filter((other) => other !== text), text]);
    circuit.failed(reason);
  };
  const ask = async (texts: readonly string[]): Promise<void> => {
    try {
      const answer = await client.embed(texts, { timeoutMs: TIMEOUT_MS });
      hasAnswered = true;
      lanes = AT_ONCE;
      circuit.succeeded();
      setLength(answer[0]!.length);
      const found = new Map(texts.map((text, index) => [text, answer[index]!]));
      take(found);
      wantedKeys ??= new Set([...wanted].map(store.keyOf));
      await store.save(found, (key) => wantedKeys!.has(key));
    } catch (error) {
      if (client.isClosed) return;
      lanes = 1;
      if (error instanceof RefusedTexts) onRefused(texts, error.message);
      else circuit.failed(toMessage(error));
    }
  };
  const run = async (): Promise<void> => {
    for (;;) {
      await load();
      const texts = missing().slice(0, Math.max(0, room()));
      if (texts.length === 0 || client.isClosed) break;
      if (!circuit.tryEnter()) {
        stopTimer = clock.after(Math.max(LEAST_WAIT_MS, circuit.pauseMs), start);
        break;
      }
      const size = batchSize;
      const batches = Array.from({ length: lanes }, (_, lane) => texts.slice(lane * size, (lane + 1) * size));
      await Promise.all(batches.filter((batch) => batch.length > 0).map(ask));
    }
    if (isFullTold || room() > 0 || missing().length === 0) return;
    isFullTold = true;
    logger.warn('there are more tools than vectors are kept in memory for; the rest is found by words alone', { tools: wanted.size });
  };
  const start = (): void => {
    stopTimer?.();
    stopTimer = undefined;
    isStartWanted = running !== undefined;
    if (client.isClosed || isStartWanted) return;
    running = run()
      .catch((error: unknown) => logger.error('cannot get the vectors of tools', { error: toMessage(error) }))
      .finally(() => {
        running = undefined;
        if (isStartWanted) start();
      });
  };
  return {
    get version() {
      return version;
    },
    get size() {
      return vectors.size;
    },
    setTools: (texts) => {
      wanted = new Set(texts);
      wantedKeys = undefined;
      for (const text of vectors.keys()) if (!wanted.has(text)) vectors.delete(text);
      for (const known of [lookedUp, refused]) for (const text of known) if (!wanted.has(text)) known.delete(text);
      version++;
      start();
    },
    vectorOf: (text) => vectors.get(text),
    setLength,
    close: async () => {
      stopTimer?.();
      await running;
    },
  };
}
