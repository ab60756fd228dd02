import { isDeepStrictEqual } from 'node:util';
import {
  IDEMPOTENCY_CAPABILITY,
  RawJson,
  isObject,
  type CallerSession,
  type Implementation,
  type Notification,
  type SurfaceKind,
  type Target,
  type ToolDefinition,
} from '@signalbox/core';
import { TASKS_EXTENSION, withMember, type ChangeListening, type ServerProfile } from '@signalbox/protocol';
import { SEARCH_TARGETS, SEARCH_TOOL_NAMES, searchInstructions } from '../search/search-tools.ts';
import { isBuiltIn } from '../upstreams/built-in.ts';
import type { ListKind } from '../upstreams/manifest.ts';
import { isSameList, type OwnLists } from '../upstreams/own-lists.ts';
import { buildLists, type CatalogList, type ListName } from './catalog-lists.ts';
import { CatalogView, type Contribution, type ViewOptions } from './catalog-view.ts';
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

/** How a session sees an address whose servers, or some of them, are its own and list something else than those all share. */
interface OwnView {
  /** By upstream. */
  readonly lists: Map<string, OwnLists>;
  /** Made when it is needed. */
  view: CatalogView | undefined;
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
  #options: ViewOptions;
  #view: CatalogView;
  #contributions: readonly Contribution[] = [];
  #profile: ServerProfile;
  readonly #own = new Map<CallerSession, OwnView>();
  readonly #listeners = new Set<ChangeListening>();
  #hot: readonly string[] = [];
  /** The hot set that each session saw first. */
  readonly #hotOf = new WeakMap<CallerSession, readonly string[]>();
  readonly #pinned = new Set<CallerSession>();
  readonly #hotLists = new WeakMap<CatalogView, Map<readonly string[], CatalogList>>();

  /** @param ledger The document of its ledger from an earlier run, or `undefined`. */
  constructor(name: string | undefined, ledger: unknown, info: Implementation) {
    this.name = name;
    this.#ledger = new NameLedger(ledger);
    const exposure = { deny: [], rename: {}, prompts: false, resources: false };
    this.#options = { contributions: [], ledger: this.#ledger, isOnly: false, exposure };
    this.#view = new CatalogView(this.#options);
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

  /** Whether tools are found and called by others here, all or all but a few. */
  get isSearched(): boolean {
    return this.kind !== 'all';
  }

  /** Public names of the tools that are listed beside those to search by. */
  get hotSet(): readonly string[] {
    return this.#hot;
  }

  /**
   * Lists other tools beside those to search by from now on. Sessions that have seen a list keep theirs; all others are told.
   * @param names Public names; those that nobody offers now are listed once they are offered.
   */
  setHotSet(names: readonly string[]): void {
    if (isDeepStrictEqual(names, this.#hot)) return;
    const before = this.#lists(this.#view);
    this.#hot = names;
    for (const notification of changesBetween(before, this.#lists(this.#view))) this.#emit(notification, this.#pinned);
  }

  #hotFor(session: CallerSession | undefined): readonly string[] {
    if (session === undefined || this.kind !== 'hot') return this.#hot;
    let hot = this.#hotOf.get(session);
    if (hot === undefined) {
      this.#hotOf.set(session, (hot = this.#hot));
      this.#pinned.add(session);
      session.watchEnd(() => this.#pinned.delete(session));
    }
    return hot;
  }

  #searchList(view: CatalogView, hot: readonly string[]): CatalogList {
    if (this.kind !== 'hot' || hot.length === 0) return SEARCH_LIST;
    let lists = this.#hotLists.get(view);
    if (lists === undefined) this.#hotLists.set(view, (lists = new Map()));
    let list = lists.get(hot);
    if (list === undefined) {
      const offered = hot.filter((name) => view.definition(name) !== undefined);
      const definitions = offered.map((name) => view.definition(name)!);
      const coreDefinitions = offered.map((name) => view.coreDefinition(name)!);
      lists.set(hot, (list = buildSearchList(definitions, coreDefinitions)));
    }
    return list;
  }

  /** What all see but the sessions that have servers of their own with lists of their own. */
  get view(): CatalogView {
    return this.#view;
  }

  viewFor(session: CallerSession | undefined): CatalogView {
    const own = session === undefined || this.#own.size === 0 ? undefined : this.#own.get(session);
    return own === undefined ? this.#view : (own.view ??= this.#viewWith(own));
  }

  /** What it says of itself; the same object until something of it changes. */
  get profile(): ServerProfile {
    return this.#profile;
  }

  /** A list as it goes to clients, as bytes that stay the same while nothing changes. */
  list(name: ListName, session?: CallerSession): CatalogList {
    const view = this.viewFor(session);
    return name === 'tools' && this.isSearched ? this.#searchList(view, this.#hotFor(session)) : view.lists[name];
  }

  /**
   * The tool of that name. `isFound` says whether it was found rather than listed: where tools are searched for, those can be called that way only.
   */
  tool(
    name: string,
    { isFound, session }: { readonly isFound: boolean; readonly session?: CallerSession | undefined },
  ): Target | undefined {
    const own = this.isSearched && !isFound ? SEARCH_TARGETS.get(name) : undefined;
    // What was in the hot set goes on being called by name by those who have seen it there.
    return own ?? (this.kind === 'search' && !isFound ? undefined : this.viewFor(session).tool(name));
  }

  /** What clients must hear: changed lists and updated resources. Returns its own stop function. */
  watch(listener: ChangeListening): () => void {
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
    const isSameWish = !this.#isLedgerNew && isDeepStrictEqual(wish, this.#wish);
    if (isSameWish && isSame(chosen, this.#contributions)) return;
    this.#isLedgerNew = false;
    const before = this.#lists(this.#view);
    const former = this.#contributions;
    this.#wish = wish;
    this.#contributions = chosen;
    this.#options = {
      contributions: chosen,
      ledger: this.#ledger,
      isOnly: wish.upstreams.filter((name) => !isBuiltIn(name)).length === 1,
      exposure: wish.exposure,
      ...(wish.kind !== 'all' && { reserved: SEARCH_TOOL_NAMES }),
    };
    this.#view = new CatalogView(this.#options);
    this.#profile = {
      info: wish.info,
      capabilities: capabilitiesOf(wish, chosen),
      instructions: instructionsOf(wish, chosen),
    };
    const changes = changesBetween(before, this.#lists(this.#view));
    const except = this.#own.size === 0 ? undefined : new Set(this.#own.keys());
    for (const notification of changes) this.#emit(notification, except);
    for (const [session, own] of this.#own) {
      own.view = undefined;
      for (const change of changes) if (!isSameWish || this.#isNews(change, own, former)) session.notify(change);
    }
  }

  /**
   * Shows a session what a server of its own lists in place of what the one that all share does, and tells it of lists that
   * changed thereby.
   * @param lists `undefined` when the session has no such server any more.
   */
  takeOwn(session: CallerSession, upstream: string, lists: OwnLists | undefined): void {
    const before = this.#lists(this.viewFor(session));
    const own = this.#own.get(session) ?? { lists: new Map<string, OwnLists>(), view: undefined };
    own.view = undefined;
    if (lists === undefined) own.lists.delete(upstream);
    else own.lists.set(upstream, lists);
    if (own.lists.size === 0) this.#own.delete(session);
    else this.#own.set(session, own);
    for (const notification of changesBetween(before, this.#lists(this.viewFor(session)))) session.notify(notification);
  }

  /** Whether it shows anything of an upstream. */
  shows(upstream: string): boolean {
    return this.#contributions.some((each) => each.upstream === upstream);
  }

  /** A session has ended. */
  forget(session: CallerSession): void {
    this.#own.delete(session);
  }

  /** Shows nothing from now on. */
  retire(): void {
    this.#wish = undefined;
    this.#contributions = [];
  }

  /** Tells listeners that a resource of an upstream changed, if it is shown here. */
  resourceUpdated(upstream: string, params: RawJson, except?: ReadonlySet<CallerSession>): void {
    const update = this.#toUpdate(upstream, params, this.#view);
    if (update !== undefined) this.#emit(update, except);
  }

  /** Tells a session that a resource of its own server changed, if it is shown here. */
  tellUpdated(session: CallerSession, upstream: string, params: RawJson): void {
    const update = this.#toUpdate(upstream, params, this.viewFor(session));
    if (update !== undefined) session.notify(update);
  }

  #toUpdate(upstream: string, params: RawJson, view: CatalogView): Notification | undefined {
    if (this.#wish?.exposure.resources !== true || !this.#wish.upstreams.includes(upstream)) return undefined;
    const uri: unknown = params.object?.['uri'];
    if (typeof uri !== 'string') return undefined;
    const publicUri = view.publicUri(upstream, uri);
    return {
      method: 'notifications/resources/updated',
      params: publicUri === uri ? params : withMember(params, 'uri', RawJson.fromValue(publicUri)),
    };
  }

  #viewWith({ lists }: OwnView): CatalogView {
    const contributions = this.#contributions.map((shared) => {
      const manifest = lists.get(shared.upstream)?.over(shared.manifest) ?? shared.manifest;
      return manifest === shared.manifest ? shared : { ...shared, manifest };
    });
    return isSame(contributions, this.#contributions) ? this.#view : new CatalogView({ ...this.#options, contributions });
  }

  // A change on the server may reach both connections, and where a session has a list of its own the common one is no news.
  #isNews({ method }: Notification, { lists }: OwnView, former: readonly Contribution[]): boolean {
    const listOf = ({ upstream, manifest }: Contribution, kind: ListKind) => (lists.get(upstream)?.over(manifest) ?? manifest)[kind];
    const isSameFor = (kind: ListKind) =>
      former.length === this.#contributions.length &&
      former.every((before, index) => {
        const now = this.#contributions[index]!;
        return before.upstream === now.upstream && isSameList(listOf(before, kind), listOf(now, kind));
      });
    return !KINDS_OF[method]!.every(isSameFor);
  }

  #lists(view: CatalogView): Lists {
    return this.isSearched ? { ...view.lists, tools: this.#searchList(view, this.#hot) } : view.lists;
  }

  #emit(notification: Notification, except?: ReadonlySet<CallerSession>): void {
    for (const listener of this.#listeners) listener(notification, except);
  }
}

type Lists = Readonly<Record<ListName, CatalogList>>;

const NO_HINT = { hint: { ttlMs: 0, isPublic: false }, rest: '' };
const SEARCH_LIST = buildSearchList([], []);

function buildSearchList(more: readonly ToolDefinition[], coreMore: readonly ToolDefinition[]): CatalogList {
  const search = [...SEARCH_TARGETS.values()].map(({ definition }) => definition!);
  return buildLists(
    { tools: [...search, ...more], prompts: [], resources: [], resourceTemplates: [] },
    { tools: NO_HINT, prompts: NO_HINT, resources: NO_HINT, resourceTemplates: NO_HINT },
    [...search, ...coreMore],
  ).tools;
}

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
  const ofUpstreams = kind !== 'all' ? searchInstructions(named) : joinInstructions(chosen);
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

const KINDS_OF: Readonly<Record<string, readonly ListKind[]>> = {
  'notifications/tools/list_changed': ['tools'],
  'notifications/prompts/list_changed': ['prompts'],
  'notifications/resources/list_changed': ['resources', 'templates'],
};

function changeOf(kind: 'tools' | 'prompts' | 'resources'): Notification {
  return { method: `notifications/${kind}/list_changed`, params: undefined };
}
