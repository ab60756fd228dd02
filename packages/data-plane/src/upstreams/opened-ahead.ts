import type { Clock } from '@signalbox/core';

/** At least so large a share of what is opened has to be used. */
const LEAST_SHARE = 0.5;
/** What is remembered of earlier ones, so that few that were right long ago do not outweigh what is wrong now. */
const REMEMBERED = 20;
/** While it does not pay, it is tried so seldom. */
const RETRY_MS = 600_000;

/** Decides whether one more connection is opened before a call needs it, by what came of those before. */
export class OpenedAhead {
  readonly #clock: Clock;
  #opened = 0;
  #used = 0;
  // The same of late.
  #tries = 0;
  #hits = 0;
  #triedAtMs = 0;
  #isGivenUp = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get counts(): { readonly openedAhead: number; readonly usedAhead: number } {
    return { openedAhead: this.#opened, usedAhead: this.#used };
  }

  /** @returns whether to open one, which is counted. */
  take(): boolean {
    const now = this.#clock.monotonic();
    // As if the first had been used, so that it begins at all.
    const pays = this.#hits + 1 >= LEAST_SHARE * (this.#tries + 1);
    if (this.#isGivenUp || (!pays && now - this.#triedAtMs < RETRY_MS)) return false;
    this.#triedAtMs = now;
    this.#opened++;
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

  /** Opens none any more: this upstream cannot do without a call. */
  giveUp(): void {
    this.#isGivenUp = true;
  }
}
