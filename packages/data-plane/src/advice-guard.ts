import { toMessage, type AdviceSource, type Clock, type Logger } from '@signalbox/core';

/** Stands between the path and its adviser. */
export interface AdviceGuard {
  /** The advice to ask; `undefined` when there is none, or none to be trusted. */
  current(): AdviceSource['current'];
  /** What it says; `undefined` when it fails, and one that fails or takes too long is not asked again before it has changed. */
  ask<Said>(ask: () => Said | undefined): Said | undefined;
}

/** Longer than this and advice costs more than it can be worth, in milliseconds. */
const SLOW_MS = 50;

export function createAdviceGuard(
  source: AdviceSource | undefined,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): AdviceGuard {
  let distrusted: number | undefined;
  const distrust = (reason: string): void => {
    distrusted = source?.current?.version;
    logger.warn('advice is left aside until it changes', { version: distrusted, reason });
  };
  return {
    current: () => {
      const advice = source?.current;
      return advice === undefined || advice.version === distrusted ? undefined : advice;
    },
    ask: (ask) => {
      const start = clock.monotonic();
      try {
        const said = ask();
        const tookMs = clock.monotonic() - start;
        if (tookMs > SLOW_MS) distrust(`it took ${Math.round(tookMs)} ms`);
        return said;
      } catch (error) {
        distrust(toMessage(error));
        return undefined;
      }
    },
  };
}
