import { WireWriter, type Record as CallRecord } from '@signalbox/core';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { expect, test } from 'vitest';
import { TRACE, createCallRecord } from '../testing/call-record.ts';
import { createSpanEncoder } from './span-encoder.ts';

// Of https://github.com/open-telemetry/opentelemetry-proto, as far as we write it.
const { root } = protobuf.parse(`
  syntax = "proto3";
  message Request { repeated ResourceSpans resourceSpans = 1; }
  message ResourceSpans { Resource resource = 1; repeated ScopeSpans scopeSpans = 2; }
  message Resource { repeated KeyValue attributes = 1; }
  message ScopeSpans { Scope scope = 1; repeated Span spans = 2; }
  message Scope { string name = 1; }
  message Span {
    bytes traceId = 1; bytes spanId = 2; bytes parentSpanId = 4; string name = 5; int32 kind = 6;
    fixed64 start = 7; fixed64 end = 8; repeated KeyValue attributes = 9; Status status = 15; fixed32 flags = 16;
  }
  message Status { int32 code = 3; }
  message KeyValue { string key = 1; Value value = 2; }
  message Value { oneof value { string text = 1; bool bool = 2; int64 int = 3; double double = 4; } }
`);
const Request = root.lookupType('Request');
const options = { clientTransport: () => 'tcp' as const, upstreamTransport: () => 'pipe' as const };

function send(records: readonly CallRecord[]) {
  const encoder = createSpanEncoder({ 'service.name': 'signalbox' }, options);
  const writer = new WireWriter();
  for (const record of records) encoder.write(writer, record);
  const bytes = Buffer.concat([encoder.head(writer.length), writer.written]);
  const { resourceSpans } = Request.toObject(Request.decode(bytes), { longs: String, bytes: String, defaults: false }) as Sent;
  expect(resourceSpans).toHaveLength(1);
  const [{ resource, scopeSpans }] = resourceSpans;
  const [{ scope, spans = [] }] = scopeSpans;
  return {
    resource: toObject(resource.attributes),
    scope,
    spans: spans.map((span) => ({ ...span, attributes: toObject(span.attributes) })),
  };
}

interface Sent {
  readonly resourceSpans: [{ resource: { attributes: Pair[] }; scopeSpans: [{ scope: { name: string }; spans?: SentSpan[] }] }];
}
interface SentSpan {
  readonly attributes: Pair[];
  readonly traceId: string;
  readonly parentSpanId?: string;
  readonly start: string;
  readonly end: string;
}
interface Pair {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

const toObject = (pairs: readonly Pair[]) => Object.fromEntries(pairs.map(({ key, value }) => [key, Object.values(value)[0]]));
const base64 = (hex: string) => Buffer.from(hex, 'hex').toString('base64');

test('the spans of a call are read by others as they were meant', () => {
  const { resource, scope, spans } = send([createCallRecord({ trace: TRACE, queuedMs: 1.5 })]);
  expect([resource, scope]).toEqual([{ 'service.name': 'signalbox' }, { name: 'signalbox' }]);
  const traceId = base64(TRACE.traceId);
  expect(spans).toMatchObject([
    {
      traceId,
      spanId: base64(TRACE.spanId),
      parentSpanId: base64(TRACE.parentSpanId),
      name: 'tools/call echo',
      kind: 2,
      start: '1700000000000000000',
      end: '1700000000010000000',
      flags: 0x301,
      attributes: { 'signalbox.call.id': 'call-1', 'gen_ai.tool.name': 'echo', 'signalbox.cached': false },
    },
    {
      traceId,
      spanId: base64(TRACE.upstreamSpanId),
      parentSpanId: base64(TRACE.spanId),
      kind: 3,
      start: '1700000000001000000',
      end: '1700000000009000000',
      flags: 0x101,
      attributes: { 'signalbox.call.id': 'call-1', 'signalbox.attempts': '1', 'signalbox.queued_ms': 1.5 },
    },
  ]);
  expect(spans[0]).not.toHaveProperty('status');
});

test('what was not sent has one span, what began here no parent, and what failed a status', () => {
  const trace = { ...TRACE, parentSpanId: undefined };
  const { spans } = send([createCallRecord({ trace, sentAfterMs: undefined, status: 'gateway-error', error: 'UNKNOWN_NAME' })]);
  expect(spans).toMatchObject([{ status: { code: 2 }, flags: 0x101, attributes: { 'error.type': 'UNKNOWN_NAME' } }]);
  expect(spans[0]).not.toHaveProperty('parentSpanId');
  expect(send([createCallRecord()]).spans).toEqual([]);
});

test('calls that are like one before keep what is their own', () => {
  const text = fc.string({ maxLength: 200 });
  const record = fc.record({ callId: text, name: fc.constantFrom('a', 'b', 'ü'.repeat(150)), attempts: fc.nat(3), cached: fc.boolean() });
  fc.assert(
    fc.property(fc.array(record, { minLength: 1, maxLength: 30 }), (all) => {
      const { spans } = send(all.map((more) => createCallRecord({ trace: TRACE, ...more })));
      expect(spans.filter((_, index) => index % 2 === 0).map(({ attributes }) => attributes)).toEqual(
        all.map(({ callId, name, cached }) =>
          expect.objectContaining({ 'signalbox.call.id': callId, 'gen_ai.tool.name': name, 'signalbox.cached': cached }),
        ),
      );
    }),
  );
});

test('times are exact to the microsecond, at every time', () => {
  fc.assert(
    fc.property(fc.nat({ max: 4_000_000_000 }), fc.nat({ max: 999_999 }), (seconds, micros) => {
      const [span] = send([createCallRecord({ trace: TRACE, startedAtMs: seconds * 1_000 + micros / 1_000, durationMs: 0 })]).spans;
      const expected = BigInt(seconds) * 1_000_000_000n + BigInt(micros) * 1_000n;
      const error = BigInt(span!.start) - expected;
      expect(error < 0n ? -error : error).toBeLessThan(1_000n);
    }),
  );
});
