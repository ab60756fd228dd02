import { LikeCalls, type Record as CallRecord } from '@signalbox/core';
import { toSafeJson } from './audit-entry.ts';

const PLAIN = /^[\w.:-]*$/;

/** Up to there numbers are whole ones to the machine. */
const MAX_WHOLE = 2 ** 31;
/** What follows the point in thousandths, and the last three digits of a larger number. */
const THOUSANDTHS = Array.from({ length: 1_000 }, (_, value) => (value === 0 ? '' : `.${digits(value).replace(/0+$/, '')}`));
const LAST_DIGITS = Array.from({ length: 1_000 }, (_, value) => digits(value));

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

/** The same as `String` gives, in a fifth of the time for what records hold: sizes, times in milliseconds, microseconds of them. */
function number(value: number): string {
  const thousandths = Math.round(value * 1_000);
  if (thousandths / 1_000 === value && value > 0 && value < MAX_WHOLE) {
    const whole = Math.floor(value);
    return `${whole}${THOUSANDTHS[thousandths - 1_000 * whole]!}`;
  }
  if (Number.isSafeInteger(value) && value >= MAX_WHOLE && value < 1_000 * MAX_WHOLE) {
    const thousands = Math.floor(value / 1_000);
    return `${thousands}${LAST_DIGITS[value - 1_000 * thousands]!}`;
  }
  return Number.isFinite(value) ? String(value) : 'null';
}

function digits(value: number): string {
  return String(value).padStart(3, '0');
}

function quote(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : toSafeJson(text);
}
