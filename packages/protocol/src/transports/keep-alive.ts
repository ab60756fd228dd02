import type { Clock } from '@signalbox/core';

/** Something open that must be heard of from time to time lest the way to it be taken for dead. */
export interface KeptAlive {
  keepAlive(): void;
}

/** Calls `keepAlive` of everything in it each time `intervalMs` has gone by. Uses one timer, and none while it is empty. */
export class KeepAlive {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  // In the order in which they fall due, as all wait for the same time.
  readonly #due = new Map<KeptAlive, number>();
  #stopTimer: (() => void) | undefined;

  constructor(clock: Clock, intervalMs: number) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
  }

  add(member: KeptAlive): void {
    this.#due.set(member, this.#clock.monotonic() + this.#intervalMs);
    this.#stopTimer ??= this.#clock.after(this.#intervalMs, () => this.#tick());
  }

  remove(member: KeptAlive): void {
    this.#due.delete(member);
  }

  close(): void {
    this.#due.clear();
    this.#stopTimer?.();
    this.#stopTimer = undefined;
  }

  #tick(): void {
    this.#stopTimer = undefined;
    const now = this.#clock.monotonic();
    for (const [member, dueMs] of this.#due) {
      if (dueMs > now) {
        this.#stopTimer = this.#clock.after(dueMs - now, () => this.#tick());
        return;
      }
      this.#due.delete(member);
      this.#due.set(member, now + this.#intervalMs);
      member.keepAlive();
    }
  }
}
