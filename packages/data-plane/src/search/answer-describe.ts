import { exactJson, RawJson, type ToolDefinition } from '@signalbox/core';
import { changedExactly, withMember } from '@signalbox/protocol';
import type { CatalogView } from '../catalog/catalog-view.ts';
import type { RankTools } from './rank-tools.ts';
import type { TriedText } from './trials.ts';

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
  /** Descriptions that are on trial. */
  readonly texts?: TriedText;
}

const MAX_INSTRUCTIONS = 4_000;
const MAX_NEAREST = 3;

/** Gives the definitions of tools as their servers gave them, under their public names. */
export function answerDescribe({ names, view, instructionsOf, rank, texts }: DescribeAsking): DescribeAnswer {
  const found: { upstream: string; definition: ToolDefinition }[] = [];
  const unknown: { name: string; nearest: string[] }[] = [];
  const instructions = new Map<string, string>();
  for (const name of new Set(names)) {
    const target = view.tool(name);
    const upstream = target?.upstream;
    const definition = view.definition(name);
    if (target === undefined || upstream === undefined || definition === undefined) {
      unknown.push({ name, nearest: rank([name], MAX_NEAREST)[0]!.map((tool) => tool.name) });
      continue;
    }
    const tried = texts?.(target.upstream, target.name);
    found.push({ upstream, definition: tried === undefined ? definition : withDescription(definition, tried) });
    const text = instructionsOf(upstream);
    if (text !== undefined && text !== '') instructions.set(upstream, text.slice(0, MAX_INSTRUCTIONS));
  }
  return { tools: found, unknown, instructions };
}

function withDescription(definition: ToolDefinition, description: string): ToolDefinition {
  return changedExactly(definition, { ...definition, description }, (text) =>
    withMember(text, 'description', RawJson.fromValue(description)),
  );
}

/** The answer as JSON text, in which definitions stand in the text their servers wrote where another might not say the same. */
export function renderDescribe({ tools, unknown, instructions }: DescribeAnswer): string {
  const described = tools.map(
    ({ upstream, definition }) => `{"upstream":${JSON.stringify(upstream)},"definition":${exactJson(definition)}}`,
  );
  const said = instructions.size === 0 ? '' : `,"instructions":${JSON.stringify(Object.fromEntries(instructions))}`;
  return `{"tools":[${described.join(',')}],"unknown":${JSON.stringify(unknown)}${said}}`;
}
