import { toMessage, type Clock, type HealthConfig } from '@signalbox/core';

export interface HealthCheckOptions {
  readonly config: HealthConfig;
  readonly clock: Clock;
  /** Rejects when there is no answer in time. */
  readonly ping: (timeoutMs: number) => Promise<void>;
  readonly onMissed: (reason: string) => void;
  readonly onAnswer: () => void;
  /** Called once, after as many missed pings in a row as are allowed; the check has ended then. */
  readonly onDead: () => void;
}

/** Watches one connection. Traffic is proof enough; only a quiet one is pinged. */
export class HealthCheck {
  readonly #options: HealthCheckOptions;
  #lastTrafficAt: number;
  #missed = 0;
  #isStopped = false;
  #cancelTimer: () => void;

  constructor(options: HealthCheckOptions) {
    this.#options = options;
    this.#lastTrafficAt = options.clock.monotonic();
    this.#cancelTimer = this.#schedule();
  }

  sawTraffic(): void {
    this.#lastTrafficAt = this.#options.clock.monotonic();
    this.#missed = 0;
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelTimer();
  }

  #schedule(): () => void {
    const { clock, config } = this.#options;
    return clock.after(config.intervalMs, () => void this.#check());
  }

  async #check(): Promise<void> {
    const { clock, config, ping, onAnswer, onMissed, onDead } = this.#options;
    if (clock.monotonic() - this.#lastTrafficAt >= config.intervalMs) {
      try {
        await ping(config.timeoutMs);
        if (this.#isStopped) return;
        this.#missed = 0;
        onAnswer();
      } catch (error) {
        if (this.#isStopped) return;
        this.#missed++;
        onMissed(`${this.#missed} of ${config.failures} pings unanswered: ${toMessage(error)}`);
        if (this.#missed >= config.failures) {
          this.stop();
          onDead();
          return;
        }
      }
    }
    this.#cancelTimer = this.#schedule();
  }
}
