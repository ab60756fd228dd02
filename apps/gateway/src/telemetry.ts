import type * as SdkMetrics from '@opentelemetry/sdk-metrics';
import { BOUNDS } from './seen/call-counts.ts';
import { cumulate, type MetricFamily } from './seen/metric-families.ts';
import { EXPORT_MS, addressOf, resourceOf, type CollectorOptions, type Resource } from './seen/collector.ts';

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
    url: addressOf(collector.url, 'v1/metrics'),
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

async function createResource(resource: Resource) {
  const { resourceFromAttributes } = await import('@opentelemetry/resources');
  return resourceFromAttributes(resourceOf(resource));
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
