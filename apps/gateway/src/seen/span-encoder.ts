import { LikeCalls, WireWriter, type Record as CallRecord } from '@signalbox/core';
import { CALL_ID, QUEUED_MS, shapesOf, type Attributes, type NetworkTransport, type SpanShape } from './spans.ts';

// Fields of https://github.com/open-telemetry/opentelemetry-proto, `trace/v1/trace.proto` and `common/v1/common.proto`.
const RESOURCE_SPANS = 1;
const RESOURCE = 1;
const SCOPE_SPANS = 2;
const SCOPE = 1;
const SPANS = 2;
const SPAN = { traceId: 1, spanId: 2, parentSpanId: 4, name: 5, kind: 6, start: 7, end: 8, attributes: 9, status: 15, flags: 16 };
const KINDS = { server: 2, client: 3 };
const STATUS_CODE = 3;
const ERROR = 2;
const VALUE = { text: 1, bool: 2, int: 3, double: 4 };
const SAMPLED = 0x1;
const KNOWS_REMOTE = 0x1_00;
const IS_REMOTE = 0x2_00;
const LOCAL_PARENT = SAMPLED | KNOWS_REMOTE;
const REMOTE_PARENT = LOCAL_PARENT | IS_REMOTE;

export interface SpanOptions {
  /** How clients reach the gateway. */
  readonly clientTransport: () => NetworkTransport;
  /** How the gateway reaches an upstream. */
  readonly upstreamTransport: (upstream: string) => NetworkTransport;
}

/** Turns records into what the protocol of OpenTelemetry says of spans. */
export interface SpanEncoder {
  /** Writes the spans of a call that is traced, one behind the other. */
  write(writer: WireWriter, record: CallRecord): void;
  /** What has to stand in front of spans that take `length` bytes to make an `ExportTraceServiceRequest` of them. */
  head(length: number): Uint8Array;
}

/** @param resource Who speaks. */
export function createSpanEncoder(resource: Attributes, options: SpanOptions): SpanEncoder {
  const resourceBytes = encode((writer) => writeAttributes(writer, 1, resource));
  const scopeBytes = encode((writer) => writer.text(1, 'signalbox'));
  // Most spans are like one before; what they have in common is most of what they say.
  const shapes = new LikeCalls((record) => {
    const upstreamTransport = upstreamTransportOf(record);
    const { server, client } = shapesOf(record, { clientTransport, upstreamTransport });
    return { upstreamTransport, server: encodeShape(server), client: encodeShape(client) };
  });
  const upstreamTransportOf = ({ upstream }: CallRecord): NetworkTransport =>
    upstream === undefined ? undefined : options.upstreamTransport(upstream);
  let clientTransport: NetworkTransport;
  const find = (record: CallRecord) => {
    if (options.clientTransport() !== clientTransport) {
      clientTransport = options.clientTransport();
      shapes.forget();
    }
    const found = shapes.find(record);
    if (found.upstreamTransport === upstreamTransportOf(record)) return found;
    // An upstream has moved, which happens with a new configuration.
    shapes.forget();
    return shapes.find(record);
  };
  return {
    write: (writer, record) => {
      const { trace, callId, startedAtMs, durationMs, sentAfterMs, upstreamMs, queuedMs, attempts } = record;
      if (trace === undefined) return;
      const { server, client } = find(record);
      const endMs = startedAtMs + durationMs;
      const outer = writer.begin(SPANS);
      writer.hex(SPAN.traceId, trace.traceId);
      writer.hex(SPAN.spanId, trace.spanId);
      if (trace.parentSpanId !== undefined) writer.hex(SPAN.parentSpanId, trace.parentSpanId);
      writer.fixed32(SPAN.flags, trace.parentSpanId === undefined ? LOCAL_PARENT : REMOTE_PARENT);
      writer.nanoseconds(SPAN.start, startedAtMs);
      writer.nanoseconds(SPAN.end, endMs);
      writer.raw(server);
      writeAttribute(writer, SPAN.attributes, CALL_ID, callId);
      writer.end(outer);
      if (sentAfterMs === undefined) return;
      const inner = writer.begin(SPANS);
      writer.hex(SPAN.traceId, trace.traceId);
      writer.hex(SPAN.spanId, trace.upstreamSpanId);
      writer.hex(SPAN.parentSpanId, trace.spanId);
      writer.fixed32(SPAN.flags, LOCAL_PARENT);
      const startMs = startedAtMs + sentAfterMs;
      writer.nanoseconds(SPAN.start, startMs);
      // Between several attempts there are waits.
      writer.nanoseconds(SPAN.end, attempts > 1 ? endMs : Math.min(endMs, startMs + upstreamMs));
      writer.raw(client);
      writeAttribute(writer, SPAN.attributes, CALL_ID, callId);
      writeAttribute(writer, SPAN.attributes, QUEUED_MS, queuedMs);
      writer.end(inner);
    },
    head: (length) => {
      const scopeSpans = encode((writer) => writer.bytes(SCOPE, scopeBytes));
      const inner = encode((writer) => {
        writer.bytes(RESOURCE, resourceBytes);
        writer.lengthOf(SCOPE_SPANS, scopeSpans.length + length);
        writer.raw(scopeSpans);
      });
      return encode((writer) => {
        writer.lengthOf(RESOURCE_SPANS, inner.length + length);
        writer.raw(inner);
      });
    },
  };
}

function encodeShape({ name, kind, isError, attributes }: SpanShape): Uint8Array {
  return encode((writer) => {
    writer.text(SPAN.name, name);
    writer.uint(SPAN.kind, KINDS[kind]);
    if (isError) writer.message(SPAN.status, () => writer.uint(STATUS_CODE, ERROR));
    writeAttributes(writer, SPAN.attributes, attributes);
  });
}

function writeAttributes(writer: WireWriter, field: number, attributes: Attributes): void {
  for (const [key, value] of Object.entries(attributes)) writeAttribute(writer, field, key, value);
}

function writeAttribute(writer: WireWriter, field: number, key: string, value: string | number | boolean): void {
  const attribute = writer.begin(field);
  writer.text(1, key);
  const place = writer.begin(2);
  if (typeof value === 'string') writer.element(VALUE.text, value);
  else if (typeof value === 'boolean') writer.oneUint(VALUE.bool, value ? 1 : 0);
  else if (Number.isSafeInteger(value) && value >= 0) writer.oneUint(VALUE.int, value);
  else writer.oneDouble(VALUE.double, value);
  writer.end(place);
  writer.end(attribute);
}

function encode(write: (writer: WireWriter) => void): Uint8Array {
  const writer = new WireWriter();
  write(writer);
  return writer.written.slice();
}
