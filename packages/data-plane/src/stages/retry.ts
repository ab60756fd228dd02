import {
  GatewayError,
  toGatewayError,
  type Answer,
  type AttemptAfterFailures,
  type Awaitable,
  type Clock,
  type Detour,
  type Next,
  type Target,
} from '@signalbox/core';
import type { AdviceGuard } from '../advice-guard.ts';
import { backoffMs } from '../upstreams/backoff.ts';
import type { Upstream } from '../upstreams/upstream.ts';
import { avoidFailing } from './avoid-failing.ts';
import type { TargetedCall, TargetedStage } from './call-stages.ts';
import { isLaterRound, toAsker, withAsker } from './later-rounds.ts';
import { orderFallbacks, type FallbackOrder } from './order-fallbacks.ts';

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
 * the same as once. Then turns to the fallbacks, or begins with them where that is advised. Keeps the circuit breaker of each
 * upstream informed.
 */
export function retry(options: RetryOptions): TargetedStage {
  return (given, next) => {
    const call = isLaterRound(given) ? toAsker(given) : given;
    const order = call.fallbacks.length === 0 ? undefined : avoidFailing(call, options);
    if (order !== undefined) call.trace.detour = { ...NO_DETOUR, fallbacks: order.choices };
    const target = order?.targets[0] ?? call.target;
    const making: Making = { call, asked: given.target, next, order };
    const attempt = attemptOnce(options, making, target);
    if (!(attempt instanceof Failure)) {
      return attempt instanceof Promise
        ? attempt.then((result) => (result instanceof Failure ? recover(options, making, result) : result))
        : attempt;
    }
    return recover(options, making, attempt);
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

function attemptOnce(options: RetryOptions, { call: whole, asked, next }: Making, target: Target): Awaitable<Answer | Failure> {
  const call = target === whole.target ? whole : { ...whole, target };
  const upstream = options.upstream(target.upstream);
  if (upstream === undefined) return new Failure(target, gone(target), false);
  if (!upstream.breaker.allows()) return new Failure(target, refused(upstream), false);
  call.trace.attempts++;
  call.trace.upstream = upstream.name;
  if (call.task === undefined) call.trace.upstreamName = target.name;
  const failures = upstream.failureRun.now;
  const succeed = (outcome: Answer): Answer => {
    upstream.breaker.succeeded();
    upstream.failureRun.succeeded();
    upstream.recordCall(false);
    if (failures !== undefined) tellAfter(call, { ...failures, hasFailed: false });
    return withAsker(outcome, target, asked);
  };
  const fail = (thrown: unknown): Failure => {
    const error = duringCall(toGatewayError(thrown));
    const hasFailed = report(upstream, call, error);
    if (hasFailed && failures !== undefined) tellAfter(call, { ...failures, hasFailed });
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
  /** What the caller means, wherever the round at hand belongs. */
  readonly asked: Target;
  readonly next: Next<TargetedCall>;
  /** Of all that may be asked, where it is not the configured one. */
  readonly order: FallbackOrder | undefined;
}

async function recover(options: RetryOptions, making: Making, first: Failure): Promise<Answer> {
  const { call } = making;
  const isOwn = first.target === call.target;
  const result = isOwn && mayRepeat(call, first) ? await repeat(options, making, first) : first;
  if (!(result instanceof Failure)) return result;
  if (call.fallbacks.length === 0 || !maySwitch(making, result)) throw result.error;
  return tryElsewhere(options, making, result);
}

/** Asks the one that was asked for again, as often as the configuration says. */
async function repeat(options: RetryOptions, making: Making, first: Failure): Promise<Answer | Failure> {
  const { call } = making;
  const config = options.upstream(call.target.upstream)?.desired.config.retry;
  let failure = first;
  for (let attempt = 1; attempt < (config?.attempts ?? 1) && mayRepeat(call, failure); attempt++) {
    const delay = backoffMs(attempt - 1, { baseMs: config!.backoffMs, maxMs: MAX_BACKOFF_MS, random: options.random });
    if (options.clock.monotonic() + delay >= call.deadlineMs) break;
    await wait(options.clock, delay);
    if (call.cancellation.isCancelled) throw new GatewayError('CANCELLED', `Cancelled before another attempt: ${call.cancellation.reason}`);
    takeNote(call, failure);
    const result = await attemptOnce(options, making, call.target);
    if (!(result instanceof Failure)) return result;
    failure = result;
  }
  return failure;
}

async function tryElsewhere(options: RetryOptions, making: Making, first: Failure): Promise<Answer> {
  const { call } = making;
  let failure = first;
  for (const target of targetsLeft(options, making)) {
    if (!maySwitch(making, failure)) break;
    takeNote(call, failure);
    let result = await attemptOnce(options, making, target);
    if (result instanceof Failure && target === call.target && mayRepeat(call, result)) result = await repeat(options, making, result);
    if (!(result instanceof Failure)) return result;
    failure = result;
  }
  throw failure.error;
}

function targetsLeft(options: RetryOptions, { call, order }: Making): readonly Target[] {
  if (order !== undefined) return order.targets.slice(1);
  const { targets, choices } = orderFallbacks(call.fallbacks, options);
  call.trace.detour = { ...NO_DETOUR, ...call.trace.detour, fallbacks: choices };
  return targets;
}

const NO_DETOUR: Detour = { failed: [], fallbacks: [], afterFailures: [] };

function takeNote({ trace }: TargetedCall, { target, error, isMade }: Failure): void {
  if (!isMade) return;
  const attempt = { upstream: target.upstream, tool: target.name, error: error.code };
  const { detour = NO_DETOUR } = trace;
  trace.detour = { ...detour, failed: [...detour.failed, attempt] };
}

function tellAfter({ trace, target: { upstream } }: TargetedCall, ended: Omit<AttemptAfterFailures, 'upstream'>): void {
  const { detour = NO_DETOUR } = trace;
  trace.detour = { ...detour, afterFailures: [...detour.afterFailures, { upstream, ...ended }] };
}

// An upstream that is not up says so with its state: it was given its chance to start, and another attempt changes nothing.
function mayRepeat(call: TargetedCall, { error }: Failure): boolean {
  return error.code === 'UPSTREAM_UNAVAILABLE' && error.data?.['state'] === undefined && mayRunAgain(call, error);
}

function maySwitch({ call, order }: Making, { target, error }: Failure): boolean {
  // Who was asked in place of another does not have the last word by not speaking the protocol.
  const isStandIn = order !== undefined && target !== call.target;
  return (error.isRetryable || (isStandIn && error.code === 'UPSTREAM_PROTOCOL')) && mayRunAgain(call, error);
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

/** @returns whether it counts as one of its failures in a row. */
function report(upstream: Upstream, call: TargetedCall, error: GatewayError): boolean {
  const wasSent = error.data?.['sent'] !== false;
  // The result of a task comes when the task is over, however long that takes.
  const isFailure = isTheirs(error) && !(call.method === 'tasks/result' && error.code === 'DEADLINE_EXCEEDED');
  upstream.recordCall(isFailure);
  if (isFailure && wasSent) upstream.breaker.failed();
  else upstream.breaker.abandoned();
  // Whose deadline passed in our own line has not asked it.
  const hasFailed = isFailure && (wasSent || error.code !== 'DEADLINE_EXCEEDED');
  if (hasFailed) upstream.failureRun.failed();
  return hasFailed;
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
