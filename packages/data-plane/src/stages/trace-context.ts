import { randomFillSync } from 'node:crypto';
import { RawJson, isObject, type Params, type TraceContext } from '@signalbox/core';
import { withMember, withParams, withoutMember } from '@signalbox/protocol';

/** Begins the trace of a call, or goes on with that of its caller. */
export type BeginTrace = (params: Params) => TraceContext;

const TRACE_PARENT = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const TRACE_ID_BYTES = 16;
const SPAN_ID_BYTES = 8;
/** For a trace id and two spans. */
const CALL_BYTES = TRACE_ID_BYTES + 2 * SPAN_ID_BYTES;
const POOL_BYTES = 256 * CALL_BYTES;

/**
 * @param options.sampleRatio Share of the traces that are kept of those that begin here; callers have decided on theirs.
 * @see https://www.w3.org/TR/trace-context/
 */
export function createBeginTrace({ sampleRatio }: { readonly sampleRatio: number }): BeginTrace {
  const pool = Buffer.alloc(POOL_BYTES);
  let at = POOL_BYTES;
  const newIds = (): string => {
    if (at === POOL_BYTES) {
      randomFillSync(pool);
      at = 0;
    }
    return pool.toString('hex', at, (at += CALL_BYTES));
  };
  return (params) => {
    const ids = newIds();
    const spanId = ids.slice(32, 48);
    const upstreamSpanId = ids.slice(48);
    const parent = readParent(params);
    if (parent !== undefined)
      return { traceId: parent.traceId, spanId, parentSpanId: parent.spanId, upstreamSpanId, isSampled: parent.isSampled };
    const traceId = ids.slice(0, 32);
    return {
      traceId,
      spanId,
      parentSpanId: undefined,
      upstreamSpanId,
      isSampled: Number.parseInt(traceId.slice(20), 16) < sampleRatio * 2 ** 48,
    };
  };
}

/** The params as they go to the upstream: its part of the trace is the parent of whatever happens there. All other bytes are kept. */
export function withTraceParent(params: Params, { traceId, upstreamSpanId, parentSpanId, isSampled }: TraceContext): Params {
  let meta = params.get('_meta');
  const found = meta?.object;
  if (meta !== undefined && found === undefined) return params;
  // What vendors have said of a trace says nothing of another.
  if (parentSpanId === undefined && found?.['tracestate'] !== undefined) meta = withoutMember(meta!, 'tracestate');
  const traceParent = RawJson.fromBytes(Buffer.from(`"00-${traceId}-${upstreamSpanId}-${isSampled ? '01' : '00'}"`));
  return withParams(params, { _meta: withMember(meta, 'traceparent', traceParent) });
}

function readParent(params: Params): { readonly traceId: string; readonly spanId: string; readonly isSampled: boolean } | undefined {
  const meta = params.get('_meta')?.value;
  const text = isObject(meta) ? meta['traceparent'] : undefined;
  const parts = typeof text === 'string' ? TRACE_PARENT.exec(text) : null;
  if (parts === null || (parts[1] === '00' && parts[5] !== undefined)) return undefined;
  return { traceId: parts[2]!, spanId: parts[3]!, isSampled: (Number.parseInt(parts[4]!, 16) & 1) === 1 };
}
