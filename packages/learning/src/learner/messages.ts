import type { MessagePort } from 'node:worker_threads';
import type { ErrorCode } from '@signalbox/core';
import type { ExperimentInForce } from '../experiments/experiment-book.ts';

/** What a learner's thread is started with. */
export interface ThreadData {
  /** Where facts come from. */
  readonly ring: SharedArrayBuffer;
  /** A word that the thread raises as long as it gets on. */
  readonly beat: SharedArrayBuffer;
  readonly store: MessagePort;
  readonly maxFacts: number;
  readonly commitMs: number;
  /** Most of one core that it takes, from 0 to 1. */
  readonly maxCpuShare: number;
}

/** What the path may go by: memory that is shared and never changes, and what is on trial. */
export interface AdviceSnapshots {
  readonly search: SharedArrayBuffer;
  readonly experiments: readonly ExperimentInForce[];
}

/** What the thread is asked. */
export interface Question {
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
}

export type ThreadMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'advice'; readonly version: number; readonly snapshots: AdviceSnapshots }
  | { readonly kind: 'reply'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'refusal'; readonly id: number; readonly code: ErrorCode; readonly message: string }
  /** Something failed that will be tried again. */
  | { readonly kind: 'trouble'; readonly message: string };

/** What the thread says of itself. */
export interface LearnerReading {
  readonly isFrozen: boolean;
  readonly learned: number;
  readonly kept: number;
  readonly head: string | undefined;
  readonly cpuSeconds: number;
  readonly models: readonly { readonly name: string; readonly rows: number; readonly bytes: number }[];
}
