import { exactJson, type ToolDefinition } from '@signalbox/core';
import type { CatalogView } from '../catalog/catalog-view.ts';
import type { RankTools } from './rank-tools.ts';

export interface DescribeAnswer {
  readonly tools: readonly { readonly upstream: string; readonly definition: ToolDefinition }[];
  readonly unknown: readonly { readonly name: string; readonly nearest: readonly string[] }[];
  readonly instructions: ReadonlyMap<string, string>;
}

export interface DescribeAsking {
  readonly names: readonly string[];
  readonly view: CatalogView;
  /** What an upstream says of the use of its tools. */
  readonly instructionsOf: (upstream: string) => string | undefined;
  readonly rank: RankTools;
}

const MAX_INSTRUCTIONS = 4_000;
const MAX_NEAREST = 3;

/** Gives the definitions of tools as their servers gave them, under their public names. */
export function answerDescribe({ names, view, instructionsOf, rank }: DescribeAsking): DescribeAnswer {
  const found: { upstream: string; definition: ToolDefinition }[] = [];
  const unknown: { name: string; nearest: string[] }[] = [];
  const instructions = new Map<string, string>();
  for (const name of new Set(names)) {
    const upstream = view.tool(name)?.upstream;
    const definition = view.definition(name);
    if (upstream === undefined || definition === undefined) {
      unknown.push({ name, nearest: rank([name], MAX_NEAREST)[0]!.map((tool) => tool.name) });
      continue;
    }
    found.push({ upstream, definition });
    const text = instructionsOf(upstream);
    if (text !== undefined && text !== '') instructions.set(upstream, text.slice(0, MAX_INSTRUCTIONS));
  }
  return { tools: found, unknown, instructions };
}

/** The answer as JSON text, in which definitions stand in the text their servers wrote where another might not say the same. */
export function renderDescribe({ tools, unknown, instructions }: DescribeAnswer): string {
  const described = tools.map(
    ({ upstream, definition }) => `{"upstream":${JSON.stringify(upstream)},"definition":${exactJson(definition)}}`,
  );
  const said = instructions.size === 0 ? '' : `,"instructions":${JSON.stringify(Object.fromEntries(instructions))}`;
  return `{"tools":[${described.join(',')}],"unknown":${JSON.stringify(unknown)}${said}}`;
}
