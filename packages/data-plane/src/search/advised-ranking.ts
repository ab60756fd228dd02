import type { AdvisedTool, SearchTrials, ShownRecord, Target } from '@signalbox/core';
import type { AdviceGuard } from '../advice-guard.ts';
import { BEGUN, type RankTools, type RankedTool } from './rank-tools.ts';

/** Tools found for one need, and where each stood without advice. */
export interface AdvisedResult {
  readonly matches: readonly AdvisedMatch[];
  readonly shown: readonly ShownRecord[];
}

export interface AdvisedMatch extends RankedTool {
  readonly why?: string;
}

export interface AdvisedAsking {
  /** Tools for each need. */
  readonly limit: number;
  /** Which ranking is shown, where that is on trial. */
  readonly trial?: SearchTrials['ranking'];
}

/** The tools for each need, and the version of the advice that had a say; 0 when there was none. */
export type RankAdvised = (
  needs: readonly string[],
  asking: AdvisedAsking,
) => { readonly adviceVersion: number; readonly results: readonly AdvisedResult[] };

export interface AdvisedRankerOptions {
  /** By public name. */
  readonly tools: ReadonlyMap<string, Target>;
  readonly rank: RankTools;
  readonly guard: AdviceGuard;
}

/** How many tools are brought before advice; what is shown is far less. */
const DEPTH = 100;

/**
 * Ranks by words and spelling, and lets advice move tools within what is shown. Whatever the advice says, a tool asked for by name
 * comes first, a third of what is shown are the best of the static ranking, and only tools that can be called here are shown.
 */
export function createAdvisedRanker({ tools, rank, guard }: AdvisedRankerOptions): RankAdvised {
  // Made when advice first names a tool that has to be found by its owner's name.
  let names: ReadonlyMap<string, string> | undefined;
  const nameOf = ({ upstream, tool }: Pick<AdvisedTool, 'upstream' | 'tool'>): string | undefined =>
    (names ??= new Map([...tools].map(([name, target]) => [keyOf(target.upstream, target.name), name]))).get(keyOf(upstream, tool));
  const isKnown = (upstream: string, tool: string) => nameOf({ upstream, tool }) !== undefined;
  const placeOf = (found: readonly RankedTool[]): Map<string, number> => new Map(found.map(({ name }, index) => [name, index + 1]));

  return (needs, { limit, trial }) => {
    const advice = guard.current();
    const advise = advice?.rank;
    const ranked = rank(needs, advise === undefined ? limit : Math.max(DEPTH, limit));
    let adviceVersion = 0;
    const results = needs.map((need, index): AdvisedResult => {
      const found = ranked[index]!;
      const asked = found.map(({ name, score }) => ({ upstream: tools.get(name)!.upstream, tool: tools.get(name)!.name, score }));
      const advised = advise && guard.ask(() => advise({ need, found: asked, limit, isKnown }));
      if (advised !== undefined) adviceVersion = advice!.version;
      const candidate = advised === undefined ? undefined : merge({ found, advised, limit, nameOf });
      const matches = candidate === undefined || trial?.isAdvised === false ? found.slice(0, limit) : candidate;
      const [places, candidatePlaces] = [placeOf(found), trial && candidate && placeOf(candidate)];
      const shown = matches.map(({ name }, at): ShownRecord => {
        const { upstream, name: tool } = tools.get(name)!;
        const staticRank = places.get(name) ?? 0;
        if (trial === undefined || candidatePlaces === undefined) return { upstream, tool, staticRank, propensity: 1 };
        const candidateRank = candidatePlaces.get(name) ?? 0;
        const propensity = (staticRank === at + 1 ? 1 - trial.share : 0) + (candidateRank === at + 1 ? trial.share : 0);
        return { upstream, tool, staticRank, candidateRank, propensity };
      });
      return { matches, shown };
    });
    return { adviceVersion, results };
  };
}

interface Merge {
  readonly found: readonly RankedTool[];
  readonly advised: readonly AdvisedTool[];
  readonly limit: number;
  readonly nameOf: (tool: AdvisedTool) => string | undefined;
}

function merge({ found, advised, limit, nameOf }: Merge): AdvisedMatch[] {
  const scores = new Map(found.map(({ name, score }) => [name, score]));
  const chosen = new Map<string, AdvisedMatch>();
  for (const tool of found) if (tool.score >= BEGUN && chosen.size < limit) chosen.set(tool.name, tool);
  // Places that the best of the static ranking keep, unless advice has put them higher.
  const owed = new Set(found.slice(0, Math.ceil(limit / 3)).map(({ name }) => name));
  for (const name of chosen.keys()) owed.delete(name);
  for (const tool of advised) {
    if (chosen.size + owed.size >= limit) {
      if (owed.size === 0) break;
    }
    const name = nameOf(tool);
    if (name === undefined || chosen.has(name)) continue;
    if (chosen.size + owed.size >= limit && !owed.has(name)) continue;
    owed.delete(name);
    chosen.set(name, { name, score: scores.get(name) ?? 0, ...(tool.why !== undefined && { why: tool.why }) });
  }
  for (const tool of found) if (chosen.size < limit && !chosen.has(tool.name)) chosen.set(tool.name, tool);
  return inOneScale([...chosen.values()]);
}

// Scores are read as an order, so no tool may have more than one above it.
function inOneScale(matches: readonly AdvisedMatch[]): AdvisedMatch[] {
  let best = 0;
  return matches
    .toReversed()
    .map((match) => {
      best = Math.max(best, match.score);
      return { ...match, score: best };
    })
    .toReversed();
}

function keyOf(upstream: string, tool: string): string {
  return `${upstream}\0${tool}`;
}
