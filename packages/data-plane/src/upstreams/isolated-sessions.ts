import type { CallerSession, RawJson } from '@signalbox/core';
import type { Connection } from '@signalbox/protocol';
import type { Surface } from '../catalog/surface.ts';
import type { OwnChanges } from './own-changes.ts';

/** A connection that is not shared by all, as far as sessions are concerned. */
export interface OwnConnection {
  /** What its server says of changes. */
  readonly changes: OwnChanges;
  /** `undefined` while it is opened. */
  readonly connection: Connection | undefined;
}

interface Member<Own> {
  readonly own: Own;
  readonly unwatch: () => void;
}

/** Which sessions have a connection of their own to one upstream, and what they have subscribed to there. */
export class IsolatedSessions<Own extends OwnConnection> {
  readonly #members = new Map<CallerSession, Member<Own>>();
  readonly #uris = new Map<CallerSession, Set<string>>();

  connectionOf(session: CallerSession): Own | undefined {
    return this.#members.get(session)?.own;
  }

  /** A session uses a connection from now on, unless it has one that is open. @param onEnd Called when the session ends. */
  join(
    session: CallerSession,
    { own, surface, onEnd }: { readonly own: Own; readonly surface: Surface; readonly onEnd: () => void },
  ): void {
    if (this.#members.has(session)) return;
    const member = { own, unwatch: () => undefined };
    this.#members.set(session, member);
    own.changes.join(session, surface, this.#uris.get(session) ?? []);
    const unwatch = session.watchEnd(() => {
      this.#members.delete(session);
      own.changes.leave(session);
      onEnd();
    });
    if (this.#members.get(session) === member) this.#members.set(session, { own, unwatch });
  }

  /** A connection is over. */
  end({ changes }: Own): void {
    for (const session of changes.sessions) {
      this.#members.get(session)?.unwatch();
      this.#members.delete(session);
    }
    changes.close();
  }

  /** A session wants to hear of a resource, also from a server of its own. Returns a function that ends the wish. */
  subscribe(uri: string, session: CallerSession): () => void {
    const uris = this.#uris.get(session) ?? new Set();
    this.#uris.set(session, uris.add(uri));
    this.connectionOf(session)?.changes.subscribe(session, uri);
    return () => {
      if (uris.delete(uri) && uris.size === 0) this.#uris.delete(session);
      this.connectionOf(session)?.changes.unsubscribe(session, uri);
    };
  }

  /** Those that hear of a resource from a server of their own. */
  hearing(params: RawJson): ReadonlySet<CallerSession> | undefined {
    if (this.#uris.size === 0 || this.#members.size === 0) return undefined;
    const uri: unknown = params.object?.['uri'];
    const isOwn = ([session, uris]: readonly [CallerSession, ReadonlySet<unknown>]) =>
      uris.has(uri) && this.connectionOf(session)?.connection !== undefined;
    return new Set([...this.#uris].filter(isOwn).map(([session]) => session));
  }
}
