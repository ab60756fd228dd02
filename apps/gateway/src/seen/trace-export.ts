import { toMessage, type Clock, type Logger, type Record as CallRecord } from '@signalbox/core';
import type { Sender } from '../telemetry.ts';
import type { RecordReader } from './journal.ts';

export interface TraceExportOptions {
  /** Opens the way to the collector. */
  readonly open: () => Promise<Sender<CallRecord>>;
  readonly clock: Clock;
  readonly logger: Logger;
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
// Writing spans takes the processor, and calls should not wait for long behind it.
const MAX_BATCH = 256;
const EVERY_MS = 1_000;
const LOG_EVERY_MS = 60_000;

/** Sends traced calls to a collector, behind their backs: when it is slow or away, spans are dropped and counted, and nothing waits. */
export function createTraceExport({ open, clock, logger, maxQueued = MAX_QUEUED }: TraceExportOptions): TraceExport {
  let queue: CallRecord[] = [];
  let opening: Promise<Sender<CallRecord>> | undefined;
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
  const send = async (batch: readonly CallRecord[]): Promise<void> => {
    try {
      const sender = await (opening ??= open());
      await sender.send(batch);
      exported += countSpans(batch);
    } catch (error) {
      drop(countSpans(batch), toMessage(error));
    }
  };
  const flush = async (): Promise<void> => {
    while (queue.length > 0) {
      const batch = queue.slice(0, MAX_BATCH);
      queue = queue.slice(MAX_BATCH);
      await send(batch);
      if (!isClosed && queue.length < MAX_BATCH) break;
    }
    sending = undefined;
    if (queue.length > 0) schedule();
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
      if (queue.length >= maxQueued) return drop(countSpans([record]), 'the collector is slower than the calls');
      queue.push(record);
      if (sending !== undefined) return;
      if (queue.length >= MAX_BATCH) begin();
      else schedule();
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
        await (await opening)?.close();
      };
      await Promise.race([end().catch(() => undefined), isLate]);
      if (queue.length > 0) drop(countSpans(queue), 'the gateway ended');
      queue = [];
    },
  };
}

function countSpans(records: readonly CallRecord[]): number {
  return records.reduce((spans, { sentAfterMs }) => spans + (sentAfterMs === undefined ? 1 : 2), 0);
}
