import { toMessage, WireWriter, type Clock, type Logger } from '@signalbox/core';
import type { RecordReader } from './journal.ts';
import type { SpanEncoder } from './span-encoder.ts';

/** Sends bytes to a collector, one request at a time. */
export interface Sender {
  /** @param parts Of one request, which it has no use for once it has ended. @throws when the collector did not take them in time. */
  send(parts: readonly Uint8Array[]): Promise<void>;
  close(): void;
}

export interface TraceExportOptions {
  readonly encoder: SpanEncoder;
  readonly sender: Sender;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Calls that may wait. */
  readonly maxQueued?: number;
}

export interface TraceExport extends RecordReader {
  /** Spans a collector has taken. */
  readonly exported: number;
  /** Spans nobody took. */
  readonly dropped: number;
  /** Sends what is left, within the time given. */
  close(maxMs: number): Promise<void>;
}

const MAX_QUEUED = 4_096;
const MAX_BATCH = 256;
const EVERY_MS = 1_000;
const LOG_EVERY_MS = 60_000;
/** What a call takes, more or less, in bytes. */
const CALL_BYTES = 1_024;
const MAX_FREE = 2;

// Spans as they are sent. Written at once, so that no record outlives its call for them.
interface Batch {
  readonly writer: WireWriter;
  calls: number;
  spans: number;
}

/** Sends traced calls to a collector, behind their backs: when it is slow or away, spans are dropped and counted, and nothing waits. */
export function createTraceExport({ encoder, sender, clock, logger, maxQueued = MAX_QUEUED }: TraceExportOptions): TraceExport {
  const full: Batch[] = [];
  const free: Batch[] = [];
  let current = createBatch();
  let queued = 0;
  let sending: Promise<void> | undefined;
  let stopTimer: (() => void) | undefined;
  let isClosed = false;
  let exported = 0;
  let dropped = 0;
  let toldAtMs = Number.NEGATIVE_INFINITY;
  let untold = 0;
  const drop = (spans: number, reason: string): void => {
    dropped += spans;
    untold += spans;
    const now = clock.monotonic();
    if (now - toldAtMs < LOG_EVERY_MS) return;
    logger.warn('spans were dropped', { spans: untold, reason });
    toldAtMs = now;
    untold = 0;
  };
  const take = (): Batch | undefined => {
    const first = full.shift();
    if (first !== undefined || current.calls === 0) return first;
    const batch = current;
    current = free.pop() ?? createBatch();
    return batch;
  };
  const send = async (batch: Batch): Promise<void> => {
    try {
      const { written } = batch.writer;
      await sender.send([encoder.head(written.length), written]);
      exported += batch.spans;
    } catch (error) {
      drop(batch.spans, toMessage(error));
    }
    queued -= batch.calls;
    batch.writer.reset();
    batch.calls = batch.spans = 0;
    if (free.length < MAX_FREE) free.push(batch);
  };
  const flush = async (): Promise<void> => {
    // What is not full yet may wait, unless nothing comes any more.
    const next = (): Batch | undefined => (isClosed || full.length > 0 ? take() : undefined);
    for (let batch = take(); batch !== undefined; batch = next()) await send(batch);
    sending = undefined;
    if (queued > 0) schedule();
  };
  const begin = (): void => {
    stopTimer?.();
    stopTimer = undefined;
    sending ??= flush();
  };
  const schedule = (): void => {
    if (!isClosed) stopTimer ??= clock.after(EVERY_MS, begin);
  };
  return {
    name: 'traces',
    write: (record) => {
      if (record.trace?.isSampled !== true) return;
      const spans = record.sentAfterMs === undefined ? 1 : 2;
      if (queued >= maxQueued) return drop(spans, 'the collector is slower than the calls');
      encoder.write(current.writer, record);
      queued++;
      current.spans += spans;
      if (++current.calls >= MAX_BATCH) {
        full.push(current);
        current = free.pop() ?? createBatch();
        begin();
      } else if (sending === undefined) schedule();
    },
    get exported() {
      return exported;
    },
    get dropped() {
      return dropped;
    },
    close: async (maxMs) => {
      isClosed = true;
      const isLate = new Promise<void>((resolve) => void clock.after(maxMs, resolve));
      const end = async (): Promise<void> => {
        await sending;
        begin();
        await sending;
      };
      await Promise.race([end(), isLate]);
      sender.close();
      const left = [...full, current].reduce((spans, batch) => spans + batch.spans, 0);
      if (left > 0) drop(left, 'the gateway ended');
    },
  };
}

function createBatch(): Batch {
  return { writer: new WireWriter(MAX_BATCH * CALL_BYTES), calls: 0, spans: 0 };
}
