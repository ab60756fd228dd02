import type { RolloutEvidence, RolloutPolicy } from './rollout.ts';
import type { TrialModel } from './trial-model.ts';

export interface EvidenceQuestion {
  /** One stage of one candidate is one experiment: what a canary has shown says nothing of the time before it. */
  readonly experiment: string;
  readonly policy: RolloutPolicy;
  readonly atMs: number;
  readonly isBalanced?: boolean;
  /** Chance of ever promoting what is no better. Default 0.05. */
  readonly alpha?: number;
  /** Chance of ever demoting what is no worse: greater, for that is the cheaper error. Default 0.2. */
  readonly suspicion?: number;
  readonly horizon?: number;
}

/** What the trial of a candidate has shown by now, for `stepRollout`. May be asked as often as one likes. */
export function readEvidence(trials: TrialModel, question: EvidenceQuestion): RolloutEvidence {
  const { experiment, policy, atMs, isBalanced = true, alpha = 0.05, suspicion = 0.2 } = question;
  const metrics = [policy.goal, ...policy.guards].map(({ metric }) => metric);
  const horizon = question.horizon === undefined ? {} : { horizon: question.horizon };
  const compare = (level: number) =>
    new Map(metrics.map((metric) => [metric, trials.compare({ experiment, metric }, { alpha: level, ...horizon })]));
  return { kind: 'evidence', atMs, sure: compare(alpha), suspected: compare(suspicion), isBalanced };
}
