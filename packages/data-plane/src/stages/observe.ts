import {
  GatewayError,
  toGatewayError,
  type Answer,
  type Awaitable,
  type Clock,
  type ErrorCode,
  type Journal,
  type Logger,
  type Record,
  type RecordPayload,
  type Stage,
} from '@signalbox/core';
import type { CallTrace, ObservedCall, SurfaceCall, Whole } from './call-stages.ts';
import { CapturingSink } from './capturing-sink.ts';
import type { BeginTrace } from './trace-context.ts';

export interface ObserveOptions {
  readonly journal: Journal;
  /** Absent while calls are not traced. */
  readonly beginTrace?: BeginTrace | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Writes one record per call, whatever became of it, and puts the call's id on every error that leaves. */
export function observe(options: ObserveOptions): Stage<SurfaceCall, ObservedCall> {
  const { clock, journal, beginTrace } = options;
  const { payloadBytes = 0, wantsPayload = payloadBytes > 0, isDurable = false } = journal;
  return (call, next) => {
    const trace = createTrace();
    if (beginTrace !== undefined) trace.context = beginTrace(call.params);
    const startedAtMs = clock.now();
    const start = clock.monotonic();
    const sink =
      call.sink === undefined || isDurable ? undefined : payloadBytes > 0 ? new CapturingSink(call.sink, payloadBytes) : call.sink;
    const payloadOf = (answer: Answer | undefined): RecordPayload | undefined =>
      wantsPayload
        ? {
            arguments: call.params.get('arguments'),
            result: resultOf(answer, sink),
            session: call.session?.id,
            detour: trace.detour,
            step: trace.step,
          }
        : undefined;
    const succeed = (answer: Answer): Awaitable<Answer> => {
      const error = answer.kind === 'error' ? String(answer.error.code) : undefined;
      const record = toRecord(call, trace, { startedAtMs, start, end: clock.monotonic(), status: statusOf(answer), error });
      record.resultBytes = answer.kind === 'result' ? answer.result.knownByteLength : undefined;
      const kept = write(options, record, payloadOf(answer));
      return kept instanceof Promise ? kept.then(() => answer, refuse) : answer;
    };
    const fail = (thrown: unknown): Awaitable<never> => {
      const error = toGatewayError(thrown);
      const status = error.code === 'CANCELLED' ? 'cancelled' : 'gateway-error';
      const record = toRecord(call, trace, { startedAtMs, start, end: clock.monotonic(), status, error: error.code });
      const kept = write(options, record, payloadOf(undefined));
      logFailure(options.logger, record, error);
      const refusal = withCallId(error, call.id, thrown);
      const end = (): never => {
        throw refusal;
      };
      return kept instanceof Promise ? kept.then(end, end) : end();
    };
    // What was done has no record, which the caller must not take for a call that was not made.
    const refuse = (thrown: unknown): never => {
      const error = toGatewayError(thrown);
      throw withCallId(
        new GatewayError(error.code, error.message, { cause: error, data: { ...error.data, sent: trace.isSent } }),
        call.id,
        error,
      );
    };
    let answer;
    try {
      journal.check?.();
      answer = next(withTrace(call, trace, sink));
    } catch (error) {
      return fail(error);
    }
    return answer instanceof Promise ? answer.then(succeed, fail) : succeed(answer);
  };
}

function createTrace(): CallTrace {
  return {
    upstream: undefined,
    name: undefined,
    upstreamName: undefined,
    attempts: 0,
    sentAtMs: 0,
    queuedMs: 0,
    upstreamMs: 0,
    isSent: false,
    detour: undefined,
    step: undefined,
    isCached: false,
    isApproved: false,
    cacheTier: undefined,
    context: undefined,
  };
}

function withTrace(call: SurfaceCall, trace: CallTrace, sink: SurfaceCall['sink']): Whole<ObservedCall> {
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
    sink,
    id: call.id,
    priority: call.priority,
    deadlineMs: call.deadlineMs,
    surface: call.surface,
    isFound: call.isFound,
    isNotification: call.isNotification,
    isAhead: call.isAhead,
    trace,
  };
}

interface End {
  readonly startedAtMs: number;
  /** Both on the monotonic clock. */
  readonly start: number;
  readonly end: number;
  readonly status: Record['status'];
  readonly error: string | undefined;
}

function toRecord(
  call: SurfaceCall,
  trace: CallTrace,
  { startedAtMs, start, end, status, error }: End,
): { -readonly [Member in keyof Record]: Record[Member] } {
  return {
    callId: call.id,
    method: call.method,
    name: trace.name,
    server: call.surface.name,
    principal: call.principal,
    upstream: trace.upstream,
    upstreamName: trace.upstreamName,
    client: call.client.info?.name,
    revision: call.client.revision,
    startedAtMs,
    durationMs: toMicroseconds(end - start),
    queuedMs: toMicroseconds(trace.queuedMs),
    upstreamMs: toMicroseconds(trace.upstreamMs),
    sentAfterMs: trace.sentAtMs === 0 ? undefined : toMicroseconds(trace.sentAtMs - start),
    paramsBytes: call.params.byteLength,
    resultBytes: undefined,
    status,
    error,
    attempts: trace.attempts,
    cached: trace.isCached,
    cacheTier: trace.cacheTier,
    isAhead: call.isAhead ? true : undefined,
    isApproved: trace.isApproved ? true : undefined,
    trace: trace.context,
  };
}

// What is finer is noise, and numbers of seventeen digits take long to write.
function toMicroseconds(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}

function write({ journal, logger }: ObserveOptions, record: Record, payload: RecordPayload | undefined): Awaitable<void> {
  if (logger.isDebug) {
    const { callId, method, name, upstream, status, durationMs } = record;
    logger.debug('call', { callId, method, name, upstream, status, durationMs });
  }
  return journal.write(record, payload);
}

/** Refusals that callers can bring about as often as they like, or that are told of elsewhere. */
const QUIET: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['CANCELLED', 'UNKNOWN_NAME', 'AUDIT_UNAVAILABLE', 'RESTRAINED']);

function logFailure(logger: Logger, { callId, method, name, upstream, trace }: Record, error: GatewayError): void {
  const fields = { callId, ...(trace && { traceId: trace.traceId }), method, name, upstream, code: error.code, reason: error.message };
  if (error.code === 'INTERNAL') logger.error('call failed inside the gateway', { ...fields, stack: stackOf(error) });
  else if (QUIET.has(error.code)) logger.debug('call not made', fields);
  else logger.warn('call failed', fields);
}

function withCallId(error: GatewayError, callId: string, thrown: unknown): GatewayError {
  return new GatewayError(error.code, error.message, { cause: error.cause ?? thrown, data: { ...error.data, callId } });
}

function stackOf(error: GatewayError): string | undefined {
  return error.cause instanceof Error ? error.cause.stack : error.stack;
}

function statusOf(answer: Answer): Record['status'] {
  if (answer.kind === 'error') return 'rpc-error';
  return answer.isError ? 'tool-error' : 'ok';
}

function resultOf(answer: Answer | undefined, sink: SurfaceCall['sink']): RecordPayload['result'] {
  if (answer?.kind === 'result') return answer.result;
  return answer?.kind === 'delivered' && sink instanceof CapturingSink ? sink.captured : undefined;
}
