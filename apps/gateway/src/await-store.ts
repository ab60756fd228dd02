import { setTimeout } from 'node:timers/promises';
import { GatewayError, type Clock, type Logger } from '@signalbox/core';

export interface AwaitStoreOptions {
  /** How long to try, in milliseconds. */
  readonly waitMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Lets so many milliseconds pass. */
  readonly pause?: (ms: number) => Promise<unknown>;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;

/**
 * Opens what may not be there yet, as databases and gateways are often started together. The log says once that it waits.
 * @throws what `open` throws: at once where waiting does not help, else after the time.
 */
export async function awaitStore<Value>(open: () => Promise<Value>, options: AwaitStoreOptions): Promise<Value> {
  // Nothing else keeps the process alive while it waits, so a timer of the clock would not do.
  const { waitMs, clock, logger, pause = setTimeout } = options;
  const startedAtMs = clock.monotonic();
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    try {
      const value = await open();
      if (pauseMs > FIRST_PAUSE_MS) logger.info('the store can be reached now', { afterMs: Math.round(clock.monotonic() - startedAtMs) });
      return value;
    } catch (error) {
      const leftMs = startedAtMs + waitMs - clock.monotonic();
      if (!(error instanceof GatewayError) || error.code !== 'STORE_UNAVAILABLE' || leftMs <= 0) throw error;
      if (pauseMs === FIRST_PAUSE_MS) logger.warn('waits for the store before anything is served', { reason: error.message, waitMs });
      await pause(Math.min(pauseMs, leftMs));
    }
  }
}
