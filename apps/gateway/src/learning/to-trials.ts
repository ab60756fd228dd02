import type { DescriptionTrial, SearchTrials } from '@signalbox/core';
import { assignArm, SHADOW_ARM, type ExperimentInForce } from '@signalbox/learning';

/** Tells what is tried on a unit, which keeps its arm. */
export type TrialsOf = (unit: string) => SearchTrials | undefined;

/** @returns `undefined` where there is no experiment. */
export function toTrials(experiments: readonly ExperimentInForce[]): TrialsOf | undefined {
  if (experiments.length === 0) return undefined;
  const running = experiments.filter(({ stage }) => stage !== 'demoted');
  // Once somebody has put the ranking on trial, the static one is what there is until the trial has ended well or is removed.
  const isRankingHeld = experiments.some(({ candidate }) => candidate.kind === 'ranking');
  return (unit) => {
    const arms: string[] = [];
    const descriptions: DescriptionTrial[] = [];
    let ranking: SearchTrials['ranking'] = isRankingHeld ? { isAdvised: false, share: 0 } : undefined;
    let limit: SearchTrials['limit'];
    for (const { trial, name, stage, share, candidate } of running) {
      const isCandidate = assignArm({ experiment: name, unit, share }) === 'candidate';
      const arm = `${trial}=${stage === 'shadow' ? SHADOW_ARM : isCandidate ? 'candidate' : 'control'}`;
      if (candidate.kind === 'description') {
        const { upstream, tool, description } = candidate;
        descriptions.push({ upstream, tool, arm, ...(isCandidate && { text: description }) });
        continue;
      }
      arms.push(arm);
      if (candidate.kind === 'ranking') ranking = { isAdvised: isCandidate, share };
      else limit = { candidate: candidate.limit, isCandidate, share };
    }
    return { arms, ranking, limit, descriptions };
  };
}

/** Every arm of a unit, for what comes after a search. */
export function armsOf(trials: SearchTrials | undefined): readonly string[] {
  return trials === undefined ? [] : [...trials.arms, ...(trials.descriptions ?? []).map(({ arm }) => arm)];
}
