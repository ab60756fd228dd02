import { RawJson, type ResultOutcome } from '@signalbox/core';
import { HANDSHAKE_REVISIONS, MODERN_REVISION, isHandshake } from '@signalbox/protocol';

export type ListName = 'tools' | 'prompts' | 'resources' | 'resourceTemplates';

/** A list in both generations' shape, written once: what clients see is the same bytes until something changes. */
export interface CatalogList {
  readonly modern: RawJson;
  readonly handshake: RawJson;
  readonly length: number;
}

/** Writes all lists. Order is kept as given. */
export function buildLists(entries: Readonly<Record<ListName, readonly object[]>>): Readonly<Record<ListName, CatalogList>> {
  return {
    tools: buildList('tools', entries.tools),
    prompts: buildList('prompts', entries.prompts),
    resources: buildList('resources', entries.resources),
    resourceTemplates: buildList('resourceTemplates', entries.resourceTemplates),
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

function buildList(name: ListName, items: readonly object[]): CatalogList {
  const text = `"${name}":${JSON.stringify(items)}`;
  return {
    modern: RawJson.fromBytes(Buffer.from(`{"resultType":"complete",${text},"ttlMs":0,"cacheScope":"private"}`)),
    handshake: RawJson.fromBytes(Buffer.from(`{${text}}`)),
    length: items.length,
  };
}
