import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  /** 2 is a server, 3 a client. */
  readonly kind: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly isError: boolean;
  readonly attributes: Readonly<Record<string, unknown>>;
}

export interface ReceivedPoint {
  readonly metric: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly value: number;
}

export interface OtlpReceiver extends AsyncDisposable {
  readonly url: string;
  readonly spans: ReceivedSpan[];
  readonly points: ReceivedPoint[];
  /** Attributes of the last one who spoke. */
  resource: Readonly<Record<string, unknown>>;
  /** Headers of the last export. */
  headers: NodeJS.Dict<string | string[]>;
  /** Takes what comes and answers none of it from now on. */
  isHanging: boolean;
}

/**
 * Plays a collector that takes OTLP over HTTP as protobuf. A small server of ours: no collector comes as a package of npm
 * or Debian, and the definitions that come with the exporter can only write.
 * @see https://github.com/open-telemetry/opentelemetry-proto
 */
export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const server: Server = createServer(async (request, response) => {
    const body = await buffer(request);
    receiver.headers = request.headers;
    if (request.headers['content-type'] !== 'application/x-protobuf') return void response.writeHead(415).end();
    if (receiver.isHanging) return;
    if (request.url === '/v1/traces') readTraces(body, receiver);
    else if (request.url === '/v1/metrics') readMetrics(body, receiver);
    else return void response.writeHead(404).end();
    response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const receiver: OtlpReceiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans: [],
    points: [],
    resource: {},
    headers: {},
    isHanging: false,
    [Symbol.asyncDispose]: async () => {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
  return receiver;
}

function readTraces(body: Buffer, receiver: OtlpReceiver): void {
  for (const resourceSpans of messages(decode(body), 1)) {
    receiver.resource = readAttributes(messages(resourceSpans, 1)[0], 1);
    for (const scopeSpans of messages(resourceSpans, 2))
      for (const span of messages(scopeSpans, 2))
        receiver.spans.push({
          traceId: bytes(span, 1).toString('hex'),
          spanId: bytes(span, 2).toString('hex'),
          parentSpanId: bytes(span, 4).toString('hex'),
          name: bytes(span, 5).toString(),
          kind: Number(span.get(6)?.[0] ?? 0),
          startMs: toMs(span.get(7)?.[0]),
          endMs: toMs(span.get(8)?.[0]),
          isError: Number(messages(span, 15)[0]?.get(3)?.[0] ?? 0) === 2,
          attributes: readAttributes(span, 9),
        });
  }
}

// Sums and gauges hold numbers; of a histogram its count is taken.
function readMetrics(body: Buffer, receiver: OtlpReceiver): void {
  for (const resourceMetrics of messages(decode(body), 1)) {
    receiver.resource = readAttributes(messages(resourceMetrics, 1)[0], 1);
    for (const metric of messages(resourceMetrics, 2).flatMap((scope) => messages(scope, 2))) {
      const name = bytes(metric, 1).toString();
      for (const point of [5, 7].flatMap((kind) => messages(metric, kind).flatMap((data) => messages(data, 1))))
        receiver.points.push({ metric: name, attributes: readAttributes(point, 7), value: toDouble(point.get(4)?.[0]) });
      for (const point of messages(metric, 9).flatMap((data) => messages(data, 1)))
        receiver.points.push({ metric: name, attributes: readAttributes(point, 9), value: Number(point.get(4)?.[0] ?? 0) });
    }
  }
}

type Value = bigint | Buffer;
type Fields = ReadonlyMap<number, readonly Value[]>;

/** The fields of one message of the protobuf wire format. */
function decode(data: Buffer): Fields {
  const fields = new Map<number, Value[]>();
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = data[at++];
      if (byte === undefined) throw new Error('The message ends within a number');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const take = (length: number): Buffer => {
    if (at + length > data.length) throw new Error('The message ends within a field');
    return data.subarray(at, (at += length));
  };
  while (at < data.length) {
    const tag = Number(varint());
    const wire = tag & 7;
    const value =
      wire === 0 ? varint() : wire === 1 ? take(8).readBigUInt64LE() : wire === 2 ? take(Number(varint())) : BigInt(take(4).readUInt32LE());
    const field = tag >> 3;
    fields.set(field, [...(fields.get(field) ?? []), value]);
  }
  return fields;
}

function messages(fields: Fields | undefined, field: number): Fields[] {
  return (fields?.get(field) ?? []).map((value) => decode(value as Buffer));
}

function bytes(fields: Fields, field: number): Buffer {
  return (fields.get(field)?.[0] as Buffer | undefined) ?? Buffer.alloc(0);
}

function readAttributes(fields: Fields | undefined, field: number): Record<string, unknown> {
  return Object.fromEntries(messages(fields, field).map((pair) => [bytes(pair, 1).toString(), readAny(messages(pair, 2)[0])]));
}

function readAny(value: Fields | undefined): unknown {
  if (value?.has(1)) return bytes(value, 1).toString();
  if (value?.has(2)) return value.get(2)![0] === 1n;
  if (value?.has(3)) return Number(value.get(3)![0]);
  return value?.has(4) ? toDouble(value.get(4)![0]) : undefined;
}

function toDouble(value: Value | undefined): number {
  const bits = Buffer.alloc(8);
  bits.writeBigUInt64LE((value as bigint | undefined) ?? 0n);
  return bits.readDoubleLE();
}

function toMs(nanoseconds: Value | undefined): number {
  return Number((nanoseconds as bigint | undefined) ?? 0n) / 1e6;
}
