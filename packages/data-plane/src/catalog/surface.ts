import { isDeepStrictEqual } from 'node:util';
import {
  IDEMPOTENCY_CAPABILITY,
  RawJson,
  isObject,
  type Implementation,
  type Notification,
  type SurfaceKind,
  type Target,
} from '@signalbox/core';
import { TASKS_EXTENSION, withMember, type ServerProfile } from '@signalbox/protocol';
import { SEARCH_TARGETS, SEARCH_TOOL_NAMES, searchInstructions } from '../search/search-tools.ts';
import { isBuiltIn } from '../upstreams/built-in.ts';
import { buildLists, type CatalogList, type ListName } from './catalog-lists.ts';
import { CatalogView, type Contribution } from './catalog-view.ts';
import type { Exposure } from './exposure.ts';
import { NameLedger } from './name-ledger.ts';

/** What a surface is to show. */
export interface SurfaceWish {
  readonly kind: SurfaceKind;
  /** Upstreams it is made of, also those that are away, in order. */
  readonly upstreams: readonly string[];
  readonly exposure: Exposure;
  readonly info: Implementation;
  /** What the gateway announces that is no part of the specification. */
  readonly experimental: Readonly<Record<string, unknown>>;
  /** Text in front of the upstreams' instructions. */
  readonly instructions: string | undefined;
}

const MAX_INSTRUCTIONS = 8000;

// Upstreams come and go while a client's picture of us is frozen, so everything that may come is announced always.
const LISTED = { listChanged: true };

/**
 * How the gateway looks at one address: a view of the catalog, the names in it, what is said of the whole, and who listens.
 * It stays the same object for as long as the address has its name.
 */
export class Surface {
  /** Of the virtual server; `undefined` for the address where everything is. */
  readonly name: string | undefined;
  #ledger: NameLedger;
  #isLedgerNew = false;
  #wish: SurfaceWish | undefined;
  #view: CatalogView;
  #contributions: readonly Contribution[] = [];
  #profile: ServerProfile;
  readonly #listeners = new Set<(notification: Notification) => void>();

  /** @param ledger The document of its ledger from an earlier run, or `undefined`. */
  constructor(name: string | undefined, ledger: unknown, info: Implementation) {
    this.name = name;
    this.#ledger = new NameLedger(ledger);
    this.#view = new CatalogView({
      contributions: [],
      ledger: this.#ledger,
      isOnly: false,
      exposure: { deny: [], rename: {}, prompts: false, resources: false },
    });
    this.#profile = { info, capabilities: {}, instructions: undefined };
  }

  /** The names in it. */
  get ledger(): NameLedger {
    return this.#ledger;
  }

  /** Whether it was taken out of the configuration. */
  get isGone(): boolean {
    return this.#wish === undefined;
  }

  /** Upstreams it is made of, also those that are away, in order. */
  get upstreams(): readonly string[] {
    return this.#wish?.upstreams ?? [];
  }

  get kind(): SurfaceKind {
    return this.#wish?.kind ?? 'all';
  }

  get view(): CatalogView {
    return this.#view;
  }

  /** What it says of itself; the same object until something of it changes. */
  get profile(): ServerProfile {
    return this.#profile;
  }

  /** A list as it goes to clients, as bytes that stay the same while nothing changes. */
  list(name: ListName): CatalogList {
    return this.kind === 'search' && name === 'tools' ? SEARCH_LIST : this.#view.lists[name];
  }

  /**
   * The tool of that name.
   * @param isFound Whether it was found rather than listed: where tools are searched for, those can be called that way only.
   */
  tool(name: string, isFound: boolean): Target | undefined {
    return this.kind === 'search' && !isFound ? SEARCH_TARGETS.get(name) : this.#view.tool(name);
  }

  /** What clients must hear: changed lists and updated resources. Returns its own stop function. */
  watch(listener: (notification: Notification) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Takes the names another process has given in the place of its own. They show with the next `update`. */
  adopt(ledger: unknown): void {
    this.#ledger = new NameLedger(ledger);
    this.#isLedgerNew = true;
  }

  /**
   * Takes what is wanted of it and what upstreams offer now, and tells listeners of lists that changed thereby.
   * @param contributions Of all upstreams whose lists are known.
   */
  update(wish: SurfaceWish, contributions: ReadonlyMap<string, Contribution>): void {
    const chosen = wish.upstreams.flatMap((name) => contributions.get(name) ?? []);
    if (!this.#isLedgerNew && isDeepStrictEqual(wish, this.#wish) && isSame(chosen, this.#contributions)) return;
    this.#isLedgerNew = false;
    const before = this.#lists();
    this.#wish = wish;
    this.#contributions = chosen;
    this.#view = new CatalogView({
      contributions: chosen,
      ledger: this.#ledger,
      isOnly: wish.upstreams.filter((name) => !isBuiltIn(name)).length === 1,
      exposure: wish.exposure,
      ...(wish.kind === 'search' && { reserved: SEARCH_TOOL_NAMES }),
    });
    this.#profile = {
      info: wish.info,
      capabilities: capabilitiesOf(wish, chosen),
      instructions: instructionsOf(wish, chosen),
    };
    for (const notification of changesBetween(before, this.#lists())) this.#emit(notification);
  }

  /** Shows nothing from now on. */
  retire(): void {
    this.#wish = undefined;
    this.#contributions = [];
  }

  /** Tells listeners that a resource of an upstream changed, if it is shown here. */
  resourceUpdated(upstream: string, params: RawJson): void {
    if (this.#wish?.exposure.resources !== true || !this.#wish.upstreams.includes(upstream)) return;
    const uri: unknown = params.object?.['uri'];
    if (typeof uri !== 'string') return;
    const publicUri = this.#view.publicUri(upstream, uri);
    this.#emit({
      method: 'notifications/resources/updated',
      params: publicUri === uri ? params : withMember(params, 'uri', RawJson.fromValue(publicUri)),
    });
  }

  #lists(): Lists {
    return this.kind === 'search' ? { ...this.#view.lists, tools: SEARCH_LIST } : this.#view.lists;
  }

  #emit(notification: Notification): void {
    for (const listener of this.#listeners) listener(notification);
  }
}

type Lists = Readonly<Record<ListName, CatalogList>>;

const NO_HINT = { hint: { ttlMs: 0, isPublic: false }, rest: '' };
const SEARCH_LIST = buildLists(
  { tools: [...SEARCH_TARGETS.values()].map(({ definition }) => definition!), prompts: [], resources: [], resourceTemplates: [] },
  { tools: NO_HINT, prompts: NO_HINT, resources: NO_HINT, resourceTemplates: NO_HINT },
).tools;

function isSame(left: readonly Contribution[], right: readonly Contribution[]): boolean {
  return (
    left.length === right.length &&
    left.every(({ upstream, config, manifest }, index) => {
      const other = right[index]!;
      return upstream === other.upstream && config === other.config && manifest === other.manifest;
    })
  );
}

function capabilitiesOf({ exposure, experimental }: SurfaceWish, chosen: readonly Contribution[]): Readonly<Record<string, unknown>> {
  const { prompts, resources } = exposure;
  const extensions = { ...joinCapability('extensions', chosen), [TASKS_EXTENSION]: {} };
  // What an upstream promises of keys is true of its own tools only, and would be read as a promise of all that are here.
  const { [IDEMPOTENCY_CAPABILITY]: _theirs, ...joined } = joinCapability('experimental', chosen);
  const others = { ...joined, ...experimental };
  return {
    tools: LISTED,
    ...(prompts && { prompts: LISTED }),
    ...(resources && { resources: { ...LISTED, subscribe: true } }),
    ...((prompts || resources) && { completions: {} }),
    logging: {},
    extensions,
    ...(Object.keys(others).length > 0 && { experimental: others }),
  };
}

// What goes beyond the specification is passed on, so it is announced; where two upstreams say it differently, the first counts.
function joinCapability(name: 'extensions' | 'experimental', chosen: readonly Contribution[]): Readonly<Record<string, unknown>> {
  return Object.assign(
    {},
    ...chosen
      .map(({ manifest }) => manifest.capabilities[name])
      .toReversed()
      .filter(isObject),
  ) as Readonly<Record<string, unknown>>;
}

// Where tools are searched for, what upstreams say comes with the definitions of their tools.
function instructionsOf({ kind, instructions, upstreams }: SurfaceWish, chosen: readonly Contribution[]): string | undefined {
  const named = upstreams.filter((name) => !isBuiltIn(name));
  const ofUpstreams = kind === 'search' ? searchInstructions(named) : joinInstructions(chosen);
  return [instructions, ofUpstreams].filter(Boolean).join('\n\n') || undefined;
}

// The upstreams' instructions, each under its name, bounded.
function joinInstructions(contributions: readonly Contribution[]): string | undefined {
  const given = contributions.filter(({ manifest }) => manifest.instructions !== undefined && manifest.instructions !== '');
  if (given.length === 0) return undefined;
  if (given.length === 1 && contributions.length === 1) return given[0]!.manifest.instructions;
  const share = Math.floor(MAX_INSTRUCTIONS / given.length);
  return given.map(({ upstream, manifest }) => `## ${upstream}\n${shorten(manifest.instructions!, share)}`).join('\n\n');
}

function shorten(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

function changesBetween(before: Lists, after: Lists): Notification[] {
  const isChanged = (name: ListName) => !before[name].modern.bytes.equals(after[name].modern.bytes);
  const changes: Notification[] = [];
  if (isChanged('tools')) changes.push(changeOf('tools'));
  if (isChanged('prompts')) changes.push(changeOf('prompts'));
  if (isChanged('resources') || isChanged('resourceTemplates')) changes.push(changeOf('resources'));
  return changes;
}

function changeOf(kind: 'tools' | 'prompts' | 'resources'): Notification {
  return { method: `notifications/${kind}/list_changed`, params: undefined };
}
