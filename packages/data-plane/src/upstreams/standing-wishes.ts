import { LOG_LEVELS, type LogLevel } from '@signalbox/core';
import type { Connection } from '@signalbox/protocol';

/** What callers want of an upstream beyond single calls. It outlives connections: each new one is told of it. */
export class StandingWishes {
  readonly #report: (work: Promise<unknown>, what: string) => void;
  readonly #subscriptions: Counted;
  readonly #tasks: Counted;
  #logLevel: LogLevel | undefined;
  #connection: Connection | undefined;

  /** @param report Takes work nobody waits for, and what it is for the log. */
  constructor(report: (work: Promise<unknown>, what: string) => void) {
    this.#report = report;
    this.#subscriptions = new Counted({
      onFirst: (uri) => this.#tell((connection) => connection.subscribe(uri), 'subscribe'),
      onLast: (uri) => this.#tell((connection) => connection.unsubscribe(uri), 'unsubscribe'),
    });
    this.#tasks = new Counted({
      onFirst: (id) => this.#connection?.watchTask(id),
      onLast: (id) => this.#connection?.unwatchTask(id),
    });
  }

  /** Tells a new connection of every wish; `undefined` when there is none any more. Resolves when the server has heard of all. */
  async attach(connection: Connection | undefined): Promise<void> {
    this.#connection = connection;
    if (connection === undefined) return;
    const told = [...this.#subscriptions.wanted].map((uri) => ({ work: connection.subscribe(uri), what: 'subscribe' }));
    for (const id of this.#tasks.wanted) connection.watchTask(id);
    if (this.#logLevel !== undefined) told.push({ work: connection.setLogLevel(this.#logLevel), what: 'set the log level' });
    for (const { work, what } of told) this.#report(work, what);
    await Promise.allSettled(told.map(({ work }) => work));
  }

  /** Lowers the level of log messages asked of the server if a caller wants more than it sends. */
  wantLogLevel(level: LogLevel): void {
    if (this.#logLevel !== undefined && LOG_LEVELS.indexOf(this.#logLevel) <= LOG_LEVELS.indexOf(level)) return;
    this.#logLevel = level;
    if (this.#connection !== undefined) this.#report(this.#connection.setLogLevel(level), 'set the log level');
  }

  /** Asks to hear of changes to a resource for as long as anyone does. Returns a function that ends the wish. */
  subscribe(uri: string): () => void {
    return this.#subscriptions.add(uri);
  }

  /** Asks to hear of a task, by the server's own id, for as long as anyone does. Returns a function that ends the wish. */
  watchTask(id: string): () => void {
    return this.#tasks.add(id);
  }

  #tell(wish: (connection: Connection) => Promise<unknown>, what: string): void {
    if (this.#connection !== undefined) this.#report(wish(this.#connection), what);
  }
}

interface CountedOptions {
  readonly onFirst: (key: string) => void;
  readonly onLast: (key: string) => void;
}

/** What several want at once: asked for with the first wish, and given up with the last. */
class Counted {
  readonly #counts = new Map<string, number>();
  readonly #options: CountedOptions;

  constructor(options: CountedOptions) {
    this.#options = options;
  }

  get wanted(): Iterable<string> {
    return this.#counts.keys();
  }

  add(key: string): () => void {
    const count = this.#counts.get(key) ?? 0;
    this.#counts.set(key, count + 1);
    if (count === 0) this.#options.onFirst(key);
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#release(key);
    };
  }

  #release(key: string): void {
    const left = (this.#counts.get(key) ?? 1) - 1;
    if (left > 0) {
      this.#counts.set(key, left);
      return;
    }
    this.#counts.delete(key);
    this.#options.onLast(key);
  }
}
