import {
  isObject,
  pathOf,
  servedBy,
  type CallerSession,
  type GatewayConfig,
  type Implementation,
  type RawJson,
  type Snapshot,
  type VirtualServerConfig,
  type VirtualServerStatus,
} from '@signalbox/core';
import { isBuiltIn } from '../upstreams/built-in.ts';
import type { Contribution } from './catalog-view.ts';
import { FULL_EXPOSURE } from './exposure.ts';
import { Surface, type SurfaceWish } from './surface.ts';

/** What the gateway says of itself. */
export interface OwnProfile {
  readonly info: Implementation;
  /** What it announces that is no part of the specification. */
  readonly experimental: Readonly<Record<string, unknown>>;
}

/** What all upstreams offer, as it is shown at each address: where everything is, and at every virtual server. */
export class Catalog {
  /** Where everything is. */
  readonly main: Surface;
  readonly #own: OwnProfile;
  /** Those that are gone are kept with their names: whoever still holds one finds it again when it comes back. */
  readonly #servers = new Map<string, Surface>();
  #paths: ReadonlyMap<string, string> = new Map();
  readonly #listeners = new Set<() => void>();
  readonly #updateListeners = new Set<() => void>();

  /** @param document What `toDocument` returned in an earlier run, or `undefined`. */
  constructor(document: unknown, { info, experimental }: OwnProfile) {
    const { servers } = isObject(document) ? document : { servers: undefined };
    this.main = new Surface(undefined, document, info);
    this.#own = { info, experimental };
    for (const [name, ledger] of Object.entries(isObject(servers) ? servers : {})) this.#servers.set(name, new Surface(name, ledger, info));
  }

  /** The surface of a virtual server, if one of that name is configured. */
  server(name: string): Surface | undefined {
    const surface = this.#servers.get(name);
    return surface?.isGone === true ? undefined : surface;
  }

  /** The names of the virtual servers that are configured, by the path where each is reached. */
  get paths(): ReadonlyMap<string, string> {
    return this.#paths;
  }

  /** What is shown at each virtual server. */
  status(): readonly VirtualServerStatus[] {
    return [...this.#paths].map(([path, name]) => {
      const { kind, upstreams, view } = this.#servers.get(name)!;
      const [resources, prompts] = [view.lists.resources.length, view.lists.prompts.length];
      return { name, path, surface: kind, upstreams, tools: view.tools.size, resources, prompts };
    });
  }

  /** Calls `listener` when a virtual server appears, moves or goes. Returns its own stop function. */
  watchPaths(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The surfaces that are reached: where everything is, and of virtual servers. */
  get surfaces(): readonly Surface[] {
    return [this.main, ...[...this.#paths.values()].map((name) => this.#servers.get(name)!)];
  }

  /** Calls `listener` after what is shown may have changed. Returns its own stop function. */
  watchUpdates(listener: () => void): () => void {
    this.#updateListeners.add(listener);
    return () => this.#updateListeners.delete(listener);
  }

  /** Takes the names another process has given, as its `toDocument` has them. They show with the next `update`. */
  adopt(document: unknown): void {
    const { servers } = isObject(document) ? document : { servers: undefined };
    const ledgers: Readonly<Record<string, unknown>> = isObject(servers) ? servers : {};
    this.main.adopt(document);
    for (const [name, surface] of this.#servers) surface.adopt(ledgers[name]);
    for (const [name, ledger] of Object.entries(ledgers))
      if (!this.#servers.has(name)) this.#servers.set(name, new Surface(name, ledger, this.#own.info));
  }

  /**
   * Takes what is wanted and what upstreams offer now. Each surface tells its own listeners of what changed for them.
   * @param contributions Of all upstreams whose lists are known, by name.
   */
  update({ config, upstreams }: Snapshot, contributions: ReadonlyMap<string, Contribution>): void {
    this.main.update(
      {
        kind: config.surface,
        upstreams: [...upstreams.keys()],
        exposure: FULL_EXPOSURE,
        ...this.#own,
        instructions: config.instructions,
      },
      contributions,
    );
    const wanted = Object.entries(config.virtualServers);
    // What the gateway brings along belongs to every address, as what it does for a call does.
    const builtIn = [...upstreams.keys()].filter(isBuiltIn);
    for (const [name, surface] of this.#servers) if (!Object.hasOwn(config.virtualServers, name)) surface.retire();
    for (const [name, server] of wanted) {
      let surface = this.#servers.get(name);
      if (surface === undefined) this.#servers.set(name, (surface = new Surface(name, undefined, this.#own.info)));
      surface.update(toWish(name, server, { config, own: this.#own, builtIn }), contributions);
    }
    const paths = new Map(wanted.map(([name, server]) => [pathOf(name, server), name]));
    const isSame = paths.size === this.#paths.size && [...paths].every(([path, name]) => this.#paths.get(path) === name);
    if (!isSame) {
      this.#paths = paths;
      for (const listener of this.#listeners) listener();
    }
    for (const listener of this.#updateListeners) listener();
  }

  /** Tells of a changed resource wherever it is shown, but not the sessions in `except`. */
  resourceUpdated(upstream: string, params: RawJson, except?: ReadonlySet<CallerSession>): void {
    this.main.resourceUpdated(upstream, params, except);
    for (const surface of this.#servers.values()) surface.resourceUpdated(upstream, params, except);
  }

  /** Whether names were given since the last `toDocument`. */
  get isChanged(): boolean {
    return this.main.ledger.isChanged || [...this.#servers.values()].some(({ ledger }) => ledger.isChanged);
  }

  /** All names given so far as JSON, for the document store. */
  toDocument(): unknown {
    const servers = Object.fromEntries([...this.#servers].map(([name, { ledger }]) => [name, ledger.toDocument()]));
    return { ...this.main.ledger.toDocument(), ...(this.#servers.size > 0 && { servers }) };
  }
}

function toWish(
  name: string,
  server: VirtualServerConfig,
  { config, own, builtIn }: { readonly config: GatewayConfig; readonly own: OwnProfile; readonly builtIn: readonly string[] },
): SurfaceWish {
  return {
    kind: server.surface,
    upstreams: [...servedBy(server, config.mcpServers), ...builtIn],
    exposure: { ...server.tools, prompts: server.prompts, resources: server.resources },
    info: { ...own.info, title: server.title ?? name },
    experimental: own.experimental,
    instructions: server.instructions,
  };
}
