import {
  Cancellation,
  GatewayError,
  OWN_PRINCIPAL,
  exactJson,
  hasExactText,
  isObject,
  keepExactText,
  type Implementation,
  type LeftOutEntry,
  type RawJson,
  type ToolDefinition,
} from '@signalbox/core';
import { MODERN_REVISION, explainHeaderMarks, isHandshake, readElements, readMember, toParams, type Connection } from '@signalbox/protocol';

/** A prompt, resource or template as its server lists it. Unknown members are kept. */
export type Listed = Readonly<Record<string, unknown>>;

/** What a modern server said of one of its lists: the least of all its pages. */
export interface ListHint {
  /** How long the list holds, in milliseconds. */
  readonly ttlMs: number;
  /** Whether it is the same for everyone. */
  readonly isPublic: boolean;
}

/** What an upstream offers, as it said last. Remembered on disk, so that lists are there before processes are. */
export interface Manifest {
  readonly revision: string;
  readonly server: Implementation;
  readonly instructions: string | undefined;
  readonly capabilities: Readonly<Record<string, unknown>>;
  readonly tools: readonly ToolDefinition[];
  readonly prompts: readonly Listed[];
  readonly resources: readonly Listed[];
  readonly templates: readonly Listed[];
  /** Absent for servers that give none. */
  readonly hints?: Readonly<Partial<Record<ListKind, ListHint>>>;
  /** What each list had beside its entries, as members of an object without braces. */
  readonly rests?: Readonly<Partial<Record<ListKind, string>>>;
}

export type ListKind = 'tools' | 'prompts' | 'resources' | 'templates';

const LISTS = {
  tools: { method: 'tools/list', member: 'tools', capability: 'tools', key: 'name', entry: 'tool' },
  prompts: { method: 'prompts/list', member: 'prompts', capability: 'prompts', key: 'name', entry: 'prompt' },
  resources: { method: 'resources/list', member: 'resources', capability: 'resources', key: 'uri', entry: 'resource' },
  templates: {
    method: 'resources/templates/list',
    member: 'resourceTemplates',
    capability: 'resources',
    key: 'uriTemplate',
    entry: 'template',
  },
} as const;

const MAX_PAGES = 1000;
const MAX_ITEMS = 20_000;
// Definitions are written again and compiled, which takes a call of a function for each level.
const MAX_DEFINITION_DEPTH = 256;
// Enough to see what is wrong with a server; its status is to stay short.
const MAX_LEFT_OUT = 100;
const MAX_NAME_LENGTH = 128;
const METHOD_NOT_FOUND = -32601;

export interface FetchOptions {
  readonly upstream: string;
  /** Longest wait for one page, in milliseconds. */
  readonly listMs: number;
  /** Told what of a list is not offered on, and why, each time it was read. */
  readonly onLeftOut?: (kind: ListKind, entries: readonly LeftOutEntry[]) => void;
}

/** Asks an upstream for everything it offers. @throws GatewayError naming the list that failed and why. */
export async function fetchManifest(connection: Connection, options: FetchOptions): Promise<Manifest> {
  const [tools, prompts, resources, templates] = await Promise.all([
    fetchList(connection, 'tools', options),
    fetchList(connection, 'prompts', options),
    fetchList(connection, 'resources', options),
    fetchList(connection, 'templates', options),
  ]);
  const { info, instructions, capabilities } = connection.server;
  return {
    revision: connection.revision,
    server: info,
    instructions,
    capabilities,
    tools: tools.items as readonly ToolDefinition[],
    prompts: prompts.items,
    resources: resources.items,
    templates: templates.items,
    ...toExtras({ tools, prompts, resources, templates }),
  };
}

/** One list to its end, and how long it holds. */
export interface FetchedList {
  readonly items: readonly Listed[];
  readonly hint: ListHint | undefined;
  /** Whatever else its first page had, as members of an object without braces. */
  readonly rest: string;
}

/** What fetched lists say beside their entries. */
export function toExtras(
  lists: Readonly<Partial<Record<ListKind, FetchedList>>>,
  before: Pick<Manifest, 'hints' | 'rests'> = {},
): Required<Pick<Manifest, 'hints' | 'rests'>> {
  const given = Object.entries(lists);
  return {
    hints: { ...before.hints, ...Object.fromEntries(given.flatMap(([kind, { hint }]) => (hint === undefined ? [] : [[kind, hint]]))) },
    rests: { ...before.rests, ...Object.fromEntries(given.map(([kind, { rest }]) => [kind, rest])) },
  };
}

/**
 * Follows one list to its end. An entry without its name is left out; one whose name was seen before too; one nested too
 * deeply; and a tool that asks for headers no client may send, as modern clients have to.
 * @throws GatewayError `UPSTREAM_PROTOCOL` when pages repeat or never end.
 */
export async function fetchList(connection: Connection, kind: ListKind, options: FetchOptions): Promise<FetchedList> {
  const list = LISTS[kind];
  if (connection.server.capabilities[list.capability] === undefined) return NOTHING;
  const items = new Map<string, Listed>();
  const cursors = new Set<string>();
  const leftOut = new Map<string, LeftOutEntry>();
  const hasMarks = kind === 'tools' && !isHandshake(connection.revision);
  let cursor: string | undefined;
  let hint: ListHint | undefined;
  let rest = '';
  for (let page = 1; ; page++) {
    const raw = await fetchPage(connection, list.method, cursor, options);
    if (raw === undefined) return NOTHING;
    const result = toPage(raw, list.member);
    if (page === 1) rest = restOf(raw, list.member);
    hint = page === 1 ? readHint(result) : leastOf(hint, readHint(result));
    for (const item of Array.isArray(result[list.member]) ? (result[list.member] as unknown[]) : []) {
      const key = isObject(item) ? item[list.key] : undefined;
      if (!isObject(item) || typeof key !== 'string' || key === '' || items.has(key) || !isListable(kind, item)) continue;
      const reason = explainItem(item, hasMarks);
      if (reason === undefined) items.set(key, item);
      else if (leftOut.size < MAX_LEFT_OUT) leftOut.set(key, { kind: list.entry, name: key.slice(0, MAX_NAME_LENGTH), reason });
    }
    const next = result['nextCursor'];
    if (typeof next !== 'string') {
      options.onLeftOut?.(kind, [...leftOut.values()]);
      return { items: [...items.values()], hint, rest };
    }
    if (cursors.has(next)) throw endless(options.upstream, list.method, `cursor ${JSON.stringify(next.slice(0, 40))} came twice`);
    if (page >= MAX_PAGES || items.size > MAX_ITEMS)
      throw endless(options.upstream, list.method, `more than ${MAX_PAGES} pages or ${MAX_ITEMS} entries`);
    cursors.add(next);
    cursor = next;
  }
}

const NOTHING: FetchedList = { items: [], hint: undefined, rest: '' };

function readHint({ ttlMs, cacheScope }: Readonly<Record<string, unknown>>): ListHint | undefined {
  return typeof ttlMs === 'number' && ttlMs >= 0 ? { ttlMs, isPublic: cacheScope === 'public' } : undefined;
}

function leastOf(left: ListHint | undefined, right: ListHint | undefined): ListHint | undefined {
  if (left === undefined || right === undefined) return undefined;
  return { ttlMs: Math.min(left.ttlMs, right.ttlMs), isPublic: left.isPublic && right.isPublic };
}

/** A manifest as it is remembered. What JSON would not give back as it is stands in it as text. */
export function toManifestDocument(manifest: Manifest): unknown {
  const { tools, prompts, resources, templates } = manifest;
  const toItem = (item: Listed) => (hasExactText(item) ? exactJson(item) : item);
  return {
    ...manifest,
    tools: tools.map(toItem),
    prompts: prompts.map(toItem),
    resources: resources.map(toItem),
    templates: templates.map(toItem),
    // Nobody knows how long a list that is remembered still holds.
    hints: undefined,
  };
}

/** Reads a remembered manifest. @returns `undefined` for anything that is not one. */
export function toManifest(document: unknown): Manifest | undefined {
  try {
    return readManifest(document);
  } catch (error) {
    // A text in it is none that was written.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function readManifest(document: unknown): Manifest | undefined {
  if (!isObject(document)) return undefined;
  const { revision, server, instructions, capabilities, tools, prompts, resources, templates, rests } = document;
  const isComplete =
    typeof revision === 'string' &&
    isObject(server) &&
    isObject(capabilities) &&
    [tools, prompts, resources, templates].every(Array.isArray);
  if (!isComplete) return undefined;
  return {
    revision,
    server: server as Implementation,
    instructions: typeof instructions === 'string' ? instructions : undefined,
    capabilities,
    tools: readItems(tools) as readonly ToolDefinition[],
    prompts: readItems(prompts),
    resources: readItems(resources),
    templates: readItems(templates),
    rests: readRests(rests),
  };
}

function readItems(items: unknown): readonly Listed[] {
  return (items as readonly (string | Listed)[]).map((item) => {
    if (typeof item !== 'string') return item;
    const value = JSON.parse(item) as Listed;
    keepExactText(value, item);
    return value;
  });
}

function readRests(rests: unknown): NonNullable<Manifest['rests']> {
  const given = Object.entries(isObject(rests) ? rests : {}).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  for (const [, rest] of given) JSON.parse(`{${rest}}`);
  return Object.fromEntries(given);
}

async function fetchPage(
  connection: Connection,
  method: string,
  cursor: string | undefined,
  options: FetchOptions,
): Promise<RawJson | undefined> {
  const outcome = await connection
    .request({
      method,
      params: toParams({ cursor }),
      client: { revision: MODERN_REVISION, info: undefined, capabilities: {}, logLevel: 'off' },
      principal: OWN_PRINCIPAL,
      cancellation: new Cancellation(),
      timeoutMs: options.listMs,
      emit: undefined,
      wantsProgress: false,
    })
    .catch((error: unknown) => {
      throw duringList(error, method, options);
    });
  if (outcome.kind === 'error') {
    // Servers announce resources and have no templates, or the other way round; that is an empty list, not a failure.
    if (outcome.error.code === METHOD_NOT_FOUND) return undefined;
    throw new GatewayError('UPSTREAM_PROTOCOL', `Cannot list "${options.upstream}": it refused ${method}: ${outcome.error.message}`, {
      data: { upstream: options.upstream, phase: 'list', method },
    });
  }
  try {
    void outcome.result.value;
  } catch (error) {
    throw new GatewayError('UPSTREAM_PROTOCOL', `Cannot list "${options.upstream}": its answer to ${method} is not JSON`, {
      cause: error,
      data: { upstream: options.upstream, phase: 'list' },
    });
  }
  return outcome.result;
}

const KNOWN_MEMBERS: ReadonlySet<string> = new Set(['nextCursor', 'resultType', 'ttlMs', 'cacheScope']);

// Entries are written again in lists of ours, so each keeps its own text where that matters.
function toPage(raw: RawJson, member: string): Readonly<Record<string, unknown>> {
  const page = raw.object ?? {};
  const entries = page[member];
  const list = readMember(raw, member);
  if (Array.isArray(entries) && list !== undefined) {
    const texts = readElements(list);
    for (const [index, entry] of entries.entries()) if (isObject(entry)) keepExactText(entry, texts[index]!.bytes.toString('utf8'));
  }
  return page;
}

function restOf(raw: RawJson, member: string): string {
  const names = Object.keys(raw.object ?? {}).filter((name) => name !== member && !KNOWN_MEMBERS.has(name));
  return names.map((name) => `${JSON.stringify(name)}:${readMember(raw, name)!.bytes.toString('utf8')}`).join(',');
}

// The connection speaks of a call; whoever reads the reason wants to know that it was the list.
function duringList(error: unknown, method: string, { upstream, listMs }: FetchOptions): unknown {
  if (!(error instanceof GatewayError)) return error;
  const isLate = error.code === 'DEADLINE_EXCEEDED';
  if (!isLate && error.code !== 'UPSTREAM_UNAVAILABLE') return error;
  const why = isLate
    ? `no answer to ${method} in ${listMs} ms`
    : `${String(error.data?.['reason'] ?? error.message)} before ${method} was answered`;
  return new GatewayError(error.code, `Cannot list "${upstream}": ${why}`, {
    cause: error,
    data: { ...error.data, upstream, phase: 'list', method },
  });
}

// Why a definition cannot be offered on.
function explainItem(item: Record<string, unknown>, hasMarks: boolean): string | undefined {
  if (isDeeper(item, MAX_DEFINITION_DEPTH)) return `it is nested deeper than ${MAX_DEFINITION_DEPTH} levels`;
  return hasMarks ? explainHeaderMarks(item['inputSchema'] as object) : undefined;
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1));
}

function isListable(kind: ListKind, item: Record<string, unknown>): boolean {
  return kind !== 'tools' || isObject(item['inputSchema']);
}

function endless(upstream: string, method: string, why: string): GatewayError {
  return new GatewayError('UPSTREAM_PROTOCOL', `Cannot list "${upstream}": ${method} does not end: ${why}`, {
    data: { upstream, phase: 'list', method },
  });
}
