import type { Clock } from '@signalbox/core';

/** At least so large a share of what is done has to be used. */
const LEAST_SHARE = 0.5;
/** What is remembered of earlier ones, so that few that were right long ago do not outweigh what is wrong now. */
const REMEMBERED = 20;
/** While it does not pay, it is tried so seldom. */
const RETRY_MS = 600_000;

/** Decides whether something is done once more before a call needs it, by what came of those before. */
export class AheadTrials {
  readonly #clock: Clock;
  #tried = 0;
  #used = 0;
  // The same of late.
  #tries = 0;
  #hits = 0;
  #triedAtMs = 0;
  #isGivenUp = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get counts(): { readonly tried: number; readonly used: number } {
    return { tried: this.#tried, used: this.#used };
  }

  /** @returns whether to do it, which is counted. */
  take(): boolean {
    const now = this.#clock.monotonic();
    // As if the first had been used, so that it begins at all.
    const pays = this.#hits + 1 >= LEAST_SHARE * (this.#tries + 1);
    if (this.#isGivenUp || (!pays && now - this.#triedAtMs < RETRY_MS)) return false;
    this.#triedAtMs = now;
    this.#tried++;
    if (++this.#tries > REMEMBERED) {
      this.#tries /= 2;
      this.#hits /= 2;
    }
    return true;
  }

  /** A call has used one. */
  use(): void {
    this.#used++;
    this.#hits++;
  }

  /** Does it no more: here nothing can be done without a call. */
  giveUp(): void {
    this.#isGivenUp = true;
  }
}
