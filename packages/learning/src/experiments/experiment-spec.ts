import type { MetricName } from './experiment-model.ts';
import type { Guard, Rollout, RolloutPolicy, RolloutStage } from './rollout.ts';

/** What is tried in place of what there is: the learned ranking, another number of tools shown, another description of a tool. */
export type Candidate =
  | { readonly kind: 'ranking' }
  | { readonly kind: 'limit'; readonly limit: number }
  | { readonly kind: 'description'; readonly upstream: string; readonly tool: string; readonly description: string };

export interface ExperimentSpec {
  readonly name: string;
  readonly candidate: Candidate;
  /** Of sessions in the canary that get the candidate. */
  readonly share: number;
  /** Chance of ever promoting what is no better. */
  readonly alpha: number;
  /** Sessions in an arm after which nobody means to go on. */
  readonly horizon: number;
  readonly minStageMs: number;
  readonly guards: readonly GuardSpec[];
  /** What it is to improve. Default `success`. */
  readonly goal?: GoalMetric;
}

/** An experiment that was started. */
export interface Experiment {
  readonly spec: ExperimentSpec;
  readonly startedAtMs: number;
  readonly rollout: Rollout;
}

export interface GuardSpec {
  readonly metric: 'repeated' | 'failed' | 'slow' | 'kilobytes';
  readonly margin: number;
}

/** What a candidate can be to improve: the share of searches that led to something, or that of calls that failed. */
export type GoalMetric = 'success' | 'failed';

/** How much worse its places may be than the control's before anything of it is shown. */
const SHADOW_MARGIN = 0.1;
const MORE: ReadonlySet<string> = new Set<MetricName>(['success', 'place']);

export function betterOf(metric: string): 'more' | 'less' {
  return MORE.has(metric) ? 'more' : 'less';
}

/** By what its next step is decided: in the shadow by the places of what was chosen, later by what its sessions came to. */
export function policyOf({ candidate, share, minStageMs, guards, goal = 'success' }: ExperimentSpec, stage: RolloutStage): RolloutPolicy {
  const rest = { canaryShare: share, heldBackShare: Math.min(0.05, 1 - share), minStageMs, hasShadow: candidate.kind === 'ranking' };
  if (stage !== 'shadow') return { ...rest, goal: { metric: goal, better: betterOf(goal) }, guards: guards.map(toGuard) };
  const place = { metric: 'place', better: 'more' } as const;
  return { ...rest, goal: place, guards: [{ ...place, margin: SHADOW_MARGIN }] };
}

function toGuard({ metric, margin }: GuardSpec): Guard {
  return { metric, better: betterOf(metric), margin };
}

/** What two experiments may not try at the same time. */
export function subjectOf(candidate: Candidate): string {
  return candidate.kind === 'description' ? `the description of "${candidate.tool}" of "${candidate.upstream}"` : `the ${candidate.kind}`;
}
