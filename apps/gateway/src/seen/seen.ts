import type { AuditPart, CachePart } from '@signalbox/control-plane';
import {
  GatewayError,
  kindOf,
  resolveSecret,
  toMessage,
  type Clock,
  type GatewayConfig,
  type Implementation,
  type Journal,
  type Logger,
  type State,
  type Status,
  type Store,
} from '@signalbox/core';
import { createAudit, type Audit } from '@signalbox/security';
import type { Route } from '../admin.ts';
import { createCallCounts } from './call-counts.ts';
import { createCallLog } from './call-log.ts';
import { createHealth, type Health } from './health.ts';
import { createJournal, type RecordReader } from './journal.ts';
import { toMetricFamilies, type MetricFamily } from './metric-families.ts';
import { createMetricsRoute } from './metrics-route.ts';
import type { JointMetrics, MetricsSnapshot } from './metrics-snapshot.ts';
import { createMonitor, type Monitor } from './monitor.ts';
import type { NetworkTransport } from './spans.ts';
import { resourceOf } from './collector.ts';
import { createSpanEncoder } from './span-encoder.ts';
import { createSpanSender } from './span-sender.ts';
import { createTraceExport, type TraceExport } from './trace-export.ts';

export interface SeenOptions {
  readonly config: GatewayConfig;
  readonly state: State;
  /** Where the audit rests; keeps `audit-payloads` sealed. */
  readonly store: Store;
  /** Remembers the newest calls. */
  readonly recent: Pick<Journal, 'write'>;
  readonly status: () => Status;
  readonly cache?: CachePart | undefined;
  /** What else reads records. */
  readonly more?: readonly RecordReader[];
  /** Which gateway this is, and which of its processes, from 0. */
  readonly writer: { readonly instance: string; readonly slot: number };
  /** What other processes count, where this one answers for them. */
  readonly others: JointMetrics | undefined;
  readonly info: Implementation;
  /** Where references to secrets are looked up. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Everything that reads what the gateway records of itself. Whoever created it closes it. */
export interface Seen {
  readonly journal: Journal;
  /** Absent while no audit is kept. */
  readonly audit: AuditPart | undefined;
  readonly monitor: Monitor;
  readonly health: Health;
  /** Share of calls traced whose caller has not decided; `undefined` to trace none. */
  readonly sampleRatio: number | undefined;
  /** What this process has to say for the metrics of all. */
  measure(): MetricsSnapshot;
  /**
   * Metrics in front of `next`.
   * @param token Of the listener, which a scrape must carry unless metrics have one of their own.
   * @throws GatewayError `INVALID_CONFIG` when the token for metrics is missing.
   */
  route(token: string | undefined, next: Route): Route;
  close(): Promise<void>;
}

/** A store that forgets with its process need not remember for long. */
const MAX_RECORDS_IN_MEMORY = 10_000;
const CLOSE_MS = 2_000;

export function createSeen(options: SeenOptions): Seen {
  const { config, status, writer, others, info, clock, logger } = options;
  const startedAtMs = clock.now();
  const audit = config.audit.enabled ? openAudit(options) : undefined;
  const monitor = createMonitor();
  const counts = createCallCounts();
  const health = createHealth({
    obstacles: () => {
      if (!config.audit.required || audit === undefined) return [];
      return audit.obstacle === undefined && options.store.health().state === 'ok' ? [] : ['audit unavailable'];
    },
  });
  const traces = openTraces(options, () => health.isListening);
  const readers: RecordReader[] = [{ name: 'recent calls', write: (record) => void options.recent.write(record) }, counts, monitor];
  if (traces !== undefined) readers.push(traces);
  if (config.log.calls) readers.push(createCallLog(logger));
  readers.push(...(options.more ?? []));

  const measure = (): MetricsSnapshot => ({
    counts: counts.snapshot(),
    process: monitor.read(),
    audit: audit && { lost: audit.lost, queued: audit.queued, isKept: audit.obstacle === undefined },
    traces: traces && { exported: traces.exported, dropped: traces.dropped },
  });
  const families = async (): Promise<readonly MetricFamily[]> => {
    const own = measure();
    return toMetricFamilies({
      counts: others?.sum(own.counts) ?? own.counts,
      workers: [{ worker: writer.slot + 1, snapshot: own }, ...(others?.others ?? [])],
      status: status(),
      cache: await options.cache?.read(),
      version: info.version,
      startedAtMs,
    });
  };
  // With several workers the first one speaks for all.
  const metrics = writer.slot === 0 ? openMetrics(options, families) : undefined;
  return {
    journal: createJournal({ readers, audit, logger }),
    audit,
    monitor,
    health,
    sampleRatio: config.telemetry.traces?.sampleRatio,
    measure,
    route: (listenToken, next) => {
      const { enabled, token: reference } = config.telemetry.prometheus;
      if (!enabled) return next;
      const token = reference === undefined ? listenToken : options.environment[reference.env];
      if (reference !== undefined && !token)
        throw new GatewayError(
          'INVALID_CONFIG',
          `Cannot serve metrics: their token is to come from environment variable "${reference.env}", which is not set`,
        );
      const route = createMetricsRoute({ families, token, logger });
      return (request, response) => route(request, response) || next(request, response);
    },
    close: async () => {
      monitor.close();
      await Promise.all([audit?.close(), traces?.close(CLOSE_MS), metrics?.close()]);
    },
  };
}

function openAudit({ store, writer, config, clock, logger }: SeenOptions): Audit {
  return createAudit({
    store,
    writer,
    config: config.audit,
    clock,
    logger,
    ...(store.kind === 'memory' && { maxRecords: MAX_RECORDS_IN_MEMORY }),
  });
}

function openTraces({ config, state, clock, logger, ...options }: SeenOptions, isListening: () => boolean): TraceExport | undefined {
  const { traces } = config.telemetry;
  if (traces === undefined) return undefined;
  const upstreamTransport = (name: string): NetworkTransport => {
    const upstream = state.current.upstreams.get(name);
    const kind = upstream === undefined ? 'module' : kindOf(upstream.config);
    return kind === 'module' ? undefined : kind === 'stdio' ? 'pipe' : 'tcp';
  };
  const collector = toCollector(traces, options);
  const encoder = createSpanEncoder(resourceOf(collector.resource), {
    clientTransport: () => (isListening() ? 'tcp' : 'pipe'),
    upstreamTransport,
  });
  return createTraceExport({ encoder, sender: createSpanSender(collector), clock, logger });
}

function openMetrics(
  { config, logger, clock, ...options }: SeenOptions,
  families: () => Promise<readonly MetricFamily[]>,
): { close(): Promise<void> } | undefined {
  const { metrics } = config.telemetry;
  if (metrics === undefined) return undefined;
  let isTold = false;
  const onFailure = (error: unknown): void => {
    if (!isTold) logger.warn('metrics could not be exported; later failures are not logged', { error: toMessage(error) });
    isTold = true;
  };
  const open = async () => {
    const { createMetricExport } = await import('../telemetry.ts');
    return createMetricExport({ ...toCollector(metrics, options), intervalMs: metrics.intervalSeconds * 1_000, families, onFailure });
  };
  const opening = open();
  opening.catch(onFailure);
  return {
    close: () => {
      const isLate = new Promise<void>((resolve) => void clock.after(CLOSE_MS, resolve));
      return Promise.race([opening.then((opened) => opened.close()).catch(() => undefined), isLate]);
    },
  };
}

type Collector = NonNullable<GatewayConfig['telemetry']['traces'] | GatewayConfig['telemetry']['metrics']>;

function toCollector({ url, headers }: Collector, { environment, info, writer }: Pick<SeenOptions, 'environment' | 'info' | 'writer'>) {
  return {
    url,
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, resolveSecret(value, environment)])),
    resource: { version: info.version, instance: `${writer.instance}.${writer.slot}` },
  };
}
