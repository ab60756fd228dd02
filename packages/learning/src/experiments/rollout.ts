import type { ArmComparison } from './compare-arms.ts';

export type RolloutStage = 'shadow' | 'canary' | 'promoted' | 'demoted';

/** A metric that a candidate must not worsen, with how much worse is still borne, in the metric's own unit. */
export interface Guard {
  readonly metric: string;
  readonly better: 'more' | 'less';
  readonly margin: number;
}

export interface RolloutPolicy {
  /** What the candidate is to improve. */
  readonly goal: { readonly metric: string; readonly better: 'more' | 'less' };
  readonly guards: readonly Guard[];
  /** Share of units in the canary. Default 0.1. */
  readonly canaryShare?: number;
  /** Share of units that stay with the control after promotion, so that a demotion can still be seen to be due. Default 0.05. */
  readonly heldBackShare?: number;
  /** Whether what it does in the shadow can be told. Default true; where it is not, it begins as a canary. */
  readonly hasShadow?: boolean;
  /** Shortest time in a stage before the next better one, in milliseconds. Default one hour. Worse stages do not wait. */
  readonly minStageMs?: number;
}

/** What has been measured of a candidate against its control, in one stage. */
export interface RolloutEvidence {
  readonly kind: 'evidence';
  readonly atMs: number;
  /** By metric, at the alpha for promotion. */
  readonly sure: ReadonlyMap<string, ArmComparison>;
  /** By metric, at a greater alpha: a suspicion is enough to step back. */
  readonly suspected: ReadonlyMap<string, ArmComparison>;
  /** Whether the arms got as many units as they should. */
  readonly isBalanced: boolean;
}

export type RolloutEvent =
  | RolloutEvidence
  /** Of an operator: `freeze` stops every step forward, `thaw` lifts that, `kill` demotes at once, `retry` starts a demoted one anew. */
  | { readonly kind: 'freeze' | 'thaw' | 'kill' | 'retry'; readonly atMs: number };

export interface RolloutStep {
  readonly version: number;
  readonly atMs: number;
  readonly stage: RolloutStage;
  readonly reason: string;
}

export interface Rollout {
  /** Rises with every step; calls carry it, so that what followed can be told apart. */
  readonly version: number;
  readonly stage: RolloutStage;
  readonly sinceMs: number;
  readonly isFrozen: boolean;
  /** Share of units that get the candidate now. */
  readonly share: number;
  /** The latest steps, newest last. */
  readonly steps: readonly RolloutStep[];
}

const maxSteps = 100;
const CANARY_SHARE = 0.1;

/**
 * A candidate begins in the shadow, where it can: it decides beside the live policy, and nothing of it is served.
 * @param options.version Of its first step, so that a name that was used before can tell its steps apart.
 */
export function startRollout(
  atMs: number,
  { version = 1, policy }: { readonly version?: number; readonly policy?: Pick<RolloutPolicy, 'hasShadow' | 'canaryShare'> } = {},
): Rollout {
  const stage = firstStage(policy);
  return {
    version,
    stage,
    sinceMs: atMs,
    isFrozen: false,
    share: stage === 'shadow' ? 0 : (policy?.canaryShare ?? CANARY_SHARE),
    steps: [{ version, atMs, stage, reason: 'it is new' }],
  };
}

function firstStage(policy: Pick<RolloutPolicy, 'hasShadow'> | undefined): 'shadow' | 'canary' {
  return policy?.hasShadow === false ? 'canary' : 'shadow';
}

/**
 * The next state of a candidate. Forward it goes one stage at a time, after its time, with a sure gain and every guard held; back it
 * goes at once, from wherever it is, on the first suspicion. A frozen one can still go back.
 */
export function stepRollout(
  rollout: Rollout,
  { event, policy }: { readonly event: RolloutEvent; readonly policy: RolloutPolicy },
): Rollout {
  const to = (stage: RolloutStage, reason: string): Rollout => advance(rollout, { stage, reason, atMs: event.atMs, policy });
  switch (event.kind) {
    case 'freeze':
    case 'thaw':
      return { ...rollout, isFrozen: event.kind === 'freeze' };
    case 'kill':
      return rollout.stage === 'demoted' ? rollout : to('demoted', 'an operator stopped it');
    case 'retry':
      return rollout.stage === 'demoted' && !rollout.isFrozen ? to(firstStage(policy), 'an operator started it anew') : rollout;
    case 'evidence':
      break;
  }
  if (rollout.stage === 'demoted') return rollout;
  const harm = findHarm(event, policy);
  if (harm !== undefined) return to('demoted', harm);
  const isEarly = event.atMs - rollout.sinceMs < (policy.minStageMs ?? 3_600_000);
  if (rollout.isFrozen || isEarly || rollout.stage === 'promoted') return rollout;
  const missing = findMissing(event, policy, rollout.stage);
  if (missing !== undefined) return rollout;
  return rollout.stage === 'shadow' ? to('canary', 'no guard is worse in the shadow') : to('promoted', describeGain(event, policy));
}

function advance(
  rollout: Rollout,
  {
    stage,
    reason,
    atMs,
    policy,
  }: { readonly stage: RolloutStage; readonly reason: string; readonly atMs: number; readonly policy: RolloutPolicy },
): Rollout {
  const version = rollout.version + 1;
  const shares = { shadow: 0, demoted: 0, canary: policy.canaryShare ?? CANARY_SHARE, promoted: 1 - (policy.heldBackShare ?? 0.05) };
  const steps = [...rollout.steps, { version, atMs, stage, reason }].slice(-maxSteps);
  return { version, stage, sinceMs: atMs, isFrozen: rollout.isFrozen, share: shares[stage], steps };
}

function findHarm({ suspected, isBalanced }: RolloutEvidence, { goal, guards }: RolloutPolicy): string | undefined {
  if (!isBalanced) return 'its arms lose units, so nothing can be said of it';
  const gain = gainOf(suspected, goal);
  if (gain !== undefined && gain.high < 0) return `"${goal.metric}" is worse by ${show(-gain.middle)}`;
  for (const guard of guards) {
    const its = gainOf(suspected, guard);
    // A guard bears its margin: it is broken once more than that is suspected to be lost.
    if (its !== undefined && (its.high < -guard.margin || (its.high < 0 && its.middle < -guard.margin)))
      return `"${guard.metric}" is worse by ${show(-its.middle)}`;
  }
  return undefined;
}

function findMissing({ sure }: RolloutEvidence, { goal, guards }: RolloutPolicy, stage: RolloutStage): string | undefined {
  for (const guard of guards) {
    const its = gainOf(sure, guard);
    if (its === undefined || its.low < -guard.margin) return guard.metric;
  }
  const gain = gainOf(sure, goal);
  if (gain === undefined) return goal.metric;
  // In the shadow nothing is served, so the gain itself is for the canary to show.
  return stage === 'shadow' || gain.low > 0 ? undefined : goal.metric;
}

interface Gain {
  readonly low: number;
  readonly middle: number;
  readonly high: number;
}

/** How much better the candidate is, whichever way better lies. */
function gainOf(
  compared: ReadonlyMap<string, ArmComparison>,
  { metric, better }: { readonly metric: string; readonly better: 'more' | 'less' },
): Gain | undefined {
  const found = compared.get(metric);
  if (found === undefined) return undefined;
  const { low, high, difference } = found;
  return better === 'more' ? { low, high, middle: difference } : { low: -high, high: -low, middle: -difference };
}

function describeGain({ sure }: RolloutEvidence, { goal }: RolloutPolicy): string {
  const gain = gainOf(sure, goal)!;
  return `"${goal.metric}" is better by ${show(gain.middle)}, surely by ${show(gain.low)}, and every guard holds`;
}

const show = (value: number): string => value.toPrecision(3);
