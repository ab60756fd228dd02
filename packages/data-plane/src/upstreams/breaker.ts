import type { BreakerConfig, Clock } from '@signalbox/core';

/**
 * Refuses calls to an upstream that keeps failing, and lets one through now and then to see whether it is back.
 * Only failures that cost time count: a refused connection is its own quick answer.
 */
export class Breaker {
  readonly #config: BreakerConfig;
  readonly #clock: Clock;
  #failures = 0;
  #openedAt: number | undefined;
  #isTrialOut = false;

  constructor(config: BreakerConfig, clock: Clock) {
    this.#config = config;
    this.#clock = clock;
  }

  get state(): 'closed' | 'open' | 'half-open' {
    if (this.#openedAt === undefined) return 'closed';
    return this.#isDue() ? 'half-open' : 'open';
  }

  /** Asks for one call. A call that is let through must be reported with `succeeded`, `failed` or `abandoned`. */
  allows(): boolean {
    if (this.#openedAt === undefined) return true;
    if (this.#isTrialOut || !this.#isDue()) return false;
    this.#isTrialOut = true;
    return true;
  }

  /** Milliseconds until the next trial, 0 when one is due. */
  get waitMs(): number {
    if (this.#openedAt === undefined) return 0;
    return Math.max(0, this.#openedAt + this.#config.openMs - this.#clock.monotonic());
  }

  succeeded(): void {
    this.#failures = 0;
    this.#openedAt = undefined;
    this.#isTrialOut = false;
  }

  failed(): void {
    this.#failures++;
    this.#isTrialOut = false;
    if (this.#openedAt !== undefined || this.#failures >= this.#config.failures) this.#openedAt = this.#clock.monotonic();
  }

  /** The call ended without telling anything of the upstream, for example because its caller gave up. */
  abandoned(): void {
    this.#isTrialOut = false;
  }

  #isDue(): boolean {
    return this.waitMs === 0;
  }
}
