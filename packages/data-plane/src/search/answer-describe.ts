import type { Target, ToolDefinition } from '@signalbox/core';
import type { RankTools } from './rank-tools.ts';

export interface DescribeAnswer {
  readonly tools: readonly { readonly upstream: string; readonly definition: ToolDefinition }[];
  readonly unknown: readonly { readonly name: string; readonly nearest: readonly string[] }[];
  readonly instructions?: Readonly<Record<string, string>>;
}

export interface DescribeAsking {
  readonly names: readonly string[];
  /** By public name. */
  readonly tools: ReadonlyMap<string, Target>;
  /** What an upstream says of the use of its tools. */
  readonly instructionsOf: (upstream: string) => string | undefined;
  readonly rank: RankTools;
}

const MAX_INSTRUCTIONS = 4_000;
const MAX_NEAREST = 3;

/** Gives the definitions of tools as their servers gave them, under their public names. */
export function answerDescribe({ names, tools, instructionsOf, rank }: DescribeAsking): DescribeAnswer {
  const found: { upstream: string; definition: ToolDefinition }[] = [];
  const unknown: { name: string; nearest: string[] }[] = [];
  const instructions = new Map<string, string>();
  for (const name of new Set(names)) {
    const target = tools.get(name);
    if (target?.definition === undefined) {
      unknown.push({ name, nearest: nearestTo(name, rank) });
      continue;
    }
    found.push({ upstream: target.upstream, definition: { ...target.definition, name } });
    const text = instructionsOf(target.upstream);
    if (text !== undefined && text !== '') instructions.set(target.upstream, text.slice(0, MAX_INSTRUCTIONS));
  }
  return { tools: found, unknown, ...(instructions.size > 0 && { instructions: Object.fromEntries(instructions) }) };
}

/** Public names of the tools that somebody may have meant. */
export function nearestTo(name: string, rank: RankTools): string[] {
  return rank([name], MAX_NEAREST)[0]!.map((tool) => tool.name);
}
