import { inOneScale, mergeRankings } from './merge-rankings.ts';
import { BEGUN, type RankedTool } from './rank-tools.ts';

export interface Fusion {
  /** By words and spelling, best first. */
  readonly found: readonly RankedTool[];
  /** By meaning, best first. */
  readonly meant: readonly RankedTool[];
  /** How much `meant` counts beside `found`. */
  readonly weight: number;
  /** How many are shown. */
  readonly limit: number;
}

/** How little the first places count more than those behind them, as in Cormack, Clarke and Büttcher, SIGIR 2009. */
const RANK_CONSTANT = 60;
/** Below every score that stands for a name. */
const MOST_BY_MEANING = BEGUN - 0.001;

/**
 * Joins two rankings by reciprocal rank fusion, as their scores cannot be compared. Tools asked for by name stay in front, and a
 * third of what is shown are the best by words, as far as words find any.
 */
export function fuseRankings({ found, meant, weight, limit }: Fusion): readonly RankedTool[] {
  // Where words find nothing they show examples, which are no order to keep to.
  const byWords = found.filter(({ score }) => score > 0);
  const fused = new Map<string, { readonly name: string; score: number; credit: number }>();
  const add = (tools: readonly RankedTool[], share: number): void => {
    for (const [index, { name, score }] of tools.entries()) {
      const tool = fused.get(name) ?? { name, score: 0, credit: 0 };
      tool.score = Math.max(tool.score, score);
      tool.credit += share / (RANK_CONSTANT + index + 1);
      fused.set(name, tool);
    }
  };
  add(byWords, 1);
  add(
    meant.map(({ name, score }) => ({ name, score: Math.min(score, MOST_BY_MEANING) })),
    weight,
  );
  const preferred = [...fused.values()].toSorted((one, other) => other.credit - one.credit);
  const shown = mergeRankings({ found, preferred, kept: byWords, limit });
  const names = new Set(shown.map(({ name }) => name));
  const rest = preferred.filter(({ name }) => !names.has(name)).map(({ name, score }) => ({ name, score }));
  return inOneScale([...shown, ...rest]);
}
