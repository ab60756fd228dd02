import { inOneScale, type MergedTool } from './merge-rankings.ts';
import { BEGUN } from './rank-tools.ts';

/** What a caller most likely calls next, by public names. */
export interface LikelyNext {
  readonly name: string;
  readonly share: number;
  /** What it called last; `undefined` for what is not known here. */
  readonly after: string | undefined;
}

/** A guess that is right less often than wrong moves nothing. */
const LEAST_SHARE = 0.5;
/** It passes tools that fit up to this much better by their words. Chosen in a simulation, see docs/decisions/0030. */
const NEAR = 1.5;

/**
 * Lets the tool that comes next rise within what is shown anyway. It never passes one that was asked for by name, nor one that
 * earlier choices for such needs speak for.
 */
export function liftNext(matches: readonly MergedTool[], { name, share, after }: LikelyNext): readonly MergedTool[] {
  const from = matches.findIndex((match) => match.name === name);
  const tool = matches[from];
  if (tool === undefined || tool.why !== undefined || tool.score <= 0 || share < LEAST_SHARE) return matches;
  let to = from;
  while (to > 0 && mayPass(matches[to - 1]!, tool)) to--;
  if (to === from) return matches;
  const why = after === undefined ? 'often comes next' : `often follows ${after}`;
  return inOneScale(matches.toSpliced(from, 1).toSpliced(to, 0, { ...tool, why }));
}

function mayPass({ score, why }: MergedTool, { score: own }: MergedTool): boolean {
  return score < BEGUN && why === undefined && score <= NEAR * own;
}
