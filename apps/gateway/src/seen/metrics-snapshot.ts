import type { ProcessReading } from '@signalbox/control-plane';
import { sumCounts, type CountsSnapshot } from './call-counts.ts';

/** What one process has to say for the metrics of all, in a form that can be told to another. */
export interface MetricsSnapshot {
  readonly counts: CountsSnapshot;
  readonly process: ProcessReading;
  readonly audit: { readonly lost: number; readonly queued: number; readonly isKept: boolean } | undefined;
  readonly traces: { readonly exported: number; readonly dropped: number } | undefined;
}

/** A snapshot of a worker, by its number from 1. */
export interface WorkerSnapshot {
  readonly worker: number;
  readonly snapshot: MetricsSnapshot;
}

/** The metrics of all workers, for the one that answers for all. What a worker counted stays counted when it ends. */
export class JointMetrics {
  readonly #living = new Map<string, WorkerSnapshot>();
  #gone: CountsSnapshot = { calls: [], errors: [], times: [] };

  take(name: string, told: WorkerSnapshot): void {
    this.#living.set(name, told);
  }

  /** Forgets the workers that are not among these, but not what they counted. */
  keep(names: ReadonlySet<string>): void {
    for (const [name, { snapshot }] of this.#living) {
      if (names.has(name)) continue;
      this.#gone = sumCounts([this.#gone, snapshot.counts]);
      this.#living.delete(name);
    }
  }

  /** Snapshots of the others that live. */
  get others(): readonly WorkerSnapshot[] {
    return [...this.#living.values()];
  }

  /** What was counted by all, `own` included. */
  sum(own: CountsSnapshot): CountsSnapshot {
    return sumCounts([own, this.#gone, ...this.others.map(({ snapshot }) => snapshot.counts)]);
  }
}
