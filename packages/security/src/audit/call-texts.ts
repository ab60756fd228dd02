import { LikeCalls, type Record as CallRecord } from '@signalbox/core';
import { toSafeJson } from './audit-entry.ts';

const PLAIN = /^[\w.:-]*$/;

/** Writes records of calls as `toSafeJson` would, in another order: what they have in common with like calls is written once. */
export class CallTexts {
  readonly #common = new LikeCalls(commonText);

  textOf(record: CallRecord): string {
    const { callId, startedAtMs, durationMs, queuedMs, upstreamMs, sentAfterMs, paramsBytes, resultBytes, trace } = record;
    return (
      `{"callId":${quote(callId)},"startedAtMs":${number(startedAtMs)},"durationMs":${number(durationMs)},"queuedMs":${number(queuedMs)},` +
      `"upstreamMs":${number(upstreamMs)}${member('sentAfterMs', sentAfterMs)}${member('paramsBytes', paramsBytes)}` +
      `${member('resultBytes', resultBytes)}${trace === undefined ? '' : `,"trace":${traceText(trace)}`},${this.#common.find(record)}`
    );
  }
}

function commonText(record: CallRecord): string {
  const common = {
    ...record,
    callId: undefined,
    startedAtMs: undefined,
    durationMs: undefined,
    queuedMs: undefined,
    upstreamMs: undefined,
    sentAfterMs: undefined,
    paramsBytes: undefined,
    resultBytes: undefined,
    trace: undefined,
  };
  return toSafeJson(common).slice(1);
}

function traceText({ traceId, spanId, parentSpanId, upstreamSpanId, isSampled }: NonNullable<CallRecord['trace']>): string {
  const parent = parentSpanId === undefined ? '' : `"parentSpanId":${quote(parentSpanId)},`;
  return `{"traceId":${quote(traceId)},"spanId":${quote(spanId)},${parent}"upstreamSpanId":${quote(upstreamSpanId)},"isSampled":${isSampled}}`;
}

function member(name: string, value: number | undefined): string {
  return value === undefined ? '' : `,"${name}":${number(value)}`;
}

function number(value: number): string {
  return Number.isFinite(value) ? String(value) : 'null';
}

function quote(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : toSafeJson(text);
}
