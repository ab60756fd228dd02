import {
  toMessage,
  type CallerSession,
  type Clock,
  type DesiredUpstream,
  type DocumentStore,
  type Implementation,
  type Logger,
  type Notification,
  type Snapshot,
  type State,
  type UpstreamStatus,
} from '@signalbox/core';
import { Catalog } from '../catalog/catalog.ts';
import type { Contribution } from '../catalog/catalog-view.ts';
import type { TaskMessages } from '../tasks/task-messages.ts';
import { LedDocuments, type LeadDocuments } from './led-documents.ts';
import { toManifest, toManifestDocument, type Manifest } from './manifest.ts';
import { Upstream, type UpstreamParts } from './upstream.ts';

export interface SupervisorOptions {
  readonly state: State;
  readonly documents: DocumentStore;
  /** Of another process that decides what is listed and under which names. This one then shows what that does, and writes nothing. */
  readonly lead?: LeadDocuments | undefined;
  readonly open: UpstreamParts['open'];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly tasks: TaskMessages;
  /** Upstreams started at the same time. */
  readonly startConcurrency: number;
  /** Who we are towards clients. */
  readonly info: Implementation;
  /** What the gateway announces that is no part of the specification. */
  readonly experimental: Readonly<Record<string, unknown>>;
  readonly random?: () => number;
}

const LEDGER_KEY = 'names';

/**
 * Keeps what runs equal to what is wanted: starts what is new, stops what is gone, replaces what changed and leaves
 * everything else alone. Owns the upstreams and the catalog made of what they offer.
 */
export class Supervisor {
  readonly catalog: Catalog;
  readonly #options: SupervisorOptions;
  readonly #upstreams = new Map<string, Upstream>();
  /** Documents of what each upstream offered last. */
  readonly #remembered: Map<string, unknown>;
  readonly #pastStarts = new Map<string, number>();
  readonly #stateListeners = new Set<(upstream: Upstream) => void>();
  readonly #starts: Semaphore;
  readonly #led: LedDocuments<DesiredUpstream, Manifest | undefined> | undefined;
  /** The names that the process which decides has given. */
  #ledNames: unknown;
  #closing: Promise<void>[] = [];
  #stopWatching: (() => void) | undefined;
  #stopFollowing: (() => void) | undefined;
  #isStarted = false;
  #isClosed = false;

  private constructor(options: SupervisorOptions, ledger: unknown, remembered: Map<string, unknown>) {
    this.#options = options;
    this.#remembered = remembered;
    this.#starts = new Semaphore(options.startConcurrency);
    this.catalog = new Catalog(ledger, options);
    if (options.lead === undefined) return;
    this.#led = new LedDocuments(toRemembered);
    this.#ledNames = ledger;
    for (const [name, document] of remembered) this.#led.put(toKey(name), document);
    this.#stopFollowing = options.lead.watch((key, document) => this.#follow(key, document));
  }

  /** Reads what is remembered, then takes up the present snapshot and follows every later one. The caller starts and closes it. */
  static async create(options: SupervisorOptions): Promise<Supervisor> {
    const { documents, state } = options;
    const names = [...state.current.upstreams.keys()];
    const [ledger, ...manifests] = await Promise.all([documents.read(LEDGER_KEY), ...names.map((name) => documents.read(toKey(name)))]);
    const remembered = new Map(names.map((name, index) => [name, manifests[index]]));
    const supervisor = new Supervisor(options, ledger, remembered);
    supervisor.#reconcile(state.current);
    supervisor.#stopWatching = state.watch((next) => supervisor.#reconcile(next));
    return supervisor;
  }

  get(name: string): Upstream | undefined {
    return this.#upstreams.get(name);
  }

  /** Starts everything that is wanted, now and from now on. Until then lists are answered from what is remembered. */
  start(): void {
    this.#isStarted = true;
    for (const upstream of this.#upstreams.values()) upstream.start();
  }

  /** Tells the servers that a session has connections of its own to what its client told us. */
  notify(notification: Notification, session: CallerSession): void {
    for (const upstream of this.#upstreams.values()) upstream.isolated.notify(notification, session);
  }

  /** Fetches a list of an upstream again, as if its server had said that it changed. */
  listChanged(upstream: string, method: string): void {
    this.#upstreams.get(upstream)?.listChanged(method);
  }

  /** Calls `listener` whenever an upstream changes its state. Returns its own stop function. */
  watchStates(listener: (upstream: Upstream) => void): () => void {
    this.#stateListeners.add(listener);
    return () => this.#stateListeners.delete(listener);
  }

  /** Whether one of these is on its first way up and nothing is known of what it offers. */
  isSettling(names: readonly string[]): boolean {
    for (const name of names) {
      const upstream = this.#upstreams.get(name);
      if (this.#listedBy(upstream) === undefined && (upstream?.state === 'starting' || upstream?.state === 'configured')) return true;
    }
    return false;
  }

  /** Whether anything is known of what one of these offers. */
  isAnyListed(names: readonly string[]): boolean {
    return names.some((name) => this.#listedBy(this.#upstreams.get(name)) !== undefined);
  }

  /** Those of these that are wanted and of which nobody knows yet what they offer. */
  unlisted(names: readonly string[]): readonly Upstream[] {
    return names.flatMap((name) => {
      const upstream = this.#upstreams.get(name);
      return upstream === undefined || this.#listedBy(upstream) !== undefined || upstream.state === 'stopped' ? [] : [upstream];
    });
  }

  status(): readonly UpstreamStatus[] {
    return this.#inOrder().map((upstream) => upstream.status());
  }

  /** Stops every upstream, all at once, and waits until the last one is gone. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stopWatching?.();
    this.#stopFollowing?.();
    const upstreams = [...this.#upstreams.values()];
    this.#upstreams.clear();
    await Promise.all([...this.#closing, ...upstreams.map((upstream) => upstream.close('the gateway is stopping'))]);
  }

  #reconcile(snapshot: Snapshot): void {
    for (const [name, upstream] of this.#upstreams) {
      if (snapshot.upstreams.get(name) === upstream.desired) continue;
      this.#upstreams.delete(name);
      this.#remember(upstream);
      this.#track(upstream.close(snapshot.upstreams.has(name) ? 'replaced by its new configuration' : 'removed from the configuration'));
    }
    for (const [name, desired] of snapshot.upstreams) {
      if (this.#upstreams.has(name)) continue;
      const upstream = new Upstream(
        desired,
        { manifest: toRemembered(this.#remembered.get(name), desired), starts: this.#pastStarts.get(name) ?? 0 },
        this.#parts(),
      );
      this.#upstreams.set(name, upstream);
      if (this.#isStarted) upstream.start();
    }
    this.#rebuild();
  }

  #remember({ name, manifest, desired, starts }: Upstream): void {
    if (manifest !== undefined) this.#remembered.set(name, toDocument(manifest, desired));
    this.#pastStarts.set(name, starts);
  }

  #parts(): UpstreamParts {
    const { open, clock, logger, random, tasks } = this.#options;
    return {
      open,
      clock,
      logger,
      random: random ?? Math.random,
      startPermit: () => this.#starts.take(),
      onManifest: (upstream) => this.#takeManifest(upstream),
      onResourceUpdated: (upstream, params) =>
        this.#isClosed || this.catalog.resourceUpdated(upstream.name, params, upstream.isolated.sessions.hearing(params)),
      onListChanged: ({ name, desired }, method) => {
        // What is reached by an address tells each process.
        if (desired.config.url === undefined) this.#options.lead?.listChanged(name, method);
      },
      onOwnLists: () => this.#isClosed || this.#saveNames(),
      tasks,
      onState: (upstream) => {
        for (const listener of this.#stateListeners) listener(upstream);
      },
    };
  }

  #takeManifest(upstream: Upstream): void {
    if (this.#upstreams.get(upstream.name) !== upstream) return;
    this.#rebuild();
    this.#save(toKey(upstream.name), toDocument(upstream.manifest!, upstream.desired));
  }

  #rebuild(): void {
    if (this.#isClosed) return;
    const contributions = new Map<string, Contribution>();
    for (const upstream of this.#upstreams.values()) {
      const { name, desired } = upstream;
      const { config } = desired;
      const manifest = this.#listedBy(upstream);
      if (manifest !== undefined && !config.disabled) contributions.set(name, { upstream: name, config, manifest });
    }
    // Names given here meanwhile are no more than guesses at what the other process will decide.
    if (this.#led !== undefined && this.catalog.isChanged) this.catalog.adopt(this.#ledNames);
    this.catalog.update(this.#options.state.current, contributions);
    this.#saveNames();
  }

  #saveNames(): void {
    if (this.#led === undefined && this.catalog.isChanged) this.#save(LEDGER_KEY, this.catalog.toDocument());
  }

  /** What it is shown to offer. */
  #listedBy(upstream: Upstream | undefined): Manifest | undefined {
    if (upstream === undefined || this.#led === undefined) return upstream?.manifest;
    return this.#led.get(toKey(upstream.name), upstream.desired);
  }

  #follow(key: string, document: unknown): void {
    if (key === LEDGER_KEY) {
      this.#ledNames = document;
      this.catalog.adopt(document);
    } else this.#led?.put(key, document);
    this.#rebuild();
    // Whoever waits for lists to be known looks again.
    for (const upstream of this.#upstreams.values()) {
      if (key === toKey(upstream.name)) for (const listener of this.#stateListeners) listener(upstream);
    }
  }

  #inOrder(): Upstream[] {
    const ordered: Upstream[] = [];
    for (const name of this.#options.state.current.upstreams.keys()) {
      const upstream = this.#upstreams.get(name);
      if (upstream !== undefined) ordered.push(upstream);
    }
    return ordered;
  }

  #save(key: string, document: unknown): void {
    if (this.#led !== undefined) return;
    this.#options.documents
      .write(key, document)
      .catch((error: unknown) => this.#options.logger.error('could not remember', { key, error: toMessage(error) }));
  }

  #track(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) => this.#options.logger.error('could not close an upstream', { error: toMessage(error) }))
      .finally(() => {
        this.#closing = this.#closing.filter((other) => other !== tracked);
      });
    this.#closing.push(tracked);
  }
}

function toKey(upstream: string): string {
  return `manifest.${Buffer.from(upstream).toString('hex')}`;
}

// A manifest belongs to what was started: another command or address under the same name is another server.
function toDocument(manifest: Manifest, desired: DesiredUpstream): unknown {
  return { origin: toOrigin(desired), manifest: toManifestDocument(manifest) };
}

function toRemembered(document: unknown, desired: DesiredUpstream): Manifest | undefined {
  const { origin, manifest } = (document ?? {}) as { origin?: unknown; manifest?: unknown };
  return origin === toOrigin(desired) ? toManifest(manifest) : undefined;
}

function toOrigin({ config }: DesiredUpstream): string {
  return JSON.stringify([config.command, config.args, config.cwd, config.url, config.module]);
}

/** Bounds how many hold a permit at once; the others wait in the order they came. */
class Semaphore {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(permits: number) {
    this.#free = permits;
  }

  async take(): Promise<() => void> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    let isReleased = false;
    return () => {
      if (isReleased) return;
      isReleased = true;
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    };
  }
}
