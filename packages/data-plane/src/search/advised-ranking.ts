import type { Advice, AdvisedTool, SearchCaller, SearchTrials, ShownRecord, Target } from '@signalbox/core';
import type { AdviceGuard } from '../advice-guard.ts';
import { fuseRankings } from './fuse-rankings.ts';
import { liftNext, type LikelyNext } from './lift-next.ts';
import type { RankByMeaning } from './meaning-ranker.ts';
import { mergeRankings, type MergedTool } from './merge-rankings.ts';
import type { RankTools, RankedTool } from './rank-tools.ts';

/** Tools found for one need, and where each stood without advice. */
export interface AdvisedResult {
  readonly matches: readonly AdvisedMatch[];
  readonly shown: readonly ShownRecord[];
}

export type AdvisedMatch = MergedTool;

export interface AdvisedAsking {
  /** Tools for each need. */
  readonly limit: number;
  /** Who searches. Absent where nobody does, who could have called anything before. */
  readonly caller?: SearchCaller;
  /** Which ranking is shown, where that is on trial. */
  readonly trial?: SearchTrials['ranking'];
  /** Of the needs, as far as there are any. */
  readonly vectors?: readonly (Float32Array | undefined)[] | undefined;
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
  /** Ranks by what is meant as well. Absent where nobody gives vectors. */
  readonly meaning?: { readonly rank: RankByMeaning; readonly weight: number } | undefined;
  readonly guard: AdviceGuard;
}

/** How many tools are brought before advice, and how many each ranking brings where two are joined; what is shown is far less. */
const DEPTH = 100;

/**
 * Ranks by words and spelling, joins that with a ranking by meaning where there is one, and lets advice move tools within what is
 * shown, and what the caller most likely calls next rise past near ties. Whatever the advice says, a tool asked for by name comes
 * first, a third of what is shown are the best of the static ranking, and only tools that can be called here are shown.
 */
export function createAdvisedRanker({ tools, rank, meaning, guard }: AdvisedRankerOptions): RankAdvised {
  // Made when advice first names a tool that has to be found by its owner's name.
  let names: ReadonlyMap<string, string> | undefined;
  const nameOf = ({ upstream, tool }: Pick<AdvisedTool, 'upstream' | 'tool'>): string | undefined =>
    (names ??= new Map([...tools].map(([name, target]) => [keyOf(target.upstream, target.name), name]))).get(keyOf(upstream, tool));
  const isKnown = (upstream: string, tool: string) => nameOf({ upstream, tool }) !== undefined;
  const placeOf = (found: readonly RankedTool[]): Map<string, number> => new Map(found.map(({ name }, index) => [name, index + 1]));

  // What is shown without advice.
  const fuse = (words: readonly RankedTool[], vector: Float32Array | undefined, limit: number): readonly RankedTool[] => {
    const meant = vector === undefined ? undefined : meaning?.rank(vector, DEPTH);
    if (meant === undefined || meant.length === 0) return words;
    return fuseRankings({ found: words, meant, weight: meaning!.weight, limit });
  };

  const merge = ({ found, words, advised, limit }: AdvisedMerge): AdvisedMatch[] => {
    const preferred = advised.flatMap(({ why, ...tool }) => {
      const name = nameOf(tool);
      return name === undefined ? [] : [{ name, why }];
    });
    return mergeRankings({ found, preferred, kept: found === words ? found : words.filter(({ score }) => score > 0), limit });
  };

  const likelyNext = (advice: Advice | undefined, caller: SearchCaller | undefined): LikelyNext | undefined => {
    if (advice?.next === undefined || caller === undefined) return undefined;
    const next = guard.ask(() => advice.next!(caller));
    const [best] = next?.tools ?? [];
    const name = best && nameOf(best);
    return name === undefined ? undefined : { name, share: best!.share, after: nameOf(next!.after) };
  };

  return (needs, { limit, caller, trial, vectors }) => {
    const advice = guard.current();
    const advise = advice?.rank;
    const next = likelyNext(advice, caller);
    const isJoined = meaning !== undefined && vectors !== undefined;
    const ranked = rank(needs, advise === undefined && !isJoined ? limit : Math.max(DEPTH, limit));
    let adviceVersion = 0;
    const results = needs.map((need, index): AdvisedResult => {
      const words = ranked[index]!;
      const found = fuse(words, vectors?.[index], limit);
      const asked = found.map(({ name, score }) => ({ upstream: tools.get(name)!.upstream, tool: tools.get(name)!.name, score }));
      const advised = advise && guard.ask(() => advise({ need, found: asked, limit, isKnown }));
      const merged = advised === undefined ? undefined : merge({ found, words, advised, limit });
      const candidate = next === undefined ? merged : liftNext(merged ?? found.slice(0, limit), next);
      if (candidate !== undefined) adviceVersion = advice!.version;
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

interface AdvisedMerge {
  readonly found: readonly RankedTool[];
  /** Those of `found` that words and spelling find. */
  readonly words: readonly RankedTool[];
  readonly advised: readonly AdvisedTool[];
  readonly limit: number;
}

function keyOf(upstream: string, tool: string): string {
  return `${upstream}\0${tool}`;
}
