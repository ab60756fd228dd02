import { toMessage, type CallerSession, type Clock, type Logger, type Notification } from '@signalbox/core';
import type { Connection } from '@signalbox/protocol';
import type { Surface } from '../catalog/surface.ts';
import { ListRefresh } from './list-refresh.ts';
import { fetchList, type FetchOptions, type ListKind } from './manifest.ts';
import { OwnLists } from './own-lists.ts';
import { StandingWishes } from './standing-wishes.ts';

export interface OwnChangesOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly listing: FetchOptions;
  /** A session has lists of its own. */
  readonly onOwnLists: () => void;
}

interface Member {
  readonly surface: Surface;
  /** What ends its wishes, by the server's URI. */
  readonly releases: Map<string, () => void>;
}

/**
 * What a server behind a connection of a single client's says of changes, for the sessions that use the connection. Its lists
 * are read when it says that they changed, and not before: until then they are taken to be those of the connection all share.
 */
export class OwnChanges {
  readonly #options: OwnChangesOptions;
  readonly #members = new Map<CallerSession, Member>();
  readonly #wishes: StandingWishes;
  #connection: Connection | undefined;
  #refresh: ListRefresh | undefined;
  #lists: OwnLists | undefined;
  /** Lists that were said to have changed while the connection was opened. */
  readonly #early = new Set<ListKind>();
  #reading = Promise.resolve();

  constructor(options: OwnChangesOptions) {
    this.#options = options;
    this.#wishes = new StandingWishes((work, what) => this.#background(work, what));
  }

  get sessions(): Iterable<CallerSession> {
    return this.#members.keys();
  }

  /** A session uses the connection from now on. @param uris What it has subscribed to. */
  join(session: CallerSession, surface: Surface, uris: Iterable<string>): void {
    if (this.#members.has(session)) return;
    this.#members.set(session, { surface, releases: new Map() });
    for (const uri of uris) this.subscribe(session, uri);
    if (this.#lists !== undefined) this.#tell(session, surface);
  }

  /** A session has ended. */
  leave(session: CallerSession): void {
    const member = this.#members.get(session);
    if (member === undefined) return;
    this.#members.delete(session);
    for (const release of member.releases.values()) release();
    member.surface.forget(session);
  }

  subscribe(session: CallerSession, uri: string): void {
    const releases = this.#members.get(session)?.releases;
    if (releases !== undefined && !releases.has(uri)) releases.set(uri, this.#wishes.subscribe(uri));
  }

  unsubscribe(session: CallerSession, uri: string): void {
    const releases = this.#members.get(session)?.releases;
    releases?.get(uri)?.();
    releases?.delete(uri);
  }

  /** The connection is open. Resolves when its server knows what the sessions want to hear of, or after so many milliseconds. */
  open(connection: Connection, waitMs: number): Promise<void> {
    this.#connection = connection;
    if (this.#early.size > 0) this.#readAgain([...this.#early]);
    const attached = this.#wishes.attach(connection);
    return new Promise((resolve) => {
      const stop = this.#options.clock.after(waitMs, resolve);
      void attached.finally(() => {
        stop();
        resolve();
      });
    });
  }

  /** The server has forgotten the conversation, and with it what it had changed there. */
  forget(): void {
    if (this.#lists !== undefined) this.#readAgain(this.#lists.kinds);
  }

  /** Tells the sessions of a change. Returns false for any other notification. */
  take({ method, params }: Notification): boolean {
    if (method === 'notifications/resources/updated') {
      const uri: unknown = params?.object?.['uri'];
      if (params === undefined || typeof uri !== 'string') return true;
      for (const [session, { surface, releases }] of this.#members)
        if (releases.has(uri)) surface.tellUpdated(session, this.#options.listing.upstream, params);
      return true;
    }
    if (this.#members.size === 0) return /^notifications\/(?:tools|prompts|resources)\/list_changed$/.test(method);
    const { clock } = this.#options;
    this.#refresh ??= new ListRefresh({ clock, refresh: (kinds) => this.#readAgain(kinds) });
    return this.#refresh.take(method);
  }

  /** The connection is over: what its sessions see is again what all see. */
  close(): void {
    this.#connection = undefined;
    void this.#wishes.attach(undefined);
    this.#refresh?.stop();
    const lists = this.#lists;
    this.#lists = undefined;
    if (lists !== undefined) for (const [session, { surface }] of this.#members) this.#tell(session, surface);
    this.#members.clear();
  }

  #readAgain(kinds: readonly ListKind[]): void {
    if (this.#connection === undefined) for (const kind of kinds) this.#early.add(kind);
    else {
      const connection = this.#connection;
      // One after the other, so that the last that is read is the last that is shown.
      this.#reading = this.#reading.then(() => this.#read(connection, kinds));
      this.#background(this.#reading, 'list again');
      this.#reading = this.#reading.catch(() => undefined);
    }
  }

  async #read(connection: Connection, kinds: readonly ListKind[]): Promise<void> {
    if (this.#connection !== connection) return;
    // Nobody but its sessions is concerned by what of these lists cannot be offered on.
    const { upstream, listMs } = this.#options.listing;
    const lists = await Promise.all(kinds.map((kind) => fetchList(connection, kind, { upstream, listMs })));
    if (this.#connection !== connection) return;
    const read = Object.fromEntries(kinds.map((kind, index) => [kind, lists[index]!] as const));
    this.#lists = this.#lists?.with(read) ?? new OwnLists(read);
    for (const [session, { surface }] of this.#members) this.#tell(session, surface);
  }

  #tell(session: CallerSession, surface: Surface): void {
    surface.takeOwn(session, this.#options.listing.upstream, this.#lists);
    this.#options.onOwnLists();
  }

  #background(work: Promise<unknown>, what: string): void {
    work.catch((error: unknown) => {
      // What ends with the connection need not be told.
      if (this.#connection !== undefined)
        this.#options.logger.warn(`could not ${what} on the connection of a single client`, { error: toMessage(error) });
    });
  }
}
