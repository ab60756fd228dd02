import { RawJson, exactJson, isObject, type ResultOutcome } from '@signalbox/core';
import { HANDSHAKE_REVISIONS, MODERN_REVISION, changedExactly, isHandshake, withoutMember } from '@signalbox/protocol';
import type { ListHint } from '../upstreams/manifest.ts';

export type ListName = 'tools' | 'prompts' | 'resources' | 'resourceTemplates';

/** A list in both generations' shape, written once: what clients see is the same bytes until something changes. */
export interface CatalogList {
  readonly modern: RawJson;
  readonly handshake: RawJson;
  readonly length: number;
}

/** What a list says beside its entries. */
export interface ListExtras {
  readonly hint: ListHint;
  /** Further members, as text without braces. */
  readonly rest: string;
}

/**
 * Writes all lists. Order is kept as given.
 * @param coreTools The tools as clients see them whose tasks are those of the core.
 */
export function buildLists(
  entries: Readonly<Record<ListName, readonly object[]>>,
  extras: Readonly<Record<ListName, ListExtras>>,
  coreTools: readonly object[] = entries.tools,
): Readonly<Record<ListName, CatalogList>> {
  const handshakeTools = coreTools.map(toHandshakeTool);
  return {
    tools: buildList('tools', { modern: entries.tools, handshake: handshakeTools, ...extras.tools }),
    prompts: buildList('prompts', { modern: entries.prompts, ...extras.prompts }),
    resources: buildList('resources', { modern: entries.resources, ...extras.resources }),
    resourceTemplates: buildList('resourceTemplates', { modern: entries.resourceTemplates, ...extras.resourceTemplates }),
  };
}

/** Joins what servers say of how long their parts of a list hold: the whole holds as long as its briefest part. One that says nothing counts as brief. */
export function joinHints(hints: readonly (ListHint | undefined)[]): ListHint {
  if (hints.length === 0 || hints.includes(undefined)) return { ttlMs: 0, isPublic: false };
  return {
    ttlMs: Math.min(...hints.map((hint) => hint!.ttlMs)),
    isPublic: hints.every((hint) => hint!.isPublic),
  };
}

/** A list as the outcome of a request by a client of that revision. */
export function toListOutcome(list: CatalogList, revision: string): ResultOutcome {
  const isOld = isHandshake(revision);
  return {
    kind: 'result',
    result: isOld ? list.handshake : list.modern,
    resultType: 'complete',
    isError: false,
    revision: isOld ? HANDSHAKE_REVISIONS[0] : MODERN_REVISION,
  };
}

function buildList(
  name: ListName,
  { modern, handshake = modern, hint, rest }: ListExtras & { readonly modern: readonly object[]; readonly handshake?: readonly object[] },
): CatalogList {
  const more = rest === '' ? '' : `,${rest}`;
  const text = `"${name}":${toText(modern)}${more}`;
  const caching = `"ttlMs":${hint.ttlMs},"cacheScope":"${hint.isPublic ? 'public' : 'private'}"`;
  return {
    modern: RawJson.fromBytes(Buffer.from(`{"resultType":"complete",${text},${caching}}`)),
    handshake: RawJson.fromBytes(Buffer.from(`{"${name}":${toText(handshake)}${more}}`)),
    length: modern.length,
  };
}

function toText(items: readonly object[]): string {
  return `[${items.map(exactJson).join(',')}]`;
}

// Clients of the handshake revisions know output schemas of objects only, and refuse a whole list for one that is not.
function toHandshakeTool(tool: object): object {
  const { outputSchema, ...rest } = tool as { readonly outputSchema?: unknown };
  if (outputSchema === undefined || (isObject(outputSchema) && outputSchema['type'] === 'object')) return tool;
  return changedExactly(tool, rest, (text) => withoutMember(text, 'outputSchema'));
}
