import type { Clock, FailuresInRow } from '@signalbox/core';

/** Failures in a row of one upstream, those before a request was sent included. Decides nothing. */
export class FailureRun {
  readonly #clock: Clock;
  #failures = 0;
  #failedAtMs = 0;
  #triedAtMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Absent while it answers. */
  get now(): FailuresInRow | undefined {
    return this.#failures === 0 ? undefined : { failures: this.#failures, sinceMs: this.#clock.monotonic() - this.#failedAtMs };
  }

  /** It answered, whatever it said. */
  succeeded(): void {
    this.#failures = 0;
  }

  failed(): void {
    this.#failures++;
    this.#failedAtMs = this.#clock.monotonic();
  }

  /** Gives the right to try it all the same to one call in so many milliseconds after the last failure or such a try. */
  takeTurn(everyMs: number): boolean {
    const now = this.#clock.monotonic();
    if (now - Math.max(this.#failedAtMs, this.#triedAtMs) < everyMs) return false;
    this.#triedAtMs = now;
    return true;
  }
}
