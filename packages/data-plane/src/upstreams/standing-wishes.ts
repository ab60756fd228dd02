import { LOG_LEVELS, type LogLevel } from '@signalbox/core';
import type { Connection } from '@signalbox/protocol';

/** What callers want of an upstream beyond single calls. It outlives connections: each new one is told of it. */
export class StandingWishes {
  readonly #report: (work: Promise<unknown>, what: string) => void;
  readonly #subscriptions = new Map<string, number>();
  #logLevel: LogLevel | undefined;
  #connection: Connection | undefined;

  /** @param report Takes work nobody waits for, and what it is for the log. */
  constructor(report: (work: Promise<unknown>, what: string) => void) {
    this.#report = report;
  }

  /** Tells a new connection of every wish; `undefined` when there is none any more. */
  attach(connection: Connection | undefined): void {
    this.#connection = connection;
    if (connection === undefined) return;
    for (const uri of this.#subscriptions.keys()) this.#report(connection.subscribe(uri), 'subscribe');
    if (this.#logLevel !== undefined) this.#report(connection.setLogLevel(this.#logLevel), 'set the log level');
  }

  /** Lowers the level of log messages asked of the server if a caller wants more than it sends. */
  wantLogLevel(level: LogLevel): void {
    if (this.#logLevel !== undefined && LOG_LEVELS.indexOf(this.#logLevel) <= LOG_LEVELS.indexOf(level)) return;
    this.#logLevel = level;
    if (this.#connection !== undefined) this.#report(this.#connection.setLogLevel(level), 'set the log level');
  }

  /** Asks to hear of changes to a resource for as long as anyone does. Returns a function that ends the wish. */
  subscribe(uri: string): () => void {
    const count = this.#subscriptions.get(uri) ?? 0;
    this.#subscriptions.set(uri, count + 1);
    if (count === 0 && this.#connection !== undefined) this.#report(this.#connection.subscribe(uri), 'subscribe');
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#release(uri);
    };
  }

  #release(uri: string): void {
    const left = (this.#subscriptions.get(uri) ?? 1) - 1;
    if (left > 0) {
      this.#subscriptions.set(uri, left);
      return;
    }
    this.#subscriptions.delete(uri);
    if (this.#connection !== undefined) this.#report(this.#connection.unsubscribe(uri), 'unsubscribe');
  }
}
