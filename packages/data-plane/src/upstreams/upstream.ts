import {
  Cancellation,
  GatewayError,
  kindOf,
  toMessage,
  type Awaitable,
  type Clock,
  type DesiredUpstream,
  type Logger,
  type Notification,
  type RawJson,
  type UpstreamState,
  type UpstreamStatus,
} from '@signalbox/core';
import { taskOfMessage, type Connection } from '@signalbox/protocol';
import type { TargetedCall } from '../stages/call-stages.ts';
import type { TaskMessages } from '../tasks/task-messages.ts';
import { AdmissionQueue } from './admission-queue.ts';
import { backoffMs } from './backoff.ts';
import { Breaker } from './breaker.ts';
import { FailureRun } from './failure-run.ts';
import { HealthCheck } from './health-check.ts';
import { IsolatedConnections } from './isolated-connections.ts';
import { LeftOut } from './left-out.ts';
import { ListRefresh } from './list-refresh.ts';
import { ordinal } from './ordinal.ts';
import { StandingWishes } from './standing-wishes.ts';
import type { OpenConnection, Opened } from './open-connection.ts';
import { fetchList, fetchManifest, toExtras, type FetchOptions, type ListKind, type Manifest } from './manifest.ts';

export interface UpstreamParts {
  readonly open: OpenConnection;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
  /** Waits for the right to start; the returned function gives it back. */
  readonly startPermit: () => Promise<() => void>;
  readonly onManifest: (upstream: Upstream) => void;
  readonly onResourceUpdated: (upstream: Upstream, params: RawJson) => void;
  /** The server says that a list of its changed. */
  readonly onListChanged: (upstream: Upstream, method: string) => void;
  /** A session has lists of its own, in which there may be names nobody had before. */
  readonly onOwnLists: () => void;
  readonly tasks: TaskMessages;
  readonly onState: (upstream: Upstream) => void;
}

/** What is known of an upstream from before: its last lists, and how often it was started under earlier configurations. */
export interface UpstreamPast {
  readonly manifest: Manifest | undefined;
  readonly starts: number;
}

/** A call waits for the next attempt if that is at most this far away; otherwise it fails at once. */
const PATIENCE_MS = 2_000;

/**
 * The life of one upstream: opened, listed, watched, opened again when it fails, and closed.
 * It tries again without end, unless its configuration lacks something; a call that comes meanwhile hastens the next attempt.
 */
export class Upstream {
  readonly desired: DesiredUpstream;
  readonly queue: AdmissionQueue;
  readonly breaker: Breaker;
  readonly failureRun: FailureRun;
  readonly #parts: UpstreamParts;
  readonly #logger: Logger;
  readonly #listing: FetchOptions;
  readonly #leftOut: LeftOut;
  #manifest: Manifest | undefined;
  #state: UpstreamState;
  #reason: string;
  #since: number;
  #opened: Opened | undefined;
  #opening: Promise<Connection> | undefined;
  #lastStderr: () => readonly string[] = () => [];
  #attempts = 0;
  #starts: number;
  #calls = 0;
  #failures = 0;
  #lastAttemptAt = Number.NEGATIVE_INFINITY;
  #retryAt = 0;
  #cancelTimer: (() => void) | undefined;
  #health: HealthCheck | undefined;
  readonly #lists: ListRefresh;
  /** What callers want beyond single calls. */
  readonly wishes: StandingWishes;
  /** Connections for clients that cannot share one. */
  readonly isolated: IsolatedConnections;
  readonly #ending = new Cancellation();
  #isClosed = false;

  constructor(desired: DesiredUpstream, past: UpstreamPast, parts: UpstreamParts) {
    const { config, name } = desired;
    const { manifest, starts } = past;
    this.#starts = starts;
    this.desired = desired;
    this.#parts = parts;
    this.#logger = parts.logger.with({ upstream: name });
    this.#leftOut = new LeftOut(this.#logger);
    this.#listing = { upstream: name, listMs: config.timeouts.listMs, onLeftOut: (...found) => this.#leftOut.replace(...found) };
    this.#manifest = manifest;
    this.queue = new AdmissionQueue({
      upstream: name,
      maxConcurrent: config.maxConcurrent,
      maxQueued: config.maxQueued,
      clock: parts.clock,
    });
    this.breaker = new Breaker(config.breaker, parts.clock);
    this.failureRun = new FailureRun(parts.clock);
    this.wishes = new StandingWishes((work, what) => this.#background(work, what));
    this.isolated = new IsolatedConnections(desired, { ...parts, listing: this.#listing }, this.#logger);
    this.#lists = new ListRefresh({ clock: parts.clock, refresh: (kinds) => this.#background(this.#refresh(kinds), 'list again') });
    this.#since = parts.clock.now();
    this.#state = config.disabled ? 'stopped' : manifest === undefined ? 'configured' : 'known';
    this.#reason = config.disabled
      ? 'switched off by "disabled"'
      : manifest === undefined
        ? 'not started yet'
        : 'its lists are remembered; not started yet';
  }

  get name(): string {
    return this.desired.name;
  }

  get state(): UpstreamState {
    return this.#state;
  }

  get reason(): string {
    return this.#reason;
  }

  /** What it offers, as far as known; stays while it is away. */
  get manifest(): Manifest | undefined {
    return this.#manifest;
  }

  /** Starts it unless it runs, starts, or is switched off. */
  start(): void {
    if (this.#isClosed || this.desired.config.disabled || this.#opened !== undefined || this.#opening !== undefined) return;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const opening = this.#open();
    this.#opening = opening;
    opening.catch((error: unknown) => this.#logger.debug('upstream did not start', { error: toMessage(error) }));
  }

  /**
   * The open connection, at once if there is one; otherwise waits for the present or next attempt.
   * @throws GatewayError `UPSTREAM_UNAVAILABLE` (never sent) with the reason, phase and last stderr lines.
   */
  connection(waitMs: number): Awaitable<Connection> {
    if (this.#opened !== undefined) return this.#opened.connection;
    return this.#waitForConnection(waitMs);
  }

  /** Opens the connection that the caller of another upstream's tool will need here, if it is one of its own and worth it. */
  openAhead(call: TargetedCall): void {
    if (this.#opened !== undefined && this.isolated.isNeeded(call, this.#opened.connection)) this.isolated.openAhead(call);
  }

  /** Times it was started so far. */
  get starts(): number {
    return this.#starts;
  }

  /** Tells that a call ran, for health and counts. */
  recordCall(isFailure: boolean): void {
    this.#calls++;
    if (isFailure) this.#failures++;
    else this.#health?.sawTraffic();
    if (!isFailure && this.#state === 'degraded' && this.#opened !== undefined) this.#become('ready', 'answers again');
  }

  status(): UpstreamStatus {
    const manifest = this.#manifest;
    return {
      name: this.name,
      kind: kindOf(this.desired.config),
      state: this.#state,
      reason: this.#reason,
      since: new Date(this.#since).toISOString(),
      revision: manifest?.revision,
      server: manifest?.server,
      pid: this.#opened?.pid,
      tags: this.desired.config.tags,
      capabilities: Object.keys(manifest?.capabilities ?? {}),
      tools: manifest?.tools.length ?? 0,
      resources: manifest?.resources.length ?? 0,
      prompts: manifest?.prompts.length ?? 0,
      leftOut: this.#leftOut.entries,
      starts: this.#starts,
      calls: this.#calls,
      failures: this.#failures,
      isolated: this.isolated.size,
      ...this.isolated.aheadCounts,
      inFlight: this.queue.inFlight,
      queued: this.queue.queued,
      breaker: this.breaker.state,
      stderr: this.#lastStderr(),
    };
  }

  /** Closes it for good and frees everything it holds. */
  async close(reason: string): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelTimer?.();
    this.#health?.stop();
    this.#lists.stop();
    this.#become('stopped', reason);
    const opening = this.#opening;
    this.#ending.cancel(reason);
    await Promise.all([this.#opened?.connection.close(), this.isolated.close()]);
    this.#opened = undefined;
    if (opening !== undefined)
      await opening.catch((error: unknown) => this.#logger.debug('upstream closed while starting', { error: toMessage(error) }));
  }

  async #open(): Promise<Connection> {
    const { clock } = this.#parts;
    const release = await this.#parts.startPermit();
    try {
      if (this.#isClosed) throw this.#unavailable('it was closed');
      this.#lastAttemptAt = clock.monotonic();
      this.#starts++;
      this.#become('starting', this.#starts === 1 ? 'starting' : `starting, ${ordinal(this.#starts)} time`);
      const opened = await this.#parts.open({
        desired: this.desired,
        lastRevision: this.#manifest?.revision,
        onNotification: (notification) => this.#takeNotification(notification),
        onStderr: (lines) => (this.#lastStderr = lines),
        cancellation: this.#ending,
      });
      return await this.#adopt(opened);
    } catch (error) {
      this.#opening = undefined;
      // What the configuration lacks no further attempt can find; its next version or a restart can.
      const isHopeless = error instanceof GatewayError && error.code === 'INVALID_CONFIG';
      this.#fail(toMessage(error), isHopeless ? Number.POSITIVE_INFINITY : undefined);
      throw error;
    } finally {
      release();
    }
  }

  async #adopt(opened: Opened): Promise<Connection> {
    const { connection } = opened;
    const { clock } = this.#parts;
    this.#lastStderr = opened.stderr;
    let manifest: Manifest;
    const unwatch = this.#ending.watch(() => this.#background(connection.close(), 'close it'));
    try {
      manifest = await fetchManifest(connection, this.#listing);
    } catch (error) {
      await connection.close();
      throw error;
    } finally {
      unwatch();
    }
    if (this.#isClosed) {
      await connection.close();
      throw this.#unavailable('it was closed');
    }
    this.#opened = opened;
    this.#opening = undefined;
    this.#manifest = manifest;
    const readyAt = clock.monotonic();
    void connection.closed.then((reason) => this.#takeClose(opened, reason, clock.monotonic() - readyAt));
    void this.wishes.attach(connection);
    this.#lists.follow(manifest);
    this.#become('ready', `speaks ${connection.revision}`);
    this.#parts.onManifest(this);
    this.#health = this.#watchHealth(opened);
    return connection;
  }

  #takeClose(opened: Opened, reason: string, uptimeMs: number): void {
    if (this.#opened !== opened) return;
    this.#opened = undefined;
    void this.wishes.attach(undefined);
    this.#lists.stop();
    this.#health?.stop();
    if (this.#isClosed) return;
    const { restart } = this.desired.config;
    if (uptimeMs >= restart.steadyMs) this.#attempts = 0;
    this.#fail(reason, uptimeMs >= Math.min(1000, restart.backoffMs) && this.#attempts === 0 ? 0 : undefined);
  }

  #fail(reason: string, delayMs?: number): void {
    if (this.#isClosed) return;
    const { restart } = this.desired.config;
    const delay =
      delayMs ?? backoffMs(this.#attempts, { baseMs: restart.backoffMs, maxMs: restart.maxBackoffMs, random: this.#parts.random });
    this.#attempts++;
    this.#retryAt = this.#parts.clock.monotonic() + delay;
    this.#become('failed', reason);
    const isFinal = delay === Number.POSITIVE_INFINITY;
    this.#logger.warn('upstream failed', {
      reason,
      ...(isFinal ? {} : { retryInMs: Math.round(delay) }),
      stderr: this.#lastStderr().slice(-3),
    });
    this.#cancelTimer?.();
    this.#cancelTimer = isFinal ? undefined : this.#parts.clock.after(delay, () => this.start());
  }

  async #waitForConnection(waitMs: number): Promise<Connection> {
    if (this.#isClosed || this.desired.config.disabled) throw this.#unavailable(this.#reason);
    if (this.#opening === undefined) this.#hasten();
    const opening = this.#opening;
    if (opening === undefined) throw this.#unavailable(this.#reason);
    const { clock } = this.#parts;
    return await new Promise<Connection>((resolve, reject) => {
      const cancel = clock.after(waitMs, () => reject(this.#unavailable(`still starting after ${Math.round(waitMs)} ms`)));
      opening.then(resolve, (error: unknown) => reject(this.#unavailable(toMessage(error), error))).finally(cancel);
    });
  }

  /** Fetches a list again, as if the server had said that it changed. */
  listChanged(method: string): void {
    this.#lists.take(method);
  }

  // A call wants it now: bring the next attempt forward, unless the last one has only just failed.
  #hasten(): void {
    const now = this.#parts.clock.monotonic();
    if (this.#retryAt === Number.POSITIVE_INFINITY) return;
    const isFresh = this.#state === 'configured' || this.#state === 'known';
    const isNear = this.#retryAt - now <= PATIENCE_MS;
    if (isFresh || isNear || now - this.#lastAttemptAt >= this.desired.config.restart.backoffMs) this.start();
  }

  #takeNotification(notification: Notification): void {
    if (notification.method === 'notifications/resources/updated')
      return void (notification.params && this.#parts.onResourceUpdated(this, notification.params));
    if (this.#lists.take(notification.method)) return this.#parts.onListChanged(this, notification.method);
    const taskId = taskOfMessage(notification);
    if (taskId !== undefined) this.#parts.tasks.take(this.name, { notification, taskId });
  }

  async #refresh(stale: readonly ListKind[]): Promise<void> {
    const opened = this.#opened;
    if (opened === undefined || this.#manifest === undefined) return;
    const lists = await Promise.all(stale.map((kind) => fetchList(opened.connection, kind, this.#listing)));
    if (this.#opened !== opened) return;
    const fetched = Object.fromEntries(stale.map((kind, index) => [kind, lists[index]!] as const));
    const items = Object.fromEntries(Object.entries(fetched).map(([kind, list]) => [kind, list.items]));
    this.#manifest = { ...this.#manifest, ...items, ...toExtras(fetched, this.#manifest) };
    this.#lists.follow(this.#manifest);
    this.#parts.onManifest(this);
  }

  #watchHealth({ connection }: Opened): HealthCheck {
    return new HealthCheck({
      config: this.desired.config.health,
      clock: this.#parts.clock,
      ping: (timeoutMs) => connection.ping(timeoutMs),
      onMissed: (reason) => this.#become('degraded', reason),
      onAnswer: () => void (this.#state === 'degraded' && this.#become('ready', 'answers pings again')),
      onDead: () => this.#background(connection.close(), 'close it'),
    });
  }

  #background(work: Promise<unknown>, what: string): void {
    work.catch((error: unknown) => {
      // What ends with the connection need not be told.
      if (!this.#isClosed) this.#logger.warn(`could not ${what}`, { error: toMessage(error) });
    });
  }

  #become(state: UpstreamState, reason: string): void {
    const isNews = state !== this.#state;
    if (isNews) this.#since = this.#parts.clock.now();
    this.#state = state;
    this.#reason = reason;
    if (isNews) this.#parts.onState(this);
  }

  #unavailable(reason: string, cause?: unknown): GatewayError {
    const stderr = this.#lastStderr().slice(-5);
    const inner = cause instanceof GatewayError ? cause.data : undefined;
    const waitMs = Math.max(0, Math.round(this.#retryAt - this.#parts.clock.monotonic()));
    const retryInMs = Number.isFinite(waitMs) ? { retryInMs: waitMs } : {};
    return new GatewayError('UPSTREAM_UNAVAILABLE', `Cannot reach upstream "${this.name}": ${reason}`, {
      cause,
      data: {
        phase: 'connect',
        ...inner,
        upstream: this.name,
        state: this.#state,
        retryInMs,
        sent: false,
        ...(stderr.length > 0 ? { stderr } : {}),
      },
    });
  }
}
