import type { Clock } from '@signalbox/core';
import { Bag } from '../peers/bag.ts';

/** Something open that must be heard of from time to time lest the way to it be taken for dead. */
export interface KeptAlive {
  /** Kept by `KeepAlive`: its place there, -1 outside, and when it is due. */
  keepAlivePlace: number;
  keepAliveDueMs: number;
  keepAlive(): void;
}

/** How much later than it is due something may be heard of, as a share of the interval. */
const LATENESS = 1 / 15;

/** Calls `keepAlive` of everything in it each time `intervalMs` has gone by. Uses one timer, and none while it is empty. */
export class KeepAlive {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #members = new Bag<'keepAlivePlace', KeptAlive>('keepAlivePlace');
  #stopTimer: (() => void) | undefined;

  constructor(clock: Clock, intervalMs: number) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
  }

  /** @param firstMs When it is due for the first time. Default: after one interval. */
  add(member: KeptAlive, firstMs = this.#intervalMs): void {
    member.keepAliveDueMs = this.#clock.monotonic() + firstMs;
    this.#members.add(member);
    if (this.#stopTimer === undefined) this.#arm();
  }

  remove(member: KeptAlive): void {
    this.#members.delete(member);
  }

  close(): void {
    this.#members.clear();
    this.#stopTimer?.();
    this.#stopTimer = undefined;
  }

  #arm(): void {
    this.#stopTimer = this.#clock.after(this.#intervalMs * LATENESS, () => this.#tick());
  }

  #tick(): void {
    this.#stopTimer = undefined;
    const now = this.#clock.monotonic();
    for (const member of this.#members.list()) {
      if (member.keepAliveDueMs > now || member.keepAlivePlace < 0) continue;
      member.keepAliveDueMs = now + this.#intervalMs;
      member.keepAlive();
    }
    if (this.#members.size > 0) this.#arm();
  }
}
