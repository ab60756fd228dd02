import { LikeCalls, type Logger } from '@signalbox/core';
import type { RecordReader } from './journal.ts';

/** Writes a line for each call. */
export function createCallLog(logger: Logger): RecordReader {
  // What is the same for like calls is made text once.
  const loggers = new LikeCalls(({ method, name, server, principal, upstream, client, status, error, attempts, cached, isAhead }) =>
    logger.with({ method, name, server, principal, upstream, client, status, error, attempts, cached, isAhead }),
  );
  return {
    name: 'call log',
    write: (record) => {
      const { callId, trace, durationMs, queuedMs, upstreamMs } = record;
      loggers.find(record).info('call', {
        callId,
        traceId: trace?.traceId,
        durationMs: round(durationMs),
        queuedMs: round(queuedMs),
        upstreamMs: round(upstreamMs),
      });
    },
  };
}

function round(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
