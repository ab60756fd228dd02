import type { Cancellation, Logger } from '@signalbox/core';
import type { Gateway } from './gateway.ts';

/** Turns it off where it says `off`. */
const VARIABLE = 'SIGNALBOX_WARM_UP';
/** Upstreams that start should have the processor first. */
const AFTER_MS = 300;

export interface StartWarmUpOptions {
  readonly gateway: Pick<Gateway, 'info' | 'status'>;
  readonly logger: Logger;
  /** Ends it early. */
  readonly end: Cancellation;
}

/** Warms a gateway up that has just started to listen, unless the environment says not to. Never rejects. */
export function startWarmUp({ gateway, logger, end }: StartWarmUpOptions, environment: NodeJS.ProcessEnv): Promise<void> {
  if (environment[VARIABLE] === 'off') return Promise.resolve();
  return new Promise((resolve) => {
    const start = async () => {
      stop();
      if (end.reason === undefined) {
        const { warmUp } = await import('./warm-up.ts');
        await warmUp({ info: gateway.info, status: gateway.status, logger, end });
      }
      resolve();
    };
    const timer = setTimeout(() => void start(), AFTER_MS);
    const stop = end.watch(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
