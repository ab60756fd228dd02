import type { Cancellation, Logger, Status } from '@signalbox/core';
import type { Gateway } from './gateway.ts';

/** Turns it off where it says `off`. */
const VARIABLE = 'SIGNALBOX_WARM_UP';
const LOOK_MS = 100;
/** Looks in a row in which nothing has happened: whoever has just come would have to share the processor. */
const QUIET_LOOKS = 5;
/** After so many calls of its own a gateway is warm. */
const ENOUGH_CALLS = 2_000;

export interface StartWarmUpOptions {
  readonly gateway: Pick<Gateway, 'info' | 'status'>;
  readonly logger: Logger;
  /** Ends it early. */
  readonly end: Cancellation;
}

/** Warms a gateway up that has just started to listen, as soon as it is quiet, unless the environment says not to. Never rejects. */
export async function startWarmUp({ gateway, logger, end }: StartWarmUpOptions, environment: NodeJS.ProcessEnv): Promise<void> {
  if (environment[VARIABLE] === 'off' || end.isCancelled || !(await untilQuiet(gateway.status, end))) return;
  const { warmUp } = await import('./warm-up.ts');
  await warmUp({ info: gateway.info, status: gateway.status, logger, end });
}

// Resolves with `false` when there is nothing left to do.
function untilQuiet(status: Status, end: Cancellation): Promise<boolean> {
  return new Promise((resolve) => {
    let quietLooks = 0;
    let last = lookAt(status);
    const finish = (isQuiet: boolean) => {
      clearInterval(timer);
      stop();
      resolve(isQuiet);
    };
    const timer = setInterval(() => {
      const next = lookAt(status);
      quietLooks = next.sessions === last.sessions && next.calls === last.calls ? quietLooks + 1 : 0;
      last = next;
      if (next.calls >= ENOUGH_CALLS) finish(false);
      else if (quietLooks >= QUIET_LOOKS) finish(true);
    }, LOOK_MS);
    timer.unref();
    const stop = end.watch(() => finish(false));
  });
}

interface Seen {
  readonly sessions: number;
  readonly calls: number;
}

function lookAt(status: Status): Seen {
  return { sessions: status.sessions().open, calls: status.upstreams().reduce((sum, { calls, inFlight }) => sum + calls + inFlight, 0) };
}
