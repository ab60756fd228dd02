import type { Logger } from '@signalbox/core';
import type { RecordReader } from './journal.ts';

/** Writes a line for each call. */
export function createCallLog(logger: Logger): RecordReader {
  return {
    name: 'call log',
    write: ({
      callId,
      trace,
      method,
      name,
      server,
      principal,
      upstream,
      client,
      status,
      error,
      durationMs,
      queuedMs,
      upstreamMs,
      attempts,
      cached,
    }) =>
      logger.info('call', {
        callId,
        traceId: trace?.traceId,
        method,
        name,
        server,
        principal,
        upstream,
        client,
        status,
        error,
        durationMs: round(durationMs),
        queuedMs: round(queuedMs),
        upstreamMs: round(upstreamMs),
        attempts,
        cached,
      }),
  };
}

function round(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
