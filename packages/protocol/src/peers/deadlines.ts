import type { Clock } from '@signalbox/core';
import { Bag } from './bag.ts';

const RESOLUTION_MS = 50;

/** Something that ends at a moment, which may be moved while it waits. */
export interface Timed {
  /** -1 while it waits nowhere; kept by `Deadlines`. */
  deadlinePlace: number;
  /** On the monotonic clock, in milliseconds; `Infinity` for never. */
  deadlineMs: number;
  /** Called once, after the entry was taken out. */
  expire(): void;
}

/** Watches any number of deadlines with one timer, to a resolution of 50 ms. No timer runs while nothing waits. */
export class Deadlines {
  readonly #clock: Clock;
  readonly #entries = new Bag<'deadlinePlace', Timed>('deadlinePlace');
  #isArmed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The moment `ms` milliseconds from now. */
  in(ms: number): number {
    return this.#clock.monotonic() + ms;
  }

  /** Adding an entry again changes nothing; one without a deadline is not watched. */
  add(entry: Timed): void {
    if (entry.deadlineMs === Infinity) return;
    this.#entries.add(entry);
    if (!this.#isArmed) this.#arm();
  }

  delete(entry: Timed): void {
    this.#entries.delete(entry);
  }

  #arm(): void {
    this.#isArmed = true;
    this.#clock.after(RESOLUTION_MS, () => this.#sweep());
  }

  #sweep(): void {
    this.#isArmed = false;
    const now = this.#clock.monotonic();
    for (const entry of this.#entries.list()) {
      if (entry.deadlineMs > now) continue;
      this.#entries.delete(entry);
      entry.expire();
    }
    if (this.#entries.size > 0 && !this.#isArmed) this.#arm();
  }
}
