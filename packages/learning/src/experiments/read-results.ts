import { compareArms, type ArmComparison, type ArmSums } from './compare-arms.ts';
import { METRICS, type MetricName } from './experiment-model.ts';
import { betterOf, policyOf, type Experiment } from './experiment-spec.ts';
import type { RolloutStage } from './rollout.ts';
import type { TrialModel } from './trial-model.ts';

export interface MetricResult extends Pick<ArmComparison, 'difference' | 'low' | 'high'> {
  readonly metric: MetricName;
  /** What it decides: the goal is to be gained, a guard not to be lost, and the rest is only shown. */
  readonly role: 'goal' | 'guard' | 'shown';
  readonly better: 'more' | 'less';
  /** How much worse a guard bears. */
  readonly margin: number | undefined;
  readonly control: ArmResult;
  readonly candidate: ArmResult;
  readonly verdict: 'better' | 'worse' | 'undecided';
}

export interface ArmResult {
  readonly sessions: number;
  /** Of the sessions' means; `undefined` where there is none. */
  readonly mean: number | undefined;
}

/** One stage of an experiment, as facts name it. */
export function trialOf(name: string, version: number): string {
  return `${name}@${version}`;
}

/** What an experiment has shown, metric by metric, in its stage, or in the last one where it was still shown. */
export function readResults(experiment: Experiment, trials: TrialModel): MetricResult[] {
  const { stage, version } = lastShown(experiment);
  const { alpha, horizon, name } = experiment.spec;
  const { goal, guards } = policyOf(experiment.spec, stage);
  return METRICS.flatMap((metric): MetricResult[] => {
    const of = { experiment: trialOf(name, version), metric };
    const [control, candidate] = ['control', 'candidate'].map((arm) => trials.sums({ ...of, arm })) as [ArmSums, ArmSums];
    if (metric === 'sessions' || control.count + candidate.count === 0) return [];
    const { verdict, difference, low, high } = compareArms(control, candidate, { alpha, horizon });
    const better = betterOf(metric);
    const margin = guards.find((guard) => guard.metric === metric)?.margin;
    const role = goal.metric === metric ? 'goal' : margin === undefined ? 'shown' : 'guard';
    const said = better === 'more' || verdict === 'undecided' ? verdict : verdict === 'better' ? 'worse' : 'better';
    return [
      { metric, role, better, margin, difference, low, high, verdict: said, control: toResult(control), candidate: toResult(candidate) },
    ];
  });
}

/** Sessions in each arm, in the same stage. */
export function sessionsOf(experiment: Experiment, trials: TrialModel): { readonly control: number; readonly candidate: number } {
  const of = { experiment: trialOf(experiment.spec.name, lastShown(experiment).version), metric: 'sessions' };
  return { control: trials.sums({ ...of, arm: 'control' }).count, candidate: trials.sums({ ...of, arm: 'candidate' }).count };
}

// Every step has the version after the one before it.
function lastShown({ rollout: { stage, version, steps } }: Experiment): { readonly stage: RolloutStage; readonly version: number } {
  if (stage !== 'demoted') return { stage, version };
  const before = steps.findLast((step) => step.stage !== 'demoted');
  return before === undefined ? { stage, version } : { stage: before.stage, version: before.version };
}

function toResult({ count, sum }: ArmSums): ArmResult {
  return { sessions: count, mean: count === 0 ? undefined : sum / count };
}
