import type { Clock } from '@signalbox/core';
import type { Supervisor } from '../upstreams/supervisor.ts';

export interface SettleOptions {
  readonly supervisor: Supervisor;
  readonly clock: Clock;
  /** Longest wait once something is known, in milliseconds. */
  readonly someMs?: number;
  /** Longest wait while nothing at all is known, in milliseconds. */
  readonly noneMs?: number;
}

/**
 * On the very first start nothing is remembered, and a list given at once would be empty. This waits a short while for
 * upstreams on their first way up, and no longer than that: a slow one must not hold up the others.
 * @returns a function that gives a promise, or `undefined` when there is nothing to wait for.
 */
export function createSettle(options: SettleOptions): () => Promise<void> | undefined {
  const { supervisor, clock, someMs = 100, noneMs = 5_000 } = options;
  let pending: Promise<void> | undefined;
  return () => {
    if (!supervisor.isSettling) return undefined;
    pending ??= waitUntilSettled(supervisor, clock, someMs, noneMs).finally(() => (pending = undefined));
    return pending;
  };
}

function waitUntilSettled(supervisor: Supervisor, clock: Clock, someMs: number, noneMs: number): Promise<void> {
  const isSomethingKnown = () => supervisor.status().some((upstream) => upstream.revision !== undefined);
  return new Promise((resolve) => {
    const stops: (() => void)[] = [];
    const finish = () => {
      for (const stop of stops) stop();
      resolve();
    };
    let isShort = isSomethingKnown();
    stops.push(clock.after(isShort ? someMs : noneMs, finish));
    stops.push(
      supervisor.watchStates(() => {
        if (!supervisor.isSettling) finish();
        else if (!isShort && isSomethingKnown()) {
          isShort = true;
          stops.push(clock.after(someMs, finish));
        }
      }),
    );
  });
}
