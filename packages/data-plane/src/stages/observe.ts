import {
  GatewayError,
  toGatewayError,
  type Answer,
  type Call,
  type Clock,
  type Journal,
  type Logger,
  type Record,
  type Stage,
} from '@signalbox/core';
import type { CallTrace, ObservedCall, SurfaceCall, Whole } from './call-stages.ts';

export interface ObserveOptions {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Writes one record per call, whatever became of it, and puts the call's id on every error that leaves. */
export function observe(options: ObserveOptions): Stage<SurfaceCall, ObservedCall> {
  const { clock } = options;
  return (call, next) => {
    const trace: CallTrace = { upstream: undefined, name: undefined, attempts: 0, isSent: false, isCached: false };
    const startedAtMs = clock.now();
    const start = clock.monotonic();
    const succeed = (outcome: Answer): Answer => {
      write(
        options,
        call,
        trace,
        startedAtMs,
        clock.monotonic() - start,
        statusOf(outcome),
        outcome.kind === 'error' ? String(outcome.error.code) : undefined,
      );
      return outcome;
    };
    const fail = (thrown: unknown): never => {
      const error = toGatewayError(thrown);
      write(
        options,
        call,
        trace,
        startedAtMs,
        clock.monotonic() - start,
        error.code === 'CANCELLED' ? 'cancelled' : 'gateway-error',
        error.code,
      );
      logFailure(options.logger, call, trace, error);
      throw new GatewayError(error.code, error.message, { cause: error.cause ?? thrown, data: { ...error.data, callId: call.id } });
    };
    let outcome;
    try {
      outcome = next(withTrace(call, trace));
    } catch (error) {
      return fail(error);
    }
    return outcome instanceof Promise ? outcome.then(succeed, fail) : succeed(outcome);
  };
}

function withTrace(call: SurfaceCall, trace: CallTrace): Whole<ObservedCall> {
  return {
    method: call.method,
    params: call.params,
    client: call.client,
    principal: call.principal,
    session: call.session,
    ask: call.ask,
    cancellation: call.cancellation,
    emit: call.emit,
    wantsProgress: call.wantsProgress,
    mirrored: call.mirrored,
    sink: call.sink,
    id: call.id,
    priority: call.priority,
    deadlineMs: call.deadlineMs,
    surface: call.surface,
    isFound: call.isFound,
    isNotification: call.isNotification,
    trace,
  };
}

function write(
  options: ObserveOptions,
  call: Call,
  trace: CallTrace,
  startedAtMs: number,
  durationMs: number,
  status: Record['status'],
  error: string | undefined,
): void {
  options.journal.write({
    callId: call.id,
    method: call.method,
    name: trace.name,
    upstream: trace.upstream,
    client: call.client.info?.name,
    revision: call.client.revision,
    startedAtMs,
    durationMs,
    status,
    error,
    attempts: trace.attempts,
    cached: trace.isCached,
  });
  if (options.logger.isDebug)
    options.logger.debug('call', { callId: call.id, method: call.method, name: trace.name, upstream: trace.upstream, status, durationMs });
}

function logFailure(logger: Logger, call: Call, trace: CallTrace, error: GatewayError): void {
  const fields = {
    callId: call.id,
    method: call.method,
    name: trace.name,
    upstream: trace.upstream,
    code: error.code,
    reason: error.message,
  };
  if (error.code === 'INTERNAL') logger.error('call failed inside the gateway', { ...fields, stack: stackOf(error) });
  else if (error.code === 'CANCELLED' || error.code === 'UNKNOWN_NAME') logger.debug('call not made', fields);
  else logger.warn('call failed', fields);
}

function stackOf(error: GatewayError): string | undefined {
  return error.cause instanceof Error ? error.cause.stack : error.stack;
}

function statusOf(outcome: Answer): Record['status'] {
  if (outcome.kind === 'error') return 'rpc-error';
  return outcome.isError ? 'tool-error' : 'ok';
}
