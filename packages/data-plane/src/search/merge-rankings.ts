import { BEGUN, type RankedTool } from './rank-tools.ts';

export interface PreferredTool {
  readonly name: string;
  /** Of whoever prefers it. Default 0. */
  readonly score?: number;
  readonly why?: string | undefined;
}

export interface MergedTool extends RankedTool {
  readonly why?: string;
}

export interface Merge {
  /** Best first, tools asked for by name in front. */
  readonly found: readonly RankedTool[];
  /** Another order, of tools that can be called here, best first. */
  readonly preferred: readonly PreferredTool[];
  /** Of these the best are shown whatever is preferred: a third of what is shown. Default: `found`. */
  readonly kept?: readonly RankedTool[];
  readonly limit: number;
}

/** The tools in the order that is preferred, within what no preference can change; as many as were found or more. */
export function mergeRankings({ found, preferred, kept = found, limit }: Merge): MergedTool[] {
  const scores = new Map(found.map(({ name, score }) => [name, score]));
  const chosen = new Map<string, MergedTool>();
  for (const tool of found) if (tool.score >= BEGUN && chosen.size < limit) chosen.set(tool.name, tool);
  // Places that the best of the static ranking keep, unless they are preferred anyway.
  const owed = new Set(kept.slice(0, Math.ceil(limit / 3)).map(({ name }) => name));
  for (const name of chosen.keys()) owed.delete(name);
  for (const { name, score = 0, why } of preferred) {
    if (chosen.size + owed.size >= limit) {
      if (owed.size === 0) break;
    }
    if (chosen.has(name)) continue;
    if (chosen.size + owed.size >= limit && !owed.has(name)) continue;
    owed.delete(name);
    chosen.set(name, { name, score: Math.max(score, scores.get(name) ?? 0), ...(why !== undefined && { why }) });
  }
  for (const tool of kept) if (owed.has(tool.name)) chosen.set(tool.name, tool);
  for (const tool of found) if (chosen.size < limit && !chosen.has(tool.name)) chosen.set(tool.name, tool);
  return inOneScale([...chosen.values()]);
}

/** Scores are read as an order, so no tool may have more than one above it. */
export function inOneScale<Tool extends RankedTool>(tools: readonly Tool[]): Tool[] {
  let best = 0;
  return tools
    .toReversed()
    .map((tool) => {
      best = Math.max(best, tool.score);
      return { ...tool, score: best };
    })
    .toReversed();
}
