import { GatewayError, isObject } from '@signalbox/core';
import { isBalanced } from './assign-arm.ts';
import type { ArmSums } from './compare-arms.ts';
import { readEvidence } from './read-evidence.ts';
import { FOUND, OK, UNIT } from './read-trials.ts';
import { startCanary, stepRollout, type Rollout, type RolloutPolicy, type RolloutStage, type RolloutStep } from './rollout.ts';
import type { TrialModel } from './trial-model.ts';

/** What can be tried: the ranking that learns beside the static one, or another number of tools shown for a need. */
export const EXPERIMENT_KINDS = ['ranking', 'limit'] as const;
export type ExperimentKind = (typeof EXPERIMENT_KINDS)[number];

export interface ExperimentWish {
  readonly name: string;
  readonly kind: ExperimentKind;
  /** Tools shown for a need in the candidate's arm unless the caller says how many; of kind `limit`. */
  readonly limit?: number | undefined;
  /** Share of units that get the candidate at first. */
  readonly share: number;
  /** Shortest time before a promotion, in milliseconds. */
  readonly minMs: number;
  /** Chance of ever promoting what is no better. */
  readonly alpha: number;
}

export type ExperimentAction = 'stop' | 'freeze' | 'thaw' | 'remove';

/** An experiment as the path needs it. */
export interface RunningExperiment {
  /** Of its name and its version: one stage of one candidate is one trial. */
  readonly trial: string;
  readonly kind: ExperimentKind;
  readonly limit?: number | undefined;
  readonly share: number;
}

export interface ExperimentReport extends ExperimentWish {
  readonly stage: RolloutStage;
  readonly isFrozen: boolean;
  readonly sinceMs: number;
  readonly currentShare: number;
  readonly version: number;
  readonly steps: readonly RolloutStep[];
  readonly units: { readonly control: number; readonly candidate: number };
  readonly metrics: readonly MetricReport[];
}

export interface MetricReport {
  readonly metric: string;
  readonly control: ArmReport;
  readonly candidate: ArmReport;
  /** Candidate less control, with an interval that holds at every look at once; bounds are absent while there is too little. */
  readonly difference: number;
  readonly low: number | undefined;
  readonly high: number | undefined;
}

export interface ArmReport {
  readonly count: number;
  readonly mean: number | undefined;
}

interface Kept {
  readonly wish: ExperimentWish;
  readonly rollout: Rollout;
}

const MAX_EXPERIMENTS = 50;
/** How much worse calls may end before a candidate is taken back. */
const OK_MARGIN = 0.03;
/** Units from which on the balance of arms says something. */
const BALANCE_UNITS = 200;

/** The experiments of a gateway. They decide by nothing but what the trial model has counted. */
export class Experiments {
  readonly #kept = new Map<string, Kept>();

  /** @param text As `toText` gave it in an earlier run. */
  constructor(text?: string) {
    const parsed: unknown = text === undefined ? [] : JSON.parse(text);
    for (const each of Array.isArray(parsed) ? parsed : []) if (isKept(each)) this.#kept.set(each.wish.name, each);
  }

  toText(): string {
    return JSON.stringify([...this.#kept.values()]);
  }

  /** @throws GatewayError `CONFLICT` when its name is taken, another of its kind runs, or there are too many. */
  start(wish: ExperimentWish, atMs: number): void {
    const before = this.#kept.get(wish.name);
    if (before !== undefined && before.rollout.stage !== 'demoted')
      throw new GatewayError('CONFLICT', `Cannot start experiment "${wish.name}": it runs already; stop it first, or choose another name`);
    const other = this.running().find(({ kind }) => kind === wish.kind);
    if (other !== undefined)
      throw new GatewayError(
        'CONFLICT',
        `Cannot start experiment "${wish.name}": "${nameOf(other.trial)}" of the same kind runs; stop it first`,
      );
    if (before === undefined && this.#kept.size >= MAX_EXPERIMENTS)
      throw new GatewayError('CONFLICT', `Cannot start experiment "${wish.name}": there are ${MAX_EXPERIMENTS}; remove one first`);
    this.#kept.set(wish.name, { wish, rollout: startCanary(atMs, policyOf(wish), before?.rollout) });
  }

  /** @throws GatewayError `UNKNOWN_NAME`; `CONFLICT` when one that runs is to be removed. */
  steer(name: string, action: ExperimentAction, atMs: number): void {
    const kept = this.#kept.get(name);
    if (kept === undefined) throw unknown(name);
    const { wish, rollout } = kept;
    if (action === 'remove') {
      if (rollout.stage !== 'demoted') throw new GatewayError('CONFLICT', `Cannot remove experiment "${name}": it runs; stop it first`);
      this.#kept.delete(name);
      return;
    }
    const kind = action === 'stop' ? 'kill' : action;
    this.#kept.set(name, { wish, rollout: stepRollout(rollout, { event: { kind, atMs }, policy: policyOf(wish) }) });
  }

  /** Looks at the evidence of all. @returns whether one of them took a step. */
  step(trials: TrialModel, atMs: number): boolean {
    let isChanged = false;
    for (const [name, { wish, rollout }] of this.#kept) {
      if (rollout.stage === 'demoted') continue;
      const policy = policyOf(wish);
      const experiment = trialOf(wish, rollout);
      const { control, candidate } = unitsOf(trials, experiment);
      const isEven = control + candidate < BALANCE_UNITS || isBalanced({ control, candidate, share: rollout.share });
      const event = readEvidence(trials, { experiment, policy, atMs, isBalanced: isEven, alpha: wish.alpha });
      const next = stepRollout(rollout, { event, policy });
      if (next === rollout) continue;
      this.#kept.set(name, { wish, rollout: next });
      isChanged = true;
    }
    return isChanged;
  }

  running(): readonly RunningExperiment[] {
    return [...this.#kept.values()].flatMap(({ wish, rollout }) =>
      rollout.share === 0
        ? []
        : [
            {
              trial: trialOf(wish, rollout),
              kind: wish.kind,
              share: rollout.share,
              ...(wish.limit !== undefined && { limit: wish.limit }),
            },
          ],
    );
  }

  /** The latest first. */
  reports(trials: TrialModel): readonly ExperimentReport[] {
    return [...this.#kept.values()].map((kept) => toReport(kept, trials)).toSorted((a, b) => b.sinceMs - a.sinceMs);
  }

  /** @throws GatewayError `UNKNOWN_NAME`. */
  report(name: string, trials: TrialModel): ExperimentReport {
    const kept = this.#kept.get(name);
    if (kept === undefined) throw unknown(name);
    return toReport(kept, trials);
  }
}

function toReport({ wish, rollout }: Kept, trials: TrialModel): ExperimentReport {
  const experiment = trialOf(wish, rollout);
  const metrics = [FOUND, OK].map((metric): MetricReport => {
    const { difference, low, high } = trials.compare({ experiment, metric }, { alpha: wish.alpha });
    const isKnown = Number.isFinite(low) && Number.isFinite(high);
    return {
      metric,
      control: toArm(trials.sums({ experiment, arm: 'control', metric })),
      candidate: toArm(trials.sums({ experiment, arm: 'candidate', metric })),
      difference,
      low: isKnown ? low : undefined,
      high: isKnown ? high : undefined,
    };
  });
  const { stage, isFrozen, sinceMs, share, version, steps } = rollout;
  return { ...wish, stage, isFrozen, sinceMs, currentShare: share, version, steps, units: unitsOf(trials, experiment), metrics };
}

function toArm({ count, sum }: ArmSums): ArmReport {
  return { count, mean: count === 0 ? undefined : sum / count };
}

function unitsOf(trials: TrialModel, experiment: string): { readonly control: number; readonly candidate: number } {
  const of = (arm: string) => trials.sums({ experiment, arm, metric: UNIT }).count;
  return { control: of('control'), candidate: of('candidate') };
}

function policyOf({ share, minMs }: ExperimentWish): RolloutPolicy {
  return {
    goal: { metric: FOUND, better: 'more' },
    guards: [{ metric: OK, better: 'more', margin: OK_MARGIN }],
    canaryShare: share,
    minStageMs: minMs,
  };
}

function trialOf({ name }: ExperimentWish, { version }: Rollout): string {
  return `${name}#${version}`;
}

function nameOf(trial: string): string {
  return trial.slice(0, trial.lastIndexOf('#'));
}

function unknown(name: string): GatewayError {
  return new GatewayError('UNKNOWN_NAME', `There is no experiment "${name}"; "signalbox learn experiment list" shows those there are`);
}

function isKept(value: unknown): value is Kept {
  return isObject(value) && isObject(value['wish']) && typeof value['wish']['name'] === 'string' && isObject(value['rollout']);
}
