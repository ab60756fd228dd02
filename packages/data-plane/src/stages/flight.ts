import { Cancellation, GatewayError, type Clock, type Notification, type Outcome, type Question } from '@signalbox/core';
import type { TargetedCall } from './call-stages.ts';

export interface FlightOptions {
  /** Which round of the call it is, so that only the same one joins. */
  readonly round: string;
  /** Whether the run may be given up although it has begun, because running it again does no harm. */
  readonly isRepeatable: boolean;
  readonly clock: Clock;
  /** Called when the run was given up because nobody waits for it any more. */
  readonly onAbandoned: () => void;
}

interface Waiter {
  readonly call: TargetedCall;
  readonly stops: (() => void)[];
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * One run of a call for all who ask for it under one key. It belongs to none of them: whoever leaves leaves the others
 * alone, and a run that may have written goes on to its end without anybody, so that its outcome can be found.
 */
export class Flight {
  readonly round: string;
  /** The call as it is made. It hears and asks the newest of those who wait, and has no deadline but the upstream's. */
  readonly call: TargetedCall;
  readonly #options: FlightOptions;
  readonly #cancellation = new Cancellation();
  #waiters: Waiter[] = [];

  constructor(first: TargetedCall, options: FlightOptions) {
    this.#options = options;
    this.round = options.round;
    this.call = {
      ...first,
      cancellation: this.#cancellation,
      deadlineMs: Number.POSITIVE_INFINITY,
      emit: (notification) => this.#emit(notification),
      // The one who joins may want what the first did not ask for.
      wantsProgress: true,
      ask: first.ask === undefined ? undefined : (question) => this.#ask(question),
    };
  }

  get isAbandoned(): boolean {
    return this.#cancellation.isCancelled;
  }

  /** Waits for the run on behalf of a call, until that is cancelled or its deadline passes. */
  join(call: TargetedCall): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = { call, stops: [], resolve, reject };
      this.#waiters.push(waiter);
      const { clock } = this.#options;
      const leftMs = call.deadlineMs - clock.monotonic();
      if (Number.isFinite(leftMs)) waiter.stops.push(clock.after(leftMs, () => this.#leave(waiter, () => this.#late(call, leftMs))));
      waiter.stops.push(call.cancellation.watch((reason) => this.#leave(waiter, () => cancelled(call, reason))));
    });
  }

  /** Tells everybody who waits how the run ended. */
  succeed(outcome: Outcome): void {
    for (const { resolve } of this.#takeWaiters()) resolve(outcome);
  }

  /** Tells everybody who waits why there is no outcome. */
  fail(error: unknown): void {
    for (const { reject } of this.#takeWaiters()) reject(error);
  }

  #takeWaiters(): readonly Waiter[] {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const { stops } of waiters) for (const stop of stops) stop();
    return waiters;
  }

  #leave(waiter: Waiter, why: () => GatewayError): void {
    if (!this.#waiters.includes(waiter)) return;
    this.#waiters = this.#waiters.filter((other) => other !== waiter);
    for (const stop of waiter.stops) stop();
    const mayEnd = this.#options.isRepeatable || !this.call.trace.isSent;
    const error = why();
    if (this.#waiters.length === 0 && mayEnd) {
      this.#options.onAbandoned();
      this.#cancellation.cancel(error.message);
    }
    waiter.reject(error);
  }

  #emit(notification: Notification): void {
    this.#waiters.findLast(({ call }) => call.emit !== undefined)?.call.emit!(notification);
  }

  #ask(question: Question): Promise<Outcome> {
    const ask = this.#waiters.findLast(({ call }) => call.ask !== undefined)?.call.ask;
    if (ask !== undefined) return ask(question);
    return Promise.reject(
      new GatewayError('CANCELLED', `Cannot ask "${question.method}": nobody who could be asked waits for the call any more`),
    );
  }

  #late({ target }: TargetedCall, budgetMs: number): GatewayError {
    const goesOn = this.call.trace.isSent && !this.#options.isRepeatable;
    return new GatewayError(
      'DEADLINE_EXCEEDED',
      `Cannot complete "tools/call" on upstream "${target.upstream}" in ${Math.round(budgetMs)} ms${goesOn ? '; it goes on, and the same idempotency key finds its outcome' : ''}`,
      { data: { upstream: target.upstream, phase: 'call', budgetMs: Math.round(budgetMs), sent: this.call.trace.isSent } },
    );
  }
}

function cancelled({ target }: TargetedCall, reason: string): GatewayError {
  return new GatewayError('CANCELLED', `Cancelled "tools/call" on upstream "${target.upstream}": ${reason}`, {
    data: { upstream: target.upstream },
  });
}
