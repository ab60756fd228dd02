import { toMessage, type Clock, type Logger } from '@signalbox/core';

export interface Probe {
  /** Why it does not work at the moment, or `undefined` when it does. */
  readonly reason: string | undefined;
  succeeded(): void;
  failed(error: unknown): void;
  stop(): void;
}

export interface ProbeOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** What is tried, for the log. Holds no secret. */
  readonly name: string;
  readonly attempt: () => Promise<unknown>;
}

const FIRST_MS = 250;
const LONGEST_MS = 2000;

/** Remembers whether a store works, and tries again by itself while it does not. */
export function createProbe({ clock, logger, name, attempt }: ProbeOptions): Probe {
  let reason: string | undefined;
  let cancel: (() => void) | undefined;
  let waitMs = FIRST_MS;
  let isStopped = false;

  const succeeded = (): void => {
    if (reason === undefined) return;
    reason = undefined;
    waitMs = FIRST_MS;
    cancel?.();
    cancel = undefined;
    logger.info(`The store takes commits again`, { store: name });
  };
  const failed = (error: unknown): void => {
    if (reason === undefined) logger.error('The store takes no commits', { store: name, reason: toMessage(error) });
    reason = toMessage(error);
    if (!isStopped) cancel ??= clock.after(waitMs, tryAgain);
  };
  const tryAgain = async (): Promise<void> => {
    waitMs = Math.min(waitMs * 2, LONGEST_MS);
    try {
      await attempt();
      succeeded();
    } catch (error) {
      cancel = undefined;
      failed(error);
    }
  };
  return {
    get reason() {
      return reason;
    },
    succeeded,
    failed,
    stop: () => {
      isStopped = true;
      cancel?.();
    },
  };
}
