import type { Clock, Logger } from '@signalbox/core';

/** Keeps requests from a server that has just failed. */
export interface Circuit {
  /** Whether a request may be made. After a pause one may at a time, until it says how it went. */
  tryEnter(): boolean;
  /** How long none may be made yet, in milliseconds. */
  readonly pauseMs: number;
  succeeded(): void;
  failed(reason: string): void;
}

const FIRST_PAUSE_MS = 5_000;
const MAX_PAUSE_MS = 60_000;
const LOG_EVERY_MS = 60_000;

export interface CircuitOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly firstPauseMs?: number;
}

/** Pauses after a failure, and for twice as long after the next, and tells of it once. */
export function createCircuit({ clock, logger, firstPauseMs = FIRST_PAUSE_MS }: CircuitOptions): Circuit {
  let failures = 0;
  let pausedUntilMs = Number.NEGATIVE_INFINITY;
  let isProbing = false;
  let isTold = false;
  let toldAtMs = Number.NEGATIVE_INFINITY;
  const tell = (reason: string): void => {
    const now = clock.monotonic();
    if (isTold || now - toldAtMs < LOG_EVERY_MS) return;
    isTold = true;
    toldAtMs = now;
    logger.warn('embeddings fail; tools are found by words alone until they can be had again', { reason });
  };
  return {
    tryEnter: () => {
      if (failures === 0) return true;
      if (isProbing || clock.monotonic() < pausedUntilMs) return false;
      isProbing = true;
      return true;
    },
    get pauseMs() {
      return Math.max(0, pausedUntilMs - clock.monotonic());
    },
    succeeded: () => {
      if (isTold) logger.info('embeddings can be had again');
      failures = 0;
      isProbing = isTold = false;
      pausedUntilMs = Number.NEGATIVE_INFINITY;
    },
    failed: (reason) => {
      // What was under way when the first one failed says nothing new.
      if (clock.monotonic() < pausedUntilMs) return;
      isProbing = false;
      pausedUntilMs = clock.monotonic() + Math.min(MAX_PAUSE_MS, firstPauseMs * 2 ** failures);
      failures++;
      tell(reason);
    },
  };
}
