import type { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import type * as SdkMetrics from '@opentelemetry/sdk-metrics';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { Record as CallRecord } from '@signalbox/core';
import { BOUNDS } from './seen/call-counts.ts';
import { cumulate, type MetricFamily } from './seen/metric-families.ts';
import { spansOf, type SpanFacts, type SpanOptions } from './seen/spans.ts';

/** Where a collector is, and how to speak to it. */
export interface CollectorOptions {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Who speaks. */
  readonly resource: Resource;
}

export interface Resource {
  readonly version: string;
  /** Tells this process from the others of its kind. */
  readonly instance: string;
}

/** Sends what it is given, one batch at a time. */
export interface Sender<Item> {
  /** @throws when the collector did not take it in time. */
  send(items: readonly Item[]): Promise<void>;
  close(): Promise<void>;
}

/** Longest wait for a collector, in milliseconds. */
const EXPORT_MS = 5_000;

// Prometheus and OpenTelemetry are loaded when they are used for the first time, as most gateways use neither.

/** Writes metrics as Prometheus reads them. */
export async function renderPrometheus(
  families: readonly MetricFamily[],
): Promise<{ readonly contentType: string; readonly text: string }> {
  const { Registry } = await import('prom-client').then((module) => module.default);
  const registry = new Registry();
  for (const family of families) registry.registerMetric({ name: family.name, get: () => toPrometheus(family) } as never);
  return { contentType: registry.contentType, text: await registry.metrics() };
}

/** Sends calls as spans, by OTLP over HTTP. */
export async function createSpanSender(collector: CollectorOptions, options: SpanOptions): Promise<Sender<CallRecord>> {
  const [{ OTLPTraceExporter }, resource] = await Promise.all([
    import('@opentelemetry/exporter-trace-otlp-proto'),
    createResource(collector.resource),
  ]);
  const exporter = new OTLPTraceExporter({ url: pathOf(collector.url, 'v1/traces'), headers: collector.headers, timeoutMillis: EXPORT_MS });
  const common = { ...(await constants()), resource };
  return {
    send: (records) =>
      new Promise((resolve, reject) => {
        const spans = records.flatMap((record) => spansOf(record, options).map((facts) => toReadableSpan(facts, common)));
        exporter.export(spans, ({ code, error }) =>
          code === 0 ? resolve() : reject(error ?? new Error('the collector refused the spans')),
        );
      }),
    close: () => exporter.shutdown(),
  };
}

/** Sends metrics regularly, by OTLP over HTTP. `onFailure` hears of each time that fails. */
export async function createMetricExport({
  intervalMs,
  families,
  onFailure,
  ...collector
}: CollectorOptions & {
  readonly intervalMs: number;
  readonly families: () => Promise<readonly MetricFamily[]>;
  readonly onFailure: (error: unknown) => void;
}): Promise<{ close(): Promise<void> }> {
  const [{ OTLPMetricExporter }, metrics, resource] = await Promise.all([
    import('@opentelemetry/exporter-metrics-otlp-proto'),
    import('@opentelemetry/sdk-metrics'),
    createResource(collector.resource),
  ]);
  const startTime = toHrTime(Date.now());
  const toMetricData = createMetricData(metrics, startTime);
  const producer: SdkMetrics.MetricProducer = {
    collect: async () => ({
      resourceMetrics: { resource, scopeMetrics: [{ scope: { name: 'signalbox' }, metrics: (await families()).map(toMetricData) }] },
      errors: [],
    }),
  };
  const exporter = new OTLPMetricExporter({
    url: pathOf(collector.url, 'v1/metrics'),
    headers: collector.headers,
    timeoutMillis: EXPORT_MS,
  });
  const heard: typeof exporter.export = (data, done) =>
    exporter.export(data, (result) => {
      if (result.code !== 0) onFailure(result.error);
      // The reader would hand what it hears to a handler of the whole process.
      done({ code: 0 });
    });
  const reader = new metrics.PeriodicExportingMetricReader({
    exporter: {
      export: heard,
      forceFlush: () => exporter.forceFlush(),
      shutdown: () => exporter.shutdown(),
      selectAggregationTemporality: (type) => exporter.selectAggregationTemporality(type),
    },
    exportIntervalMillis: intervalMs,
    exportTimeoutMillis: Math.min(intervalMs, EXPORT_MS),
  });
  reader.setMetricProducer(producer);
  return { close: () => reader.shutdown({ timeoutMillis: EXPORT_MS }) };
}

async function createResource({ version, instance }: Resource) {
  const { resourceFromAttributes } = await import('@opentelemetry/resources');
  return resourceFromAttributes({ 'service.name': 'signalbox', 'service.version': version, 'service.instance.id': instance });
}

async function constants() {
  const { SpanKind, SpanStatusCode } = await import('@opentelemetry/api');
  return { kinds: SpanKind, codes: SpanStatusCode };
}

interface SpanCommon {
  readonly kinds: typeof SpanKind;
  readonly codes: typeof SpanStatusCode;
  readonly resource: ReadableSpan['resource'];
}

const SCOPE = { name: 'signalbox' };

function toReadableSpan(
  { traceId, spanId, parentSpanId, name, kind, startMs, endMs, isError, attributes }: SpanFacts,
  { kinds, codes, resource }: SpanCommon,
): ReadableSpan {
  return {
    name,
    kind: kind === 'server' ? kinds.SERVER : kinds.CLIENT,
    spanContext: () => ({ traceId, spanId, traceFlags: 1 }),
    ...(parentSpanId === undefined
      ? {}
      : { parentSpanContext: { traceId, spanId: parentSpanId, traceFlags: 1, isRemote: kind === 'server' } }),
    startTime: toHrTime(startMs),
    endTime: toHrTime(endMs),
    duration: toHrTime(endMs - startMs),
    status: { code: isError ? codes.ERROR : codes.UNSET },
    attributes,
    links: [],
    events: [],
    ended: true,
    resource,
    instrumentationScope: SCOPE,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

function toPrometheus({ name, help, type, points }: MetricFamily) {
  const values = points.flatMap<object>((point) => {
    if ('value' in point) return [point];
    const { labels, times } = point;
    return [
      ...cumulate(times).map(({ bound, count }) => ({
        metricName: `${name}_bucket`,
        labels: { ...labels, le: bound === Number.POSITIVE_INFINITY ? '+Inf' : bound },
        value: count,
      })),
      { metricName: `${name}_sum`, labels, value: times.sumSeconds },
      { metricName: `${name}_count`, labels, value: times.count },
    ];
  });
  return Promise.resolve({ name, help, type, values, aggregator: 'sum' });
}

function createMetricData(
  { DataPointType, AggregationTemporality }: typeof SdkMetrics,
  startTime: [number, number],
): (family: MetricFamily) => SdkMetrics.MetricData {
  return ({ name, help, type, points }) => {
    const endTime = toHrTime(Date.now());
    const unit = name.includes('seconds') ? 's' : name.includes('bytes') ? 'By' : '1';
    const descriptor = { name, description: help, unit, valueType: 1 };
    const base = { descriptor, aggregationTemporality: AggregationTemporality.CUMULATIVE };
    const values = points.flatMap((point) =>
      'value' in point ? [{ startTime, endTime, attributes: point.labels, value: point.value }] : [],
    );
    if (type === 'gauge') return { ...base, dataPointType: DataPointType.GAUGE, dataPoints: values };
    if (type === 'counter') return { ...base, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints: values };
    const dataPoints = points.flatMap((point) =>
      'value' in point
        ? []
        : [
            {
              startTime,
              endTime,
              attributes: point.labels,
              value: {
                buckets: { boundaries: [...BOUNDS], counts: [...point.times.buckets] },
                count: point.times.count,
                sum: point.times.sumSeconds,
              },
            },
          ],
    );
    return { ...base, dataPointType: DataPointType.HISTOGRAM, dataPoints };
  };
}

function toHrTime(ms: number): [number, number] {
  const seconds = Math.floor(ms / 1_000);
  return [seconds, Math.round((ms - seconds * 1_000) * 1e6)];
}

// The address of a collector may name the place of one kind of data already.
function pathOf(url: string, path: string): string {
  return new URL(url).pathname.endsWith(path) ? url : `${url.replace(/\/$/, '')}/${path}`;
}
