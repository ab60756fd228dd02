import type { Record as CallRecord } from '@signalbox/core';
import type { RecordReader } from './journal.ts';

/** Upper bounds of the buckets of times, in seconds. */
export const BOUNDS: readonly number[] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];

/** How often something took how long. */
export interface Times {
  /** One for each bound, and one for what is above all. */
  readonly buckets: number[];
  count: number;
  sumSeconds: number;
}

/** What is counted of the calls of one method and upstream. */
export interface CallTimes {
  readonly total: Times;
  readonly upstream: Times;
  readonly queued: Times;
  paramsBytes: number;
  resultBytes: number;
}

/** Counts since the start of a process, in a form that can be told to another. */
export interface CountsSnapshot {
  readonly calls: readonly (readonly [labels: string, count: number])[];
  readonly errors: readonly (readonly [labels: string, count: number])[];
  readonly times: readonly (readonly [labels: string, times: CallTimes])[];
}

export interface CallCounts extends RecordReader {
  snapshot(): CountsSnapshot;
}

/** Methods a client can name at will are one to us. */
const METHODS: ReadonlySet<string> = new Set([
  'tools/call',
  'prompts/get',
  'resources/read',
  'completion/complete',
  'tasks/get',
  'tasks/update',
  'tasks/result',
  'tasks/cancel',
]);
/** Tools that are counted by name; more are one. */
const MAX_TOOLS = 300;
const OTHER = 'other';

// Labels are one text, so that a look-up is one hash. Names of tools may hold anything, so they stand at the end.
const BETWEEN = '\n';

/** Counts calls: by method, upstream, tool, status and whether a cache answered. Only what is bounded becomes a label. */
export function createCallCounts(): CallCounts {
  const calls = new Map<string, { count: number }>();
  const errors = new Map<string, { count: number }>();
  const times = new Map<string, CallTimes>();
  const tools = new Set<string>();
  const toolOf = ({ method, upstream, upstreamName }: CallRecord): string => {
    if (method !== 'tools/call' || upstreamName === undefined) return '';
    const tool = `${upstream ?? ''}${BETWEEN}${upstreamName}`;
    if (tools.has(tool)) return upstreamName;
    if (tools.size >= MAX_TOOLS) return OTHER;
    tools.add(tool);
    return upstreamName;
  };
  return {
    name: 'metrics',
    write: (record) => {
      const method = METHODS.has(record.method) ? record.method : OTHER;
      const upstream = record.upstream ?? '';
      const place = `${method}${BETWEEN}${upstream}`;
      increment(calls, `${place}${BETWEEN}${record.status}${BETWEEN}${record.cached}${BETWEEN}${toolOf(record)}`);
      if (record.error !== undefined) increment(errors, `${upstream}${BETWEEN}${record.status === 'rpc-error' ? 'RPC' : record.error}`);
      let row = times.get(place);
      if (row === undefined) times.set(place, (row = createCallTimes()));
      addTime(row.total, record.durationMs / 1_000);
      if (record.sentAfterMs !== undefined) {
        addTime(row.upstream, record.upstreamMs / 1_000);
        addTime(row.queued, record.queuedMs / 1_000);
      }
      row.paramsBytes += record.paramsBytes ?? 0;
      row.resultBytes += record.resultBytes ?? 0;
    },
    snapshot: () => ({
      calls: [...calls].map(([labels, { count }]) => [labels, count]),
      errors: [...errors].map(([labels, { count }]) => [labels, count]),
      times: [...times],
    }),
  };
}

/** The counts of several processes together. */
export function sumCounts(snapshots: readonly CountsSnapshot[]): CountsSnapshot {
  const calls = new Map<string, number>();
  const errors = new Map<string, number>();
  const times = new Map<string, CallTimes>();
  for (const snapshot of snapshots) {
    for (const [labels, count] of snapshot.calls) calls.set(labels, (calls.get(labels) ?? 0) + count);
    for (const [labels, count] of snapshot.errors) errors.set(labels, (errors.get(labels) ?? 0) + count);
    for (const [labels, row] of snapshot.times) {
      const sum = times.get(labels) ?? createCallTimes();
      times.set(labels, sum);
      for (const part of ['total', 'upstream', 'queued'] as const) sumTimes(sum[part], row[part]);
      sum.paramsBytes += row.paramsBytes;
      sum.resultBytes += row.resultBytes;
    }
  }
  return { calls: [...calls], errors: [...errors], times: [...times] };
}

/** The values of labels that were written as one text. The last one may hold what stands between the others. */
export function splitLabels(text: string, count: number): string[] {
  const parts = text.split(BETWEEN);
  return [...parts.slice(0, count - 1), parts.slice(count - 1).join(BETWEEN)];
}

function increment(counts: Map<string, { count: number }>, labels: string): void {
  const cell = counts.get(labels);
  if (cell === undefined) counts.set(labels, { count: 1 });
  else cell.count++;
}

function createCallTimes(): CallTimes {
  return { total: createTimes(), upstream: createTimes(), queued: createTimes(), paramsBytes: 0, resultBytes: 0 };
}

function createTimes(): Times {
  return { buckets: Array.from({ length: BOUNDS.length + 1 }, () => 0), count: 0, sumSeconds: 0 };
}

function addTime(times: Times, seconds: number): void {
  let bucket = 0;
  while (bucket < BOUNDS.length && seconds > BOUNDS[bucket]!) bucket++;
  times.buckets[bucket]!++;
  times.count++;
  times.sumSeconds += seconds;
}

function sumTimes(sum: Times, { buckets, count, sumSeconds }: Times): void {
  for (let bucket = 0; bucket < buckets.length; bucket++) sum.buckets[bucket]! += buckets[bucket]!;
  sum.count += count;
  sum.sumSeconds += sumSeconds;
}
