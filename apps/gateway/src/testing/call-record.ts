import type { Record as CallRecord } from '@signalbox/core';

/** The record of a call that went well. */
export function createCallRecord(more: Partial<CallRecord> = {}): CallRecord {
  return {
    callId: 'call-1',
    method: 'tools/call',
    name: 'echo',
    server: undefined,
    principal: 'local',
    upstream: 'everything',
    upstreamName: 'echo',
    client: 'test',
    revision: 'modern',
    startedAtMs: 1_700_000_000_000,
    durationMs: 10,
    queuedMs: 1,
    upstreamMs: 8,
    sentAfterMs: 1,
    paramsBytes: 100,
    resultBytes: 200,
    status: 'ok',
    error: undefined,
    attempts: 1,
    cached: false,
    cacheTier: undefined,
    trace: undefined,
    ...more,
  };
}

/** A place in a trace. */
export const TRACE = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  parentSpanId: '00f067aa0ba902b7',
  upstreamSpanId: '1111111111111111',
  isSampled: true,
};
