import type { Clock } from '@signalbox/core';

/** A clock that stands still until it is told to go on. */
export interface TestClock extends Clock {
  /** Lets time go by; timers that fall due run in their order. */
  advance(ms: number): void;
  readonly pending: number;
}

export function createTestClock(): TestClock {
  let now = 0;
  const timers = new Map<() => void, number>();
  return {
    now: () => now,
    monotonic: () => now,
    after: (delayMs, run) => {
      const timer = () => run();
      timers.set(timer, now + delayMs);
      return () => timers.delete(timer);
    },
    advance: (ms) => {
      const end = now + ms;
      for (;;) {
        const [next] = [...timers].filter(([, dueMs]) => dueMs <= end).toSorted(([, left], [, right]) => left - right);
        if (next === undefined) break;
        timers.delete(next[0]);
        now = Math.max(now, next[1]);
        next[0]();
      }
      now = end;
    },
    get pending() {
      return timers.size;
    },
  };
}
