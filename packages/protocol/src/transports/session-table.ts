import { GatewayError, type Clock } from '@signalbox/core';
import type { ServerSession } from '../peers/server-session.ts';
import type { EventLogs } from './event-logs.ts';
import type { EventStream } from './event-stream.ts';

/** A session as HTTP keeps it between requests. */
export interface SessionEntry {
  readonly id: string;
  readonly session: ServerSession;
  lastUsedMs: number;
  /** Open notification streams, oldest first. */
  streams: EventStream[] | undefined;
  /** What can be had again of the session's streams. */
  logs: EventLogs | undefined;
}

export interface SessionLimits {
  /** What is kept of a session without a request or an open stream for this long is let go. */
  readonly idleSeconds: number;
  /** Sessions kept; beyond it the one idle longest is let go. */
  readonly max: number;
  /** How long the id of a session that was let go is good for taking it up again. */
  readonly maxAgeSeconds: number;
}

/** How exactly idle time is counted, as a share of the time to live. */
const TOUCH_SHARE = 0.01;

/** The open sessions by id. A session with a request in flight or an open stream is not idle. */
export class SessionTable {
  readonly #clock: Clock;
  readonly #idleMs: number;
  readonly #max: number;
  readonly #onEnd: (entry: SessionEntry) => void;
  // Insertion order is the order of last use.
  readonly #entries = new Map<string, SessionEntry>();
  #newest: SessionEntry | undefined;
  #stopTimer: (() => void) | undefined;

  constructor(clock: Clock, limits: SessionLimits, onEnd: (entry: SessionEntry) => void = () => undefined) {
    this.#clock = clock;
    this.#onEnd = onEnd;
    this.#idleMs = limits.idleSeconds * 1000;
    this.#max = limits.max;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** @throws GatewayError `OVERLOADED` when there are as many sessions as allowed and all are in use. */
  add(id: string, session: ServerSession): SessionEntry {
    if (this.#entries.size >= this.#max) this.#evict();
    const entry: SessionEntry = { id, session, lastUsedMs: this.#clock.monotonic(), streams: undefined, logs: undefined };
    this.#entries.set(entry.id, entry);
    this.#newest = entry;
    this.#stopTimer ??= this.#clock.after(this.#idleMs, () => this.#sweep());
    return entry;
  }

  /** The session with that id, which counts as used from now. */
  use(id: string): SessionEntry | undefined {
    const entry = this.#entries.get(id);
    if (entry !== undefined) this.touch(entry);
    return entry;
  }

  /** Counts a session as used from now. */
  touch(entry: SessionEntry): void {
    const now = this.#clock.monotonic();
    // A session in use moves to the end of the order now and then rather than with every request.
    if (now - entry.lastUsedMs < this.#idleMs * TOUCH_SHARE) return;
    entry.lastUsedMs = now;
    if (entry === this.#newest || !this.#entries.delete(entry.id)) return;
    this.#entries.set(entry.id, entry);
    this.#newest = entry;
  }

  /** Ends a session and everything that belongs to it. */
  end(entry: SessionEntry, reason: string): void {
    if (!this.#entries.delete(entry.id)) return;
    if (this.#newest === entry) this.#newest = undefined;
    this.#onEnd(entry);
    entry.session.close(reason);
    for (const stream of entry.streams?.splice(0) ?? []) stream.end();
  }

  /** Ends the sessions that are not in use. @returns whether none is left. */
  closeIdle(reason: string): boolean {
    for (const entry of this.#entries.values()) if (!isInUse(entry)) this.end(entry, reason);
    return this.#entries.size === 0;
  }

  /** Ends all sessions. */
  close(reason: string): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    for (const entry of this.#entries.values()) this.end(entry, reason);
  }

  #evict(): void {
    for (const entry of this.#entries.values()) {
      if (isInUse(entry)) continue;
      return this.end(entry, 'Too many sessions are open, and this one was idle longest');
    }
    throw new GatewayError('OVERLOADED', `Cannot open another session: all ${this.#max} are in use`);
  }

  #sweep(): void {
    this.#stopTimer = undefined;
    const now = this.#clock.monotonic();
    for (const entry of this.#entries.values()) {
      const dueMs = entry.lastUsedMs + this.#idleMs;
      if (dueMs > now) {
        this.#stopTimer = this.#clock.after(dueMs - now, () => this.#sweep());
        return;
      }
      if (isInUse(entry)) this.touch(entry);
      else this.end(entry, 'The session was idle for too long');
    }
    if (this.#entries.size > 0) this.#stopTimer = this.#clock.after(this.#idleMs, () => this.#sweep());
  }
}

function isInUse(entry: SessionEntry): boolean {
  return entry.session.isBusy || (entry.streams !== undefined && entry.streams.length > 0);
}
