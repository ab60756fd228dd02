import type { MessagePort } from 'node:worker_threads';
import type { ErrorCode } from '@signalbox/core';
import type { SimilarityModel } from '../cache-advice/similarity-model.ts';
import type { ModelState } from '../model.ts';
import type { FailureRisks } from '../outcomes/failure-runs.ts';
import type { ArmCounts } from '../outcomes/order-arms.ts';
import type { UsedTool } from '../outcomes/tool-usage.ts';
import type { Repair } from '../repair/repair-model.ts';
import type { Anomaly } from '../behaviour/anomaly.ts';
import type { ModelOptions } from './all-models.ts';
import type { CallPlansByContext } from '../sequences/call-plans.ts';
import type { PredictionCounts } from '../sequences/prediction-tally.ts';
import type { ToldNext } from './next-steps.ts';
import type { ExperimentInForce } from '../experiments/experiment-book.ts';

/** What a learner's thread is started with. */
export interface ThreadData {
  /** Where facts come from. */
  readonly ring: SharedArrayBuffer;
  /** A word that the thread raises as long as it gets on, and one with the system's number of it. */
  readonly beat: SharedArrayBuffer;
  readonly store: MessagePort;
  /** This gateway, where others share the store. */
  readonly scope: string | undefined;
  readonly maxFacts: number;
  readonly commitMs: number;
  /** Most of one core that it takes, from 0 to 1. */
  readonly maxCpuShare: number;
  readonly models: ModelOptions;
  /** Whether it says when what is abnormal is seen again. */
  readonly tellsAgain: boolean;
}

/** What the path may go by; it never changes. */
export interface AdviceSnapshots {
  /** Shared memory, see `openSearchSnapshot`. */
  readonly search: SharedArrayBuffer;
  readonly tools: ToolAdvice;
  readonly experiments: readonly ExperimentInForce[];
  /** Which differences between arguments leave results as they are; absent before it was said. */
  readonly similarity: Pick<SimilarityModel, 'judge' | 'save'> | undefined;
}

/** What is known of tools, each with its upstream and version. */
export interface ToolAdvice {
  /** By tool and by the code of the error. */
  readonly repairs: ReadonlyMap<string, ReadonlyMap<string, readonly Repair[]>>;
  /** How long a wait is worth it, in milliseconds. */
  readonly timeouts: ReadonlyMap<string, number>;
  /** By upstream and tool, how it has fared of late. */
  readonly arms: ReadonlyMap<string, ArmCounts>;
  /** By tool, the upstream that most sessions go on to. */
  readonly upstreamsAfter: ReadonlyMap<string, string>;
  /** The calls that are likely enough to be made before they are asked for, by `contextOf` those before. */
  readonly plans: CallPlansByContext;
  /** How likely upstreams fail again. */
  readonly risks: FailureRisks;
  /** Most used first. */
  readonly usage: readonly UsedTool[];
}

/** What the thread is asked. */
export interface Question {
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
}

export type ThreadMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'tools'; readonly tools: ToolAdvice }
  | { readonly kind: 'similarity'; readonly state: ModelState }
  | {
      readonly kind: 'advice';
      readonly version: number;
      readonly search: AdviceSnapshots['search'];
      readonly experiments: AdviceSnapshots['experiments'];
    }
  /** Of sessions that have just called. */
  | { readonly kind: 'next'; readonly told: readonly ToldNext[] }
  /** Something abnormal that was not told before. */
  | { readonly kind: 'anomaly'; readonly anomaly: Anomaly }
  /** Something abnormal that was told before and has been seen again. */
  | { readonly kind: 'anomaly-again'; readonly anomaly: Anomaly }
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
  /** Others whose counts are added up with its own. */
  readonly others: number;
  readonly nextTool: PredictionCounts;
  readonly models: readonly { readonly name: string; readonly rows: number; readonly bytes: number }[];
}
