import type { LatencyReading } from '@signalbox/control-plane';

/** No percentile is further from the truth than this, as a share of it. */
const ERROR = 0.015;
const GAMMA = (1 + ERROR) / (1 - ERROR);
const LOG_GAMMA = Math.log(GAMMA);
const MIN_MS = 0.001;
const MAX_MS = 10_000_000;
const BUCKETS = Math.ceil(Math.log(MAX_MS / MIN_MS) / LOG_GAMMA) + 1;
/** How much of the past is told of: so many slices, each as long as the time between two calls of `turn`. */
const SLICES = 5;

/** What a sketch holds, in a form that can be told to another process. */
export interface LatencyCounts {
  readonly counts: Uint32Array;
  readonly count: number;
  readonly maxMs: number;
}

interface Slice {
  readonly counts: Uint32Array;
  count: number;
  maxMs: number;
}

/** How long something took lately, in buckets that grow with what they hold. The memory it takes does not depend on how much it is told. */
export class LatencySketch {
  readonly #slices: Slice[] = [createSlice()];

  get isEmpty(): boolean {
    return this.#slices.every(({ count }) => count === 0);
  }

  add(ms: number): void {
    const slice = this.#slices[0]!;
    slice.counts[bucketOf(ms)]!++;
    slice.count++;
    if (ms > slice.maxMs) slice.maxMs = ms;
  }

  /** Begins a new slice and forgets the oldest one. */
  turn(): void {
    const oldest = this.#slices.length === SLICES ? this.#slices.pop()! : createSlice();
    oldest.counts.fill(0);
    oldest.count = 0;
    oldest.maxMs = 0;
    this.#slices.unshift(oldest);
  }

  /** What it holds. */
  total(): LatencyCounts {
    return sumLatencies(this.#slices);
  }
}

/** What several hold together, exactly as if all had gone into one. */
export function sumLatencies(all: Iterable<LatencyCounts>): LatencyCounts {
  const counts = new Uint32Array(BUCKETS);
  let count = 0;
  let maxMs = 0;
  for (const each of all) {
    if (each.count === 0) continue;
    for (let bucket = 0; bucket < BUCKETS; bucket++) counts[bucket]! += each.counts[bucket]!;
    count += each.count;
    maxMs = Math.max(maxMs, each.maxMs);
  }
  return { counts, count, maxMs };
}

export function readLatencies({ counts, count, maxMs }: LatencyCounts): LatencyReading {
  const at = (share: number): number => (count === 0 ? 0 : Math.min(maxMs, valueAt(counts, Math.ceil(share * count))));
  return { count, p50Ms: at(0.5), p90Ms: at(0.9), p99Ms: at(0.99), maxMs };
}

function createSlice(): Slice {
  return { counts: new Uint32Array(BUCKETS), count: 0, maxMs: 0 };
}

function bucketOf(ms: number): number {
  return ms <= MIN_MS ? 0 : Math.min(BUCKETS - 1, Math.ceil(Math.log(ms / MIN_MS) / LOG_GAMMA));
}

function valueAt(counts: Uint32Array, rank: number): number {
  let seen = 0;
  let bucket = 0;
  while (bucket < BUCKETS - 1 && (seen += counts[bucket]!) < rank) bucket++;
  return bucket === 0 ? MIN_MS : (2 * MIN_MS * GAMMA ** bucket) / (GAMMA + 1);
}
