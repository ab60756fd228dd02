import { isObject, nearestOf, type RawJson } from '@signalbox/core';
import { renderTable } from '../terminal/table.ts';
import { countOf, firstSentence, toSafeLine } from '../terminal/text.ts';
import type { CommandContext } from './context.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { nothingFound } from './failures.ts';
import { openMcp, type McpAccess } from './mcp-access.ts';
import { readToolOwners, type ToolOwner } from './tool-owners.ts';

export interface ToolsOptions {
  readonly upstream?: string;
  readonly url?: string;
  readonly server?: string;
}

const LIST_MS = 60_000;
const MAX_PAGES = 1000;

/** Lists the tools clients see, under their public names. */
export async function tools(context: CommandContext, options: ToolsOptions): Promise<ExitCode> {
  const { terminal } = context;
  const access = await openMcp(context, options);
  let definitions: Definition[];
  try {
    await access.settle();
    definitions = await fetchTools(access);
  } finally {
    await access.close();
  }
  const owners =
    access.place === undefined ? new Map<string, ToolOwner>() : await readToolOwners(context, { ...access.place, server: options.server });
  const rows = definitions
    .map((definition) => ({ definition, owner: owners.get(String(definition['name'])) }))
    .filter(({ owner }) => options.upstream === undefined || owner?.upstream === options.upstream);
  if (rows.length === 0) throw nothingToShow(options.upstream, owners);
  const document = rows.map(({ definition, owner }) => ({ ...definition, ...(owner && { upstream: owner.upstream }) }));
  terminal.answer({ tools: document }, function* () {
    const { paint, width } = terminal;
    yield* renderTable({
      columns: [
        { title: 'NAME', paint: paint.bold },
        ...(access.place === undefined ? [] : [{ title: 'SERVER', paint: paint.cyan }]),
        { title: 'DESCRIPTION', shrinks: true },
      ],
      rows: rows.map(({ definition, owner }) => [
        toSafeLine(String(definition['name'])),
        ...(access.place === undefined ? [] : [owner?.upstream ?? '']),
        firstSentence(typeof definition['description'] === 'string' ? definition['description'] : String(definition['title'] ?? '')),
      ]),
      width,
      paint,
    });
    yield paint.dim(countOf(rows.length, 'tool'));
  });
  return EXIT.ok;
}

type Definition = Readonly<Record<string, unknown>>;

async function fetchTools(access: McpAccess): Promise<Definition[]> {
  const definitions: Definition[] = [];
  let cursor: unknown;
  for (let page = 0; page < MAX_PAGES; page++) {
    const result: RawJson = await access.ask('tools/list', cursor === undefined ? {} : { cursor }, { timeoutMs: LIST_MS });
    const listed = result.object?.['tools'];
    if (Array.isArray(listed)) definitions.push(...(listed as unknown[]).filter(isObject));
    cursor = result.object?.['nextCursor'];
    if (typeof cursor !== 'string') break;
  }
  return definitions;
}

function nothingToShow(upstream: string | undefined, owners: ReadonlyMap<string, ToolOwner>): Error {
  if (upstream === undefined)
    return nothingFound('There are no tools', '"signalbox status" shows which servers are up, "signalbox doctor" what is wrong');
  const names = [...new Set([...owners.values()].map((owner) => owner.upstream))];
  const nearest = nearestOf(upstream, names);
  return nothingFound(
    `There are no tools of "${upstream}"`,
    nearest === undefined || nearest === upstream ? '"signalbox list" shows the servers' : `Did you mean "${nearest}"?`,
  );
}
