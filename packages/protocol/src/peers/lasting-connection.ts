import { GatewayError, toMessage, type Cancellation, type Clock, type LogLevel, type Notification, type Outcome } from '@signalbox/core';
import { Deadlines, type Timed } from './deadlines.ts';
import type { Caller, Connection, OutgoingRequest, ServerProfile } from './peer.ts';
import { tellOfChanges } from './tell-of-changes.ts';
import { callCancelled, unavailable } from './upstream-errors.ts';

const FIRST_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 2_000;
// A break that lasts longer is not a short one, and a connection that never lasts is not worth keeping.
const MAX_BREAK_MS = 10_000;
const MAX_ATTEMPTS = 8;
const STEADY_MS = 5_000;
const MAX_WAITING = 1_024;

export interface LastingConnectionOptions {
  readonly upstream: string;
  /** Opens the next conversation, with everything that opening takes. */
  readonly reopen: () => Promise<Connection>;
  /** Is told after a break, as if by the server, of what may have changed meanwhile: lists and resources. */
  readonly onNotification: (notification: Notification) => void;
  /** Told of it in place of changed lists. */
  readonly onForgotten?: () => void;
  readonly clock: Clock;
  /** Told why the connection broke, once another is there. */
  readonly onReopened?: (reason: string) => void;
  readonly onAnomaly?: (text: string) => void;
}

/**
 * Keeps a conversation with a server going although the connections that carry it break. What was in flight when one
 * breaks fails as on any connection, for it may have run. What has certainly not left waits for the next connection,
 * and so does what comes meanwhile: at most 1,024 requests, each within its own budget. The conversation is over when the
 * break lasts ten seconds, after eight attempts without a connection that lasts, or when another server answers.
 */
export class LastingConnection implements Connection {
  readonly isCorrelated = false;
  readonly revision: string;
  readonly server: ServerProfile;
  readonly closed: Promise<string>;
  readonly #options: LastingConnectionOptions;
  readonly #deadlines: Deadlines;
  readonly #waiting = new Set<Waiter>();
  readonly #uris = new Set<string>();
  readonly #taskIds = new Set<string>();
  #logLevel: LogLevel | undefined;
  #current: Connection | undefined;
  #openedAt = 0;
  #attempts = 0;
  #closedWith: string | undefined;
  #stopBreakTimer: (() => void) | undefined;
  #reportClosed!: (reason: string) => void;

  constructor(first: Connection, options: LastingConnectionOptions) {
    this.revision = first.revision;
    this.server = first.server;
    this.closed = new Promise((resolve) => (this.#reportClosed = resolve));
    this.#options = options;
    this.#deadlines = new Deadlines(options.clock);
    this.#use(first);
  }

  async request(request: OutgoingRequest): Promise<Outcome> {
    const { method, timeoutMs, cancellation } = request;
    const deadlineMs = this.#deadlines.in(timeoutMs);
    let connection = this.#current;
    let next = request;
    for (;;) {
      if (connection === undefined) {
        connection = await this.#next({ method, budgetMs: timeoutMs, deadlineMs, cancellation });
        next = { ...request, timeoutMs: Math.max(1, deadlineMs - this.#options.clock.monotonic()) };
      }
      try {
        return await connection.request(next);
      } catch (error) {
        if (!isUnsent(error) || this.#closedWith !== undefined) throw error;
        // The request hears of the break before we do.
        this.#lose(connection, String(error.data?.['reason'] ?? error.message));
        connection = this.#current;
      }
    }
  }

  notify(notification: Notification, caller?: Caller): void {
    this.#current?.notify(notification, caller);
  }

  async ping(timeoutMs: number): Promise<void> {
    const connection = await this.#connection('ping', timeoutMs);
    await connection.ping(timeoutMs);
  }

  async subscribe(uri: string): Promise<void> {
    const connection = await this.#connection('resources/subscribe', MAX_BREAK_MS);
    this.#uris.add(uri);
    await connection.subscribe(uri);
  }

  async unsubscribe(uri: string): Promise<void> {
    this.#uris.delete(uri);
    await this.#current?.unsubscribe(uri);
  }

  watchTask(taskId: string): void {
    this.#taskIds.add(taskId);
    this.#current?.watchTask(taskId);
  }

  unwatchTask(taskId: string): void {
    this.#taskIds.delete(taskId);
    this.#current?.unwatchTask(taskId);
  }

  async setLogLevel(level: LogLevel): Promise<void> {
    this.#logLevel = level;
    await this.#current?.setLogLevel(level);
  }

  async close(): Promise<void> {
    const current = this.#current;
    this.#end('closed by the gateway');
    await current?.close();
  }

  #connection(method: string, budgetMs: number): Connection | Promise<Connection> {
    return this.#current ?? this.#next({ method, budgetMs, deadlineMs: this.#deadlines.in(budgetMs) });
  }

  #next(wish: Wish): Promise<Connection> {
    const { upstream } = this.#options;
    if (this.#closedWith !== undefined) return Promise.reject(unavailable(upstream, this.#closedWith, { sent: false }));
    if (wish.cancellation?.reason !== undefined) return Promise.reject(callCancelled(upstream, wish.method, wish.cancellation.reason));
    if (this.#waiting.size >= MAX_WAITING) {
      const reason = `its connection broke, and ${MAX_WAITING} requests wait for the next one already`;
      return Promise.reject(unavailable(upstream, reason, { sent: false }));
    }
    return new Promise((resolve, reject) => {
      const waiter: Waiter = new Waiter(upstream, wish, (result) => {
        this.#waiting.delete(waiter);
        this.#deadlines.delete(waiter);
        if (result instanceof Error) reject(result);
        else resolve(result);
      });
      this.#waiting.add(waiter);
      this.#deadlines.add(waiter);
    });
  }

  #use(connection: Connection): void {
    this.#current = connection;
    this.#openedAt = this.#options.clock.monotonic();
    void connection.closed.then((reason) => this.#lose(connection, reason));
  }

  #lose(connection: Connection, reason: string): void {
    if (this.#current !== connection) return;
    const { clock } = this.#options;
    this.#current = undefined;
    if (clock.monotonic() - this.#openedAt >= STEADY_MS) this.#attempts = 0;
    this.#stopBreakTimer = clock.after(MAX_BREAK_MS, () => this.#end(reason));
    void this.#reopen(reason);
  }

  async #reopen(reason: string): Promise<void> {
    const { clock, reopen } = this.#options;
    let last = reason;
    while (this.#closedWith === undefined) {
      if (this.#attempts >= MAX_ATTEMPTS) return this.#end(last);
      const delayMs = this.#attempts === 0 ? 0 : Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (this.#attempts - 1));
      this.#attempts++;
      if (delayMs > 0) await new Promise<void>((resolve) => void clock.after(delayMs, resolve));
      if (this.#closedWith !== undefined) return;
      try {
        return this.#adopt(await reopen(), reason);
      } catch (error) {
        last = `${reason}; then: ${toMessage(error)}`;
      }
    }
  }

  #adopt(connection: Connection, reason: string): void {
    const isSame = connection.revision === this.revision && JSON.stringify(connection.server) === JSON.stringify(this.server);
    if (!isSame) this.#end(`${reason}; what answers now is another server, or another version of it`);
    if (this.#closedWith !== undefined) {
      void connection.close();
      return;
    }
    this.#stopBreakTimer?.();
    this.#use(connection);
    this.#restore(connection);
    for (const waiter of this.#waiting) waiter.settle(connection);
    tellOfChanges(this.server, this.#uris, this.#options);
    this.#options.onReopened?.(reason);
  }

  // A new conversation knows nothing of what the old one was told.
  #restore(connection: Connection): void {
    for (const taskId of this.#taskIds) connection.watchTask(taskId);
    const wishes = [...this.#uris].map((uri) => connection.subscribe(uri));
    if (this.#logLevel !== undefined) wishes.push(connection.setLogLevel(this.#logLevel));
    for (const wish of wishes) wish.catch((error: unknown) => this.#options.onAnomaly?.(`after a break: ${toMessage(error)}`));
  }

  #end(reason: string): void {
    if (this.#closedWith !== undefined) return;
    this.#closedWith = reason;
    this.#current = undefined;
    this.#stopBreakTimer?.();
    for (const waiter of this.#waiting) waiter.settle(unavailable(this.#options.upstream, reason, { sent: false }));
    this.#reportClosed(reason);
  }
}

interface Wish {
  readonly method: string;
  readonly budgetMs: number;
  /** On the monotonic clock. */
  readonly deadlineMs: number;
  readonly cancellation?: Cancellation;
}

/** Somebody who waits for the next connection. */
class Waiter implements Timed {
  deadlinePlace = -1;
  readonly deadlineMs: number;
  readonly #upstream: string;
  readonly #wish: Wish;
  readonly #settle: (result: Connection | GatewayError) => void;
  readonly #unwatch: (() => void) | undefined;

  constructor(upstream: string, wish: Wish, settle: (result: Connection | GatewayError) => void) {
    this.#upstream = upstream;
    this.#wish = wish;
    this.#settle = settle;
    this.deadlineMs = wish.deadlineMs;
    this.#unwatch = wish.cancellation?.watch((reason) => this.settle(callCancelled(upstream, wish.method, reason)));
  }

  settle(result: Connection | GatewayError): void {
    this.#unwatch?.();
    this.#settle(result);
  }

  expire(): void {
    const { method, budgetMs } = this.#wish;
    const message = `Cannot send "${method}" to upstream "${this.#upstream}": its connection broke and was not there again in ${budgetMs} ms`;
    const data = { upstream: this.#upstream, phase: 'connect', method, budgetMs, sent: false };
    this.settle(new GatewayError('DEADLINE_EXCEEDED', message, { data }));
  }
}

function isUnsent(error: unknown): error is GatewayError {
  return error instanceof GatewayError && error.code === 'UPSTREAM_UNAVAILABLE' && error.data?.['sent'] === false;
}
