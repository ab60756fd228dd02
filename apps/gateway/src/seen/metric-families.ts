import type { CachePart } from '@signalbox/control-plane';
import { UPSTREAM_STATES, type Status } from '@signalbox/core';
import { BOUNDS, splitLabels, type CallTimes, type CountsSnapshot, type Times } from './call-counts.ts';
import type { WorkerSnapshot } from './metrics-snapshot.ts';

export type Labels = Readonly<Record<string, string>>;

export type MetricPoint = { readonly labels: Labels; readonly value: number } | { readonly labels: Labels; readonly times: Times };

/** A metric with all its values, whoever it is written for. */
export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly points: readonly MetricPoint[];
}

export interface MetricSources {
  /** Of all workers together. */
  readonly counts: CountsSnapshot;
  /** Of each process that serves. */
  readonly workers: readonly WorkerSnapshot[];
  readonly status: Status;
  readonly cache: Awaited<ReturnType<CachePart['read']>> | undefined;
  readonly version: string;
  /** Wall clock, milliseconds since 1970. */
  readonly startedAtMs: number;
}

/** Everything there is to measure. */
export function toMetricFamilies(sources: MetricSources): MetricFamily[] {
  return [
    ...ofGateway(sources),
    ...ofCalls(sources.counts),
    ...ofUpstreams(sources.status),
    ...ofWorkers(sources.workers),
    ...ofCache(sources.cache),
  ];
}

function ofGateway({ status, version, startedAtMs }: MetricSources): MetricFamily[] {
  const { open, streams } = status.sessions();
  return [
    gauge('info', 'The gateway that answers.', [{ labels: { version }, value: 1 }]),
    gauge('start_time_seconds', 'When it started, in seconds since 1970.', [{ labels: {}, value: startedAtMs / 1_000 }]),
    gauge('sessions', 'Open sessions of clients.', [{ labels: {}, value: open }]),
    gauge('streams', 'Open streams of notifications.', [{ labels: {}, value: streams }]),
  ];
}

function ofCalls({ calls, errors, times }: CountsSnapshot): MetricFamily[] {
  const rows = times.map(([text, row]) => {
    const [method, upstream] = splitLabels(text, 2);
    return { labels: { method: method!, upstream: upstream! }, row };
  });
  const timesOf = (part: 'total' | 'upstream' | 'queued') =>
    rows.filter(({ row }) => row[part].count > 0).map(({ labels, row }) => ({ labels, times: row[part] }));
  const sumOf = (part: keyof Pick<CallTimes, 'paramsBytes' | 'resultBytes'>) =>
    rows.map(({ labels, row }) => ({ labels, value: row[part] }));
  return [
    counter(
      'calls_total',
      'Calls that have ended.',
      calls.map(([text, value]) => {
        const [method, upstream, status, cached, tool] = splitLabels(text, 5);
        return { labels: { method: method!, upstream: upstream!, tool: tool!, status: status!, cached: cached! }, value };
      }),
    ),
    counter(
      'call_errors_total',
      'Calls that ended with an error of the gateway, by its code, or of the upstream (RPC).',
      errors.map(([text, value]) => {
        const [upstream, code] = splitLabels(text, 2);
        return { labels: { upstream: upstream!, code: code! }, value };
      }),
    ),
    histogram('call_duration_seconds', 'From the beginning of a call to its end.', timesOf('total')),
    histogram('upstream_duration_seconds', 'Of a call, spent in the upstream and waiting for its connection.', timesOf('upstream')),
    histogram('queue_duration_seconds', 'Of a call, spent waiting for a slot.', timesOf('queued')),
    counter('params_bytes_total', 'Params of calls as they arrived, where their size is known.', sumOf('paramsBytes')),
    counter('result_bytes_total', 'Results that were held whole, where their size is known.', sumOf('resultBytes')),
  ];
}

function ofUpstreams(status: Status): MetricFamily[] {
  const upstreams = status.upstreams();
  const each = (value: (upstream: (typeof upstreams)[number]) => number) =>
    upstreams.map((upstream) => ({ labels: { upstream: upstream.name }, value: value(upstream) }));
  return [
    gauge(
      'calls_in_flight',
      'Calls an upstream is working on.',
      each(({ inFlight }) => inFlight),
    ),
    gauge(
      'calls_queued',
      'Calls that wait for a slot of an upstream.',
      each(({ queued }) => queued),
    ),
    gauge(
      'isolated_connections',
      'Connections of single clients beside the shared one.',
      each(({ isolated }) => isolated),
    ),
    counter(
      'connections_opened_ahead_total',
      'Connections of single clients that were opened before a call needed them.',
      each(({ openedAhead }) => openedAhead),
    ),
    counter(
      'connections_used_ahead_total',
      'Of these, those that a call has used.',
      each(({ usedAhead }) => usedAhead),
    ),
    counter(
      'upstream_starts_total',
      'Times an upstream was started.',
      each(({ starts }) => starts),
    ),
    gauge(
      'upstream_state',
      'The state an upstream is in is 1, the others are 0.',
      upstreams.flatMap(({ name, state }) =>
        UPSTREAM_STATES.map((each) => ({ labels: { upstream: name, state: each }, value: Number(each === state) })),
      ),
    ),
    gauge(
      'breaker_open',
      'Whether calls are refused because the last ones failed; 0.5 while one is tried.',
      each(({ breaker }) => BREAKER[breaker]),
    ),
  ];
}

const BREAKER = { closed: 0, 'half-open': 0.5, open: 1 } as const;

function ofWorkers(workers: readonly WorkerSnapshot[]): MetricFamily[] {
  const each = (value: (snapshot: WorkerSnapshot['snapshot']) => number | undefined) =>
    workers.flatMap(({ worker, snapshot }) => {
      const found = value(snapshot);
      return found === undefined ? [] : [{ labels: { worker: String(worker) }, value: found }];
    });
  const named = (label: string, values: Readonly<Record<string, (snapshot: WorkerSnapshot['snapshot']) => number>>) =>
    Object.entries(values).flatMap(([name, value]) =>
      each(value).map((point) => ({ ...point, labels: { ...point.labels, [label]: name } })),
    );
  const seconds = (ms: number): number => ms / 1_000;
  return [
    counter(
      'process_cpu_seconds_total',
      'Processor time.',
      named('mode', { user: (of) => of.process.cpu.userSeconds, system: (of) => of.process.cpu.systemSeconds }),
    ),
    gauge(
      'process_memory_bytes',
      'Memory: resident, of the heap that is used and that is reserved, and outside of it.',
      named('kind', {
        resident: (of) => of.process.memory.rssBytes,
        heap_used: (of) => of.process.memory.heapUsedBytes,
        heap_total: (of) => of.process.memory.heapTotalBytes,
        external: (of) => of.process.memory.externalBytes,
      }),
    ),
    gauge(
      'event_loop_delay_seconds',
      'How late the event loop was within the last minute.',
      named('quantile', {
        '0.5': (of) => seconds(of.process.eventLoop.delayP50Ms),
        '0.99': (of) => seconds(of.process.eventLoop.delayP99Ms),
        '1': (of) => seconds(of.process.eventLoop.delayMaxMs),
      }),
    ),
    gauge(
      'event_loop_utilization',
      'Share of the last minute in which the event loop was busy.',
      each((of) => of.process.eventLoop.utilization),
    ),
    counter(
      'gc_runs_total',
      'Runs of the garbage collector.',
      each((of) => of.process.gc.count),
    ),
    counter(
      'gc_seconds_total',
      'Time spent in them.',
      each((of) => seconds(of.process.gc.totalMs)),
    ),
    gauge(
      'audit_up',
      'Whether records can be kept in the audit.',
      each((of) => of.audit && Number(of.audit.isKept)),
    ),
    gauge(
      'audit_queued',
      'Records that wait to be written to the audit.',
      each((of) => of.audit?.queued),
    ),
    counter(
      'audit_lost_total',
      'Records the audit could not keep.',
      each((of) => of.audit?.lost),
    ),
    counter(
      'trace_spans_exported_total',
      'Spans a collector has taken.',
      each((of) => of.traces?.exported),
    ),
    counter(
      'trace_spans_dropped_total',
      'Spans no collector took in time.',
      each((of) => of.traces?.dropped),
    ),
  ];
}

function ofCache(cache: MetricSources['cache']): MetricFamily[] {
  if (cache === undefined) return [];
  const each = (member: 'entries' | 'bytes' | 'hits' | 'misses') =>
    cache.tiers.map((tier) => ({ labels: { tier: tier.tier }, value: tier[member] }));
  const { similar, ahead } = cache;
  const one = (value: number) => [{ labels: {}, value }];
  return [
    gauge('cache_entries', 'Answers in a tier of the cache.', each('entries')),
    gauge('cache_bytes', 'Size of the answers in a tier of the cache.', each('bytes')),
    counter('cache_hits_total', 'Answers found in a tier of the cache.', each('hits')),
    counter('cache_misses_total', 'Answers looked for in a tier of the cache and not found.', each('misses')),
    counter('cache_stale_hits_total', 'Answers that were given although they had become old.', [{ labels: {}, value: cache.staleHits }]),
    counter('cache_saved_seconds_total', 'Time that callers did not wait.', [{ labels: {}, value: cache.savedMs / 1_000 }]),
    counter('cache_similar_hits_total', 'Calls that were answered with the result of a similar one.', one(similar.hits)),
    counter('cache_similar_checked_total', 'Calls that would have been, and were made to check it.', one(similar.checked)),
    counter('cache_similar_wrong_total', 'Among those that were checked, the ones that would have been wrong.', one(similar.wrong)),
    counter('cache_similar_compared_total', 'Calls compared with a similar one, to learn from it.', one(similar.compared)),
    gauge('cache_similar_wrong_bound', 'Greatest bound on the share of wrong answers that one was given with.', one(similar.bound)),
    counter('cache_ahead_made_total', 'Calls that nobody had asked for, made to have their answers at hand.', one(ahead.made)),
    counter('cache_ahead_used_total', 'Among those, the ones that somebody asked for then.', one(ahead.used)),
  ];
}

function counter(name: string, help: string, points: readonly MetricPoint[]): MetricFamily {
  return { name: `signalbox_${name}`, help, type: 'counter', points };
}

function gauge(name: string, help: string, points: readonly MetricPoint[]): MetricFamily {
  return { name: `signalbox_${name}`, help, type: 'gauge', points };
}

function histogram(name: string, help: string, points: readonly { readonly labels: Labels; readonly times: Times }[]): MetricFamily {
  return { name: `signalbox_${name}`, help, type: 'histogram', points };
}

/** The buckets of a histogram as Prometheus counts them: each one holds those below it. */
export function cumulate({ buckets }: Times): readonly { readonly bound: number; readonly count: number }[] {
  let count = 0;
  return buckets.map((each, index) => ({ bound: BOUNDS[index] ?? Number.POSITIVE_INFINITY, count: (count += each) }));
}
