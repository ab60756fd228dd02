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
import { IsolatedSessions, type OwnConnection } from './isolated-sessions.ts';
import { noPlace, notReached } from './isolated-refusals.ts';
import type { FetchOptions } from './manifest.ts';
import type { OpenConnection } from './open-connection.ts';
import { AheadTrials } from '../ahead/ahead-trials.ts';
import { OwnChanges } from './own-changes.ts';

export interface IsolatedParts {
  readonly open: OpenConnection;
  readonly tasks: TaskMessages;
  readonly clock: Clock;
  /** Waits for the right to start; the returned function gives it back. */
  readonly startPermit: () => Promise<() => void>;
  readonly listing: FetchOptions;
  /** A session has lists of its own. */
  readonly onOwnLists: () => void;
}

// The first call of a session may change what it has subscribed to, so it waits until the server knows of that.
const SUBSCRIBE_MS = 1_000;

/** A connection for one call. Whoever took it gives it back, also after a failure. */
export interface Lease {
  readonly connection: Connection;
  release(): void;
  /** Keeps the connection for a task that runs behind it, by the server's own id, until it ends. Releases the lease then. */
  hold(taskId: string, end: Cancellation): void;
}

interface Entry extends OwnConnection {
  readonly key: string;
  readonly opening: Promise<Connection>;
  readonly ending: Cancellation;
  /** Calls that use it, newest last; the one it was opened for is there from the beginning. */
  readonly users: Call[];
  /** Whose it is, unless sessions of one principal share it. */
  readonly session: CallerSession | undefined;
  /** Tasks of its server, which only this connection may know. */
  readonly tasks: Set<string>;
  connection: Connection | undefined;
  logLevel: LogLevel | undefined;
  lastUsedMs: number;
  /** Opened before a call needed it, and not used yet. */
  isAhead: boolean;
}

/**
 * Connections to one upstream that belong to one client each. Servers of the handshake revisions ask over the connection
 * as a whole, and keep what they learn of a client with it, so clients that can be asked cannot share one.
 */
export class IsolatedConnections {
  /** The sessions that have one. */
  readonly sessions = new IsolatedSessions<Entry>();
  /** What came of those that were opened before a call needed them. */
  readonly ahead: AheadTrials;
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
    this.ahead = new AheadTrials(parts.clock);
  }

  get aheadCounts(): { readonly openedAhead: number; readonly usedAhead: number } {
    const { tried, used } = this.ahead.counts;
    return { openedAhead: tried, usedAhead: used };
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
      if (this.#isClosed) throw notReached(this.#desired, 'it was closed');
      const entry = this.#find(call) ?? this.#open(call);
      if (entry !== undefined) return await this.#lease(entry, call, untilMs - this.#parts.clock.monotonic());
      await this.#wait(call, untilMs - this.#parts.clock.monotonic(), waitMs);
    }
  }

  /** Opens the connection of a session before a call of it comes, as long as half of the places stay free and it has paid so far. */
  openAhead(call: TargetedCall): void {
    if (this.#isClosed || call.session === undefined || 2 * this.#entries.size >= isolatedMaxOf(this.#desired.config)) return;
    if (this.#find(call) === undefined && this.ahead.take()) this.#open(call)!.isAhead = true;
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
    const own = call.session && this.sessions.connectionOf(call.session);
    const taskId = call.task?.ref.id;
    if (own !== undefined && (taskId === undefined || own.tasks.has(taskId))) return own;
    const key = this.#keyOf(call);
    let found = own;
    for (const entry of this.#entries) {
      if (entry.key !== key) continue;
      if (taskId !== undefined && entry.tasks.has(taskId)) return entry;
      // The last used one, so that what was opened when there was more to do becomes idle.
      if (own === undefined && (entry.users.length === 0 || !this.#isExclusive(entry, call))) found = entry;
    }
    return found;
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
  #open(call: TargetedCall): Entry | undefined {
    if (this.#entries.size >= isolatedMaxOf(this.#desired.config)) {
      const idle = this.#longestIdle();
      if (idle === undefined) return undefined;
      this.#end(idle, 'another client needed the place');
    }
    const { mode } = this.#desired.config.isolation;
    const session = mode === 'principal' ? undefined : call.session;
    const ending = new Cancellation();
    const users: Call[] = [];
    const { clock, listing, onOwnLists } = this.#parts;
    const changes = new OwnChanges({ clock, logger: this.#logger, listing, onOwnLists });
    const entry: Entry = {
      key: this.#keyOf(call),
      ending,
      users,
      session,
      changes,
      tasks: new Set(),
      opening: this.#connect(call, { session, users, ending, changes }),
      connection: undefined,
      logLevel: undefined,
      lastUsedMs: clock.monotonic(),
      isAhead: false,
    };
    this.#entries.add(entry);
    void this.#follow(entry);
    this.#join(call, entry);
    this.#stopTimer ??= this.#parts.clock.after(this.#idleMs, () => this.#sweep());
    return entry;
  }

  #join({ session, surface }: TargetedCall, entry: Entry): void {
    if (session === undefined) return;
    const onEnd = () => {
      if (entry.session === session) this.#end(entry, 'its session ended');
    };
    this.sessions.join(session, { own: entry, surface, onEnd });
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

  async #connect(
    call: Call,
    { session, users, ending, changes }: Pick<Entry, 'session' | 'users' | 'ending' | 'changes'>,
  ): Promise<Connection> {
    const release = await this.#parts.startPermit();
    const caller = { principal: call.principal, session };
    // While it is opened nobody knows, and then nothing is in flight.
    let isCorrelated = true;
    let connection: Connection;
    try {
      ({ connection } = await this.#parts.open({
        desired: this.#desired,
        lastRevision: undefined,
        onNotification: (notification) => changes.take(notification) || this.#deliver(notification, { caller, users, isCorrelated }),
        onStderr: () => undefined,
        cancellation: ending,
        isolated: {
          info: session === undefined ? undefined : call.client.info,
          capabilities: askableCapabilities(call.client.capabilities),
          onForgotten: () => changes.forget(),
          ask: changeTaskIdAround(
            (question) => this.#askOutside(question, session, users),
            (id) => this.nameTask(id, caller),
          ),
        },
      }));
    } finally {
      release();
    }
    ({ isCorrelated } = connection);
    await changes.open(connection, SUBSCRIBE_MS);
    return connection;
  }

  // What comes while there is one call in flight is about that call, unless the connection would have said so.
  #deliver(
    notification: Notification,
    { caller, users, isCorrelated }: { readonly caller: TaskCaller; readonly users: readonly Call[]; readonly isCorrelated: boolean },
  ): void {
    const taskId = taskOfMessage(notification);
    if (taskId !== undefined) return this.#parts.tasks.take(this.#desired.name, { notification, taskId, caller });
    const { session } = caller;
    const emit = users.length === 1 && (session === undefined || !isCorrelated) ? users[0]!.emit : undefined;
    if (emit !== undefined) emit(notification);
    else session?.notify(notification);
  }

  async #lease(entry: Entry, call: TargetedCall, waitMs: number): Promise<Lease> {
    this.#join(call, entry);
    let user: Call = call;
    entry.users.push(user);
    if (entry.isAhead) {
      entry.isAhead = false;
      this.ahead.use();
    }
    let isOver = false;
    const release = () => {
      if (isOver) return;
      isOver = true;
      entry.users.splice(entry.users.indexOf(user), 1);
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
        // It has been answered, and nothing can be said on its stream any more.
        const held: Call = { ...call, emit: undefined };
        entry.users[entry.users.indexOf(user)] = held;
        user = held;
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
      const cancel = this.#parts.clock.after(waitMs, () =>
        reject(notReached(this.#desired, `still starting after ${Math.round(waitMs)} ms`)),
      );
      opening.then(resolve, (error: unknown) => reject(notReached(this.#desired, toMessage(error), error))).finally(cancel);
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
      const stopTimer = this.#parts.clock.after(leftMs, () => end(() => reject(noPlace(this.#desired, waitMs))));
      unwatch = call.cancellation.watch((reason) =>
        end(() => reject(new GatewayError('CANCELLED', `Cancelled while waiting for "${this.#desired.name}": ${reason}`))),
      );
    });
  }

  get #idleMs(): number {
    return this.#desired.config.isolation.idleSeconds * 1000;
  }

  // Servers ask for roots as soon as the connection is open, before the call it was opened for is sent.
  async #askOutside(question: Question, session: CallerSession | undefined, users: readonly Call[]): Promise<Outcome> {
    const ask = users.findLast((call) => call.ask !== undefined)?.ask ?? session?.ask;
    if (ask === undefined)
      throw new GatewayError('MISSING_CAPABILITY', `Cannot ask a client "${question.method}" while no call of it is in flight`);
    try {
      return await ask(question);
    } catch (error) {
      this.#endAhead(users);
      throw error;
    }
  }

  // Its server got no answer, which a call could have brought: the next call gets a new one, and none is opened ahead again.
  #endAhead(users: readonly Call[]): void {
    for (const entry of this.#entries) {
      if (entry.users !== users || !entry.isAhead) continue;
      this.ahead.giveUp();
      this.#end(entry, 'it asks before there is a call');
    }
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
    this.sessions.end(entry);
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
}
