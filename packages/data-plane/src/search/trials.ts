import type { DescriptionTrial, SearchTrials } from '@signalbox/core';
import type { AdvisedResult } from './advised-ranking.ts';
import { DEFAULT_MATCHES, MAX_MATCHES } from './search-tools.ts';

/** How many tools are shown for each need to a caller who does not say. */
export function limitOf(trials: SearchTrials | undefined): number {
  const limit = trials?.limit;
  if (limit === undefined || !limit.isCandidate) return DEFAULT_MATCHES;
  return Math.min(MAX_MATCHES, Math.max(1, limit.candidate));
}

/** The results with the probability of each place where their number is on trial, too: beyond the shorter list one arm alone shows a tool. */
export function withLimitTrial(results: readonly AdvisedResult[], trials: SearchTrials | undefined): readonly AdvisedResult[] {
  const limit = trials?.limit;
  if (limit === undefined) return results;
  const both = Math.min(limit.candidate, DEFAULT_MATCHES);
  const rest = limit.candidate > DEFAULT_MATCHES ? limit.share : 1 - limit.share;
  return results.map(({ matches, shown }) => ({
    matches,
    shown: shown.map((tool, at) => (at < both ? tool : { ...tool, propensity: tool.propensity * rest })),
  }));
}

/** Gives what is shown in place of a tool's own description, where something is. */
export type TriedText = (upstream: string, tool: string) => string | undefined;

export function textsOf(trials: SearchTrials | undefined): TriedText {
  return (upstream, tool) => trials?.descriptions?.find((trial) => isOf(trial, { upstream, tool }))?.text;
}

/** The arms that a search went by. The description of a tool is on trial only in searches that show the tool. */
export function armsOf(trials: SearchTrials | undefined, results: readonly AdvisedResult[]): readonly string[] {
  if (trials === undefined) return [];
  const shown = (trials.descriptions ?? []).filter((trial) => results.some((result) => result.shown.some((tool) => isOf(trial, tool))));
  return [...trials.arms, ...shown.map(({ arm }) => arm)];
}

function isOf(trial: DescriptionTrial, { upstream, tool }: { readonly upstream: string; readonly tool: string }): boolean {
  return trial.upstream === upstream && trial.tool === tool;
}
