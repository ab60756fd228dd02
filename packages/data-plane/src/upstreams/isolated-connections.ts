import {
  Cancellation,
  GatewayError,
  canonicalJson,
  isolatedMaxOf,
  kindOf,
  toMessage,
  type Call,
  type CallerSession,
  type Clock,
  type DesiredUpstream,
  type Logger,
  type LogLevel,
  type Notification,
  type Outcome,
  type Question,
} from '@signalbox/core';
import { askableCapabilities, canBeAsked, changeTaskIdAround, isHandshake, taskOfMessage, type Connection } from '@signalbox/protocol';
import type { TargetedCall } from '../stages/call-stages.ts';
import type { TaskCaller } from '../tasks/task-ids.ts';
import type { TaskMessages } from '../tasks/task-messages.ts';
import type { OpenConnection } from './open-connection.ts';

export interface IsolatedParts {
  readonly open: OpenConnection;
  readonly tasks: TaskMessages;
  readonly clock: Clock;
  /** Waits for the right to start; the returned function gives it back. */
  readonly startPermit: () => Promise<() => void>;
}

/** A connection for one call. Whoever took it gives it back, also after a failure. */
export interface Lease {
  readonly connection: Connection;
  release(): void;
  /** Keeps the connection for a task that runs behind it, by the server's own id, until it ends. Releases the lease then. */
  hold(taskId: string, end: Cancellation): void;
}

interface Entry {
  readonly key: string;
  readonly opening: Promise<Connection>;
  readonly ending: Cancellation;
  /** Calls that use it, newest last; the one it was opened for is there from the beginning. */
  readonly users: Call[];
  readonly session: CallerSession | undefined;
  /** Tasks of its server, which only this connection may know. */
  readonly tasks: Set<string>;
  connection: Connection | undefined;
  logLevel: LogLevel | undefined;
  lastUsedMs: number;
  unwatch: () => void;
}

/**
 * Connections to one upstream that belong to one client each. Servers of the handshake revisions ask over the connection
 * as a whole, and keep what they learn of a client with it, so clients that can be asked cannot share one.
 */
export class IsolatedConnections {
  readonly #desired: DesiredUpstream;
  readonly #parts: IsolatedParts;
  readonly #logger: Logger;
  // Least recently used first.
  readonly #entries = new Set<Entry>();
  readonly #waiting = new Set<() => void>();
  readonly #closing = new Set<Promise<void>>();
  #stopTimer: (() => void) | undefined;
  #isClosed = false;

  constructor(desired: DesiredUpstream, parts: IsolatedParts, logger: Logger) {
    this.#desired = desired;
    this.#parts = parts;
    this.#logger = logger;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Tells whether a call must not go over the connection that all share. */
  isNeeded(call: Call, shared: Connection): boolean {
    const { config } = this.#desired;
    const { mode } = config.isolation;
    if (mode === 'shared' || !isHandshake(shared.revision) || kindOf(config) === 'module') return false;
    return mode !== 'auto' || (call.ask !== undefined && canBeAsked(call.client.capabilities));
  }

  /**
   * Takes the caller's own connection, opening one if there is none.
   * @param waitMs Longest wait for it, in milliseconds.
   * @throws GatewayError `UPSTREAM_UNAVAILABLE` (never sent), `OVERLOADED` when all are in use for that long, `CANCELLED`.
   */
  async take(call: TargetedCall, waitMs: number): Promise<Lease> {
    const untilMs = this.#parts.clock.monotonic() + waitMs;
    for (;;) {
      if (this.#isClosed) throw this.#unavailable('it was closed');
      const entry = this.#find(call) ?? this.#open(call);
      if (entry !== undefined) return await this.#lease(entry, call, untilMs - this.#parts.clock.monotonic());
      await this.#wait(call, untilMs - this.#parts.clock.monotonic(), waitMs);
    }
  }

  /** The id by which a caller knows a task of this upstream. */
  nameTask(id: string, caller: TaskCaller): string {
    return this.#parts.tasks.name(this.#desired.name, id, caller);
  }

  /** Tells the servers behind a session's own connections what its client told us. */
  notify(notification: Notification, session: CallerSession): void {
    for (const entry of this.#entries) if (entry.session === session) entry.connection?.notify(notification);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stopTimer?.();
    for (const proceed of this.#waiting) proceed();
    for (const entry of this.#entries) this.#end(entry, 'the upstream is closed');
    await Promise.all(this.#closing);
  }

  #find(call: TargetedCall): Entry | undefined {
    const key = this.#keyOf(call);
    const taskId = call.task?.ref.id;
    for (const entry of this.#entries) if (taskId !== undefined && entry.key === key && entry.tasks.has(taskId)) return entry;
    for (const entry of this.#entries) if (entry.key === key && (entry.users.length === 0 || !this.#isExclusive(entry, call))) return entry;
    return undefined;
  }

  // Where a question does not come with its call, calls of clients without a session must not be in flight together.
  #isExclusive({ connection }: Entry, call: Call): boolean {
    return call.session === undefined && call.ask !== undefined && connection?.isCorrelated !== true;
  }

  #keyOf({ session, principal, client }: Call): string {
    const { mode } = this.#desired.config.isolation;
    if (session !== undefined && mode !== 'principal') return `session ${session.id}`;
    return `principal ${principal} ${canonicalJson(askableCapabilities(client.capabilities))}`;
  }

  // Returns undefined when there are as many as may be and all are in use.
  #open(call: Call): Entry | undefined {
    if (this.#entries.size >= isolatedMaxOf(this.#desired.config)) {
      const idle = this.#longestIdle();
      if (idle === undefined) return undefined;
      this.#end(idle, 'another client needed the place');
    }
    const { mode } = this.#desired.config.isolation;
    const session = mode === 'principal' ? undefined : call.session;
    const ending = new Cancellation();
    const users: Call[] = [];
    const entry: Entry = {
      key: this.#keyOf(call),
      ending,
      users,
      session,
      tasks: new Set(),
      opening: this.#connect(call, { session, users, ending }),
      connection: undefined,
      logLevel: undefined,
      lastUsedMs: this.#parts.clock.monotonic(),
      unwatch: () => undefined,
    };
    this.#entries.add(entry);
    void this.#follow(entry);
    if (session !== undefined) entry.unwatch = session.watchEnd(() => this.#end(entry, 'its session ended'));
    this.#stopTimer ??= this.#parts.clock.after(this.#idleMs, () => this.#sweep());
    return entry;
  }

  #longestIdle(): Entry | undefined {
    for (const entry of this.#entries) if (entry.users.length === 0) return entry;
    return undefined;
  }

  async #follow(entry: Entry): Promise<void> {
    try {
      const connection = await entry.opening;
      entry.connection = connection;
      if (entry.ending.isCancelled) return this.#track(connection.close());
      this.#end(entry, await connection.closed);
    } catch (error) {
      this.#end(entry, toMessage(error));
    }
  }

  async #connect(call: Call, { session, users, ending }: Pick<Entry, 'session' | 'users' | 'ending'>): Promise<Connection> {
    const release = await this.#parts.startPermit();
    const caller = { principal: call.principal, session };
    try {
      const { connection } = await this.#parts.open({
        desired: this.#desired,
        lastRevision: undefined,
        onNotification: (notification) => this.#deliver(notification, { caller, users }),
        onStderr: () => undefined,
        cancellation: ending,
        isolated: {
          info: session === undefined ? undefined : call.client.info,
          capabilities: askableCapabilities(call.client.capabilities),
          ask: changeTaskIdAround(
            (question) => askOutside(question, session, users),
            (id) => this.nameTask(id, caller),
          ),
        },
      });
      return connection;
    } finally {
      release();
    }
  }

  // Lists and resources are followed over the connection that all share.
  #deliver(notification: Notification, { caller, users }: { readonly caller: TaskCaller; readonly users: readonly Call[] }): void {
    if (/^notifications\/(?:(?:tools|prompts|resources)\/list_changed|resources\/updated)$/.test(notification.method)) return;
    const taskId = taskOfMessage(notification);
    if (taskId !== undefined) this.#parts.tasks.take(this.#desired.name, { notification, taskId, caller });
    else if (caller.session !== undefined) caller.session.notify(notification);
    else if (users.length === 1) users[0]!.emit?.(notification);
  }

  async #lease(entry: Entry, call: Call, waitMs: number): Promise<Lease> {
    entry.users.push(call);
    let isOver = false;
    const release = () => {
      if (isOver) return;
      isOver = true;
      entry.users.splice(entry.users.indexOf(call), 1);
      entry.lastUsedMs = this.#parts.clock.monotonic();
      if (this.#entries.delete(entry)) this.#entries.add(entry);
      const [proceed] = this.#waiting;
      proceed?.();
    };
    try {
      const connection = entry.connection ?? (await this.#opened(entry, waitMs));
      if (call.client.logLevel !== 'off' && call.client.logLevel !== entry.logLevel) {
        entry.logLevel = call.client.logLevel;
        connection
          .setLogLevel(entry.logLevel)
          .catch((error: unknown) => this.#logger.debug('could not set the log level', { error: toMessage(error) }));
      }
      const hold = (taskId: string, end: Cancellation) => {
        entry.tasks.add(taskId);
        end.watch(() => {
          entry.tasks.delete(taskId);
          release();
        });
      };
      return { connection, release, hold };
    } catch (error) {
      release();
      throw error;
    }
  }

  #opened({ opening }: Entry, waitMs: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const cancel = this.#parts.clock.after(waitMs, () => reject(this.#unavailable(`still starting after ${Math.round(waitMs)} ms`)));
      opening.then(resolve, (error: unknown) => reject(this.#unavailable(toMessage(error), error))).finally(cancel);
    });
  }

  #wait(call: Call, leftMs: number, waitMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => {
        this.#waiting.delete(proceed);
        stopTimer();
        unwatch();
        settle();
      };
      const proceed = () => end(resolve);
      this.#waiting.add(proceed);
      let unwatch = (): void => undefined;
      const stopTimer = this.#parts.clock.after(leftMs, () => end(() => reject(this.#overloaded(waitMs))));
      unwatch = call.cancellation.watch((reason) =>
        end(() => reject(new GatewayError('CANCELLED', `Cancelled while waiting for "${this.#desired.name}": ${reason}`))),
      );
    });
  }

  get #idleMs(): number {
    return this.#desired.config.isolation.idleSeconds * 1000;
  }

  #sweep(): void {
    this.#stopTimer = undefined;
    const dueMs = this.#parts.clock.monotonic() - this.#idleMs;
    for (const entry of this.#entries)
      if (entry.users.length === 0 && entry.lastUsedMs <= dueMs) this.#end(entry, 'it was idle for too long');
    if (this.#entries.size > 0) this.#stopTimer = this.#parts.clock.after(this.#idleMs, () => this.#sweep());
  }

  #end(entry: Entry, reason: string): void {
    if (!this.#entries.delete(entry)) return;
    entry.unwatch();
    entry.ending.cancel(reason);
    if (entry.connection !== undefined) this.#track(entry.connection.close());
    const [proceed] = this.#waiting;
    proceed?.();
  }

  #track(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) => this.#logger.warn('could not close a connection', { error: toMessage(error) }))
      .finally(() => this.#closing.delete(tracked));
    this.#closing.add(tracked);
  }

  #overloaded(waitMs: number): GatewayError {
    const { name, config } = this.#desired;
    return new GatewayError(
      'OVERLOADED',
      `Cannot open another connection to "${name}": all ${isolatedMaxOf(config)} for single clients were in use for ${Math.round(waitMs)} ms; raise "isolation.max" or share one with "isolation.mode"`,
      { data: { upstream: name, phase: 'connect', sent: false } },
    );
  }

  #unavailable(reason: string, cause?: unknown): GatewayError {
    const { name } = this.#desired;
    const inner = cause instanceof GatewayError ? cause.data : undefined;
    return new GatewayError('UPSTREAM_UNAVAILABLE', `Cannot reach upstream "${name}": ${reason}`, {
      cause,
      data: { phase: 'connect', ...inner, upstream: name, sent: false },
    });
  }
}

// Servers ask for roots as soon as the connection is open, before the call it was opened for is sent.
function askOutside(question: Question, session: CallerSession | undefined, users: readonly Call[]): Promise<Outcome> {
  const ask = users.findLast((call) => call.ask !== undefined)?.ask ?? session?.ask;
  if (ask !== undefined) return ask(question);
  return Promise.reject(
    new GatewayError('MISSING_CAPABILITY', `Cannot ask a client "${question.method}" while no call of it is in flight`),
  );
}
