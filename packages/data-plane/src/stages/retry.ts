import { GatewayError, toGatewayError, type Answer, type Awaitable, type Clock, type Next, type Target } from '@signalbox/core';
import { backoffMs } from '../upstreams/backoff.ts';
import type { Upstream } from '../upstreams/upstream.ts';
import type { TargetedCall, TargetedStage } from './call-stages.ts';

export interface RetryOptions {
  readonly upstream: (name: string) => Upstream | undefined;
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
        ? attempt.then((result) => (result instanceof Failure ? recover(options, call, next, result.error) : result))
        : attempt;
    }
    return recover(options, call, next, attempt.error);
  };
}

/** A failed attempt as a value, so that the good path carries no second rejection handler. */
class Failure {
  readonly error: GatewayError;

  constructor(error: GatewayError) {
    this.error = error;
  }
}

function attemptOnce(options: RetryOptions, call: TargetedCall, next: Next<TargetedCall>): Awaitable<Answer | Failure> {
  const upstream = options.upstream(call.target.upstream);
  if (upstream === undefined) return new Failure(gone(call.target));
  if (!upstream.breaker.allows()) return new Failure(refused(upstream));
  call.trace.attempts++;
  call.trace.upstream = upstream.name;
  if (call.task === undefined) call.trace.upstreamName = call.target.name;
  const succeed = (outcome: Answer): Answer => {
    upstream.breaker.succeeded();
    upstream.recordCall(false);
    return outcome;
  };
  const fail = (thrown: unknown): Failure => {
    const error = duringCall(toGatewayError(thrown));
    report(upstream, call, error);
    return new Failure(error);
  };
  try {
    const outcome = next(call);
    return outcome instanceof Promise ? outcome.then(succeed, fail) : succeed(outcome);
  } catch (error) {
    return fail(error);
  }
}

async function recover(options: RetryOptions, call: TargetedCall, next: Next<TargetedCall>, first: GatewayError): Promise<Answer> {
  // The caller has a part of the result already, which another attempt could only contradict.
  if (call.sink?.isBegun) throw first;
  const config = options.upstream(call.target.upstream)?.desired.config.retry;
  const isRepeatable = isIdempotent(call);
  let error = first;
  for (let attempt = 1; attempt < (config?.attempts ?? 1) && mayRepeat(error, isRepeatable); attempt++) {
    const delay = backoffMs(attempt - 1, { baseMs: config!.backoffMs, maxMs: MAX_BACKOFF_MS, random: options.random });
    if (options.clock.monotonic() + delay >= call.deadlineMs) break;
    await wait(options.clock, delay);
    if (call.cancellation.isCancelled) throw new GatewayError('CANCELLED', `Cancelled before another attempt: ${call.cancellation.reason}`);
    const result = await attemptOnce(options, call, next);
    if (!(result instanceof Failure)) return result;
    error = result.error;
  }
  for (const target of call.fallbacks) {
    if (!maySwitch(error, isRepeatable)) break;
    const result = await attemptOnce(options, { ...call, target }, next);
    if (!(result instanceof Failure)) return result;
    error = result.error;
  }
  throw error;
}

// An upstream that is not up says so with its state: it was given its chance to start, and another attempt changes nothing.
function mayRepeat(error: GatewayError, isRepeatable: boolean): boolean {
  if (error.code !== 'UPSTREAM_UNAVAILABLE' || error.data?.['state'] !== undefined) return false;
  return error.data?.['sent'] === false || isRepeatable;
}

function maySwitch(error: GatewayError, isRepeatable: boolean): boolean {
  if (!error.isRetryable) return false;
  return error.data?.['sent'] === false || isRepeatable;
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
