import { GatewayError, toGatewayError, type Answer, type Awaitable, type Clock, type Next, type Target } from '@signalbox/core';
import type { AdviceGuard } from '../advice-guard.ts';
import { backoffMs } from '../upstreams/backoff.ts';
import type { Upstream } from '../upstreams/upstream.ts';
import type { TargetedCall, TargetedStage } from './call-stages.ts';
import { orderFallbacks } from './order-fallbacks.ts';

export interface RetryOptions {
  readonly upstream: (name: string) => Upstream | undefined;
  /** Absent where nobody advises. */
  readonly advice: AdviceGuard | undefined;
  readonly clock: Clock;
  readonly random: () => number;
}

const MAX_BACKOFF_MS = 5_000;

/**
 * Tries again where that cannot do harm: the request never reached the server, or the tool says that running it twice is
 * the same as once. Then turns to the fallbacks. Keeps the circuit breaker of each upstream informed.
 */
export function retry(options: RetryOptions): TargetedStage {
  return (call, next) => {
    const attempt = attemptOnce(options, call, next);
    if (!(attempt instanceof Failure)) {
      return attempt instanceof Promise
        ? attempt.then((result) => (result instanceof Failure ? recover(options, { call, next }, result) : result))
        : attempt;
    }
    return recover(options, { call, next }, attempt);
  };
}

/** A failed attempt as a value, so that the good path carries no second rejection handler. */
class Failure {
  readonly target: Target;
  readonly error: GatewayError;
  /** Whether it got as far as being made. */
  readonly isMade: boolean;

  constructor(target: Target, error: GatewayError, isMade: boolean) {
    this.target = target;
    this.error = error;
    this.isMade = isMade;
  }
}

function attemptOnce(options: RetryOptions, call: TargetedCall, next: Next<TargetedCall>): Awaitable<Answer | Failure> {
  const { target } = call;
  const upstream = options.upstream(target.upstream);
  if (upstream === undefined) return new Failure(target, gone(target), false);
  if (!upstream.breaker.allows()) return new Failure(target, refused(upstream), false);
  call.trace.attempts++;
  call.trace.upstream = upstream.name;
  if (call.task === undefined) call.trace.upstreamName = target.name;
  const succeed = (outcome: Answer): Answer => {
    upstream.breaker.succeeded();
    upstream.recordCall(false);
    return outcome;
  };
  const fail = (thrown: unknown): Failure => {
    const error = duringCall(toGatewayError(thrown));
    report(upstream, call, error);
    return new Failure(target, error, true);
  };
  try {
    const outcome = next(call);
    return outcome instanceof Promise ? outcome.then(succeed, fail) : succeed(outcome);
  } catch (error) {
    return fail(error);
  }
}

interface Making {
  readonly call: TargetedCall;
  readonly next: Next<TargetedCall>;
}

async function recover(options: RetryOptions, { call, next }: Making, first: Failure): Promise<Answer> {
  const config = options.upstream(call.target.upstream)?.desired.config.retry;
  let failure = first;
  for (let attempt = 1; attempt < (config?.attempts ?? 1) && mayRepeat(call, failure); attempt++) {
    const delay = backoffMs(attempt - 1, { baseMs: config!.backoffMs, maxMs: MAX_BACKOFF_MS, random: options.random });
    if (options.clock.monotonic() + delay >= call.deadlineMs) break;
    await wait(options.clock, delay);
    if (call.cancellation.isCancelled) throw new GatewayError('CANCELLED', `Cancelled before another attempt: ${call.cancellation.reason}`);
    takeNote(call, failure);
    const result = await attemptOnce(options, call, next);
    if (!(result instanceof Failure)) return result;
    failure = result;
  }
  if (call.fallbacks.length === 0 || !maySwitch(call, failure)) throw failure.error;
  return tryElsewhere(options, { call, next }, failure);
}

async function tryElsewhere(options: RetryOptions, { call, next }: Making, first: Failure): Promise<Answer> {
  const { targets, choices } = orderFallbacks(call.fallbacks, options);
  call.trace.detour = { failed: call.trace.detour?.failed ?? [], fallbacks: choices };
  let failure = first;
  for (const target of targets) {
    if (!maySwitch(call, failure)) break;
    takeNote(call, failure);
    const result = await attemptOnce(options, { ...call, target }, next);
    if (!(result instanceof Failure)) return result;
    failure = result;
  }
  throw failure.error;
}

function takeNote({ trace }: TargetedCall, { target, error, isMade }: Failure): void {
  if (!isMade) return;
  const attempt = { upstream: target.upstream, tool: target.name, error: error.code };
  trace.detour = { failed: [...(trace.detour?.failed ?? []), attempt], fallbacks: trace.detour?.fallbacks ?? [] };
}

// An upstream that is not up says so with its state: it was given its chance to start, and another attempt changes nothing.
function mayRepeat(call: TargetedCall, { error }: Failure): boolean {
  return error.code === 'UPSTREAM_UNAVAILABLE' && error.data?.['state'] === undefined && mayRunAgain(call, error);
}

function maySwitch(call: TargetedCall, { error }: Failure): boolean {
  return error.isRetryable && mayRunAgain(call, error);
}

function mayRunAgain(call: TargetedCall, error: GatewayError): boolean {
  // Who has a part of the result already could only be contradicted by another attempt.
  if (call.sink?.isBegun) return false;
  return error.data?.['sent'] === false || isIdempotent(call);
}

/** Tells whether running a call twice is the same as once, as far as its tool says. */
export function isIdempotent(call: TargetedCall): boolean {
  if (call.method !== 'tools/call') return true;
  const annotations = call.target.definition?.annotations;
  return annotations?.readOnlyHint === true || annotations?.idempotentHint === true;
}

// Whatever waits in line or for a connection names its own phase; what is left is the exchange itself.
function duringCall(error: GatewayError): GatewayError {
  if (!isTheirs(error) || error.data?.['phase'] !== undefined) return error;
  return new GatewayError(error.code, error.message, { cause: error, data: { ...error.data, phase: 'call' } });
}

function isTheirs({ code }: GatewayError): boolean {
  return code === 'UPSTREAM_UNAVAILABLE' || code === 'UPSTREAM_PROTOCOL' || code === 'DEADLINE_EXCEEDED';
}

function report(upstream: Upstream, call: TargetedCall, error: GatewayError): void {
  const wasSent = error.data?.['sent'] !== false;
  // The result of a task comes when the task is over, however long that takes.
  const isFailure = isTheirs(error) && !(call.method === 'tasks/result' && error.code === 'DEADLINE_EXCEEDED');
  upstream.recordCall(isFailure);
  if (isFailure && wasSent) upstream.breaker.failed();
  else upstream.breaker.abandoned();
}

function refused(upstream: Upstream): GatewayError {
  const waitMs = Math.ceil(upstream.breaker.waitMs);
  return new GatewayError(
    'UPSTREAM_UNAVAILABLE',
    `Cannot call "${upstream.name}": its last calls failed, the next trial is in ${waitMs} ms`,
    {
      data: { upstream: upstream.name, phase: 'breaker', state: upstream.state, retryInMs: waitMs, sent: false },
    },
  );
}

function gone(target: Target): GatewayError {
  return new GatewayError('UPSTREAM_UNAVAILABLE', `Cannot call "${target.upstream}": it was removed`, {
    data: { upstream: target.upstream, state: 'stopped', sent: false },
  });
}

function wait(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(delayMs, resolve);
  });
}
