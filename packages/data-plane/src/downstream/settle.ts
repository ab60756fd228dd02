import type { Clock } from '@signalbox/core';
import type { Surface } from '../catalog/surface.ts';
import type { Supervisor } from '../upstreams/supervisor.ts';

export interface SettleOptions {
  readonly supervisor: Supervisor;
  readonly clock: Clock;
  /** Longest wait once something is known, in milliseconds. */
  readonly someMs?: number;
  /** Longest wait while nothing at all is known, in milliseconds. */
  readonly noneMs?: number;
}

/** Gives a promise that is kept when an address has settled, or `undefined` when there is nothing to wait for. */
export type Settled = (surface: Surface) => Promise<void> | undefined;

/**
 * On the very first start nothing is remembered, and a list given at once would be empty. This waits a short while for
 * upstreams on their first way up, and no longer than that: a slow one must not hold up the others.
 */
export function createSettle(options: SettleOptions): Settled {
  const { supervisor } = options;
  const pending = new Map<Surface, Promise<void>>();
  return (surface) => {
    if (!supervisor.isSettling(surface.upstreams)) return undefined;
    let wait = pending.get(surface);
    if (wait === undefined) {
      wait = waitUntilSettled(surface, options).finally(() => pending.delete(surface));
      pending.set(surface, wait);
    }
    return wait;
  };
}

function waitUntilSettled(surface: Surface, { supervisor, clock, someMs = 100, noneMs = 5_000 }: SettleOptions): Promise<void> {
  const isSomethingKnown = () => supervisor.isAnyListed(surface.upstreams);
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
        if (!supervisor.isSettling(surface.upstreams)) finish();
        else if (!isShort && isSomethingKnown()) {
          isShort = true;
          stops.push(clock.after(someMs, finish));
        }
      }),
    );
  });
}
