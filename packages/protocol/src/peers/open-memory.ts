import {
  Cancellation,
  systemClock,
  toGatewayError,
  toOutcome,
  type Answer,
  type Clock,
  type GatewayError,
  type Notification,
  type Outcome,
} from '@signalbox/core';
import { MODERN_REVISION } from '../revisions/revisions.ts';
import { Bag } from './bag.ts';
import { Deadlines, type Timed } from './deadlines.ts';
import type { Caller, Connection, ConnectOptions, OutgoingRequest, RequestHandler, ServerProfile } from './peer.ts';
import { callCancelled, callDeadline, unavailable } from './upstream-errors.ts';

export interface MemoryConnectOptions extends Pick<ConnectOptions, 'upstream' | 'onNotification'> {
  /** Default: the machine's clock. */
  readonly clock?: Clock;
}

/** Opens a conversation with a server that runs in this process: a plain call, nothing is written or parsed on the way. */
export function openMemory(handler: RequestHandler, options: MemoryConnectOptions): Connection {
  return new MemoryConnection(handler, options);
}

class MemoryConnection implements Connection {
  readonly isCorrelated = true;
  readonly revision = MODERN_REVISION;
  readonly closed: Promise<string>;
  readonly #handler: RequestHandler;
  readonly #upstream: string;
  readonly #deadlines: Deadlines;
  readonly #stopWatching: () => void;
  readonly #subscriptions = new Map<string, () => void>();
  readonly #inFlight = new Bag<'callPlace', MemoryCall>('callPlace');
  #isClosed = false;
  #reportClosed!: (reason: string) => void;

  constructor(handler: RequestHandler, options: MemoryConnectOptions) {
    this.#handler = handler;
    this.#upstream = options.upstream;
    this.#deadlines = new Deadlines(options.clock ?? systemClock);
    this.#stopWatching = handler.watch(options.onNotification);
    this.closed = new Promise((resolve) => (this.#reportClosed = resolve));
  }

  get server(): ServerProfile {
    return this.#handler.describe();
  }

  async request(request: OutgoingRequest): Promise<Outcome> {
    if (this.#isClosed) throw unavailable(this.#upstream, 'the connection is closed', { sent: false });
    if (request.cancellation.reason !== undefined) throw callCancelled(this.#upstream, request.method, request.cancellation.reason);
    const call = new MemoryCall(request, this.#upstream, this.#deadlines);
    try {
      const answer = this.#handler.request(call.inner);
      if (!(answer instanceof Promise)) return toOutcome(answer);
      this.#inFlight.add(call);
      return toOutcome(await call.race(answer));
    } catch (error) {
      throw toGatewayError(error);
    } finally {
      this.#inFlight.delete(call);
    }
  }

  notify(notification: Notification, caller?: Caller): void {
    if (caller !== undefined && !this.#isClosed) this.#handler.notify?.(notification, caller);
  }

  ping(): Promise<void> {
    if (this.#isClosed) return Promise.reject(unavailable(this.#upstream, 'the connection is closed', { sent: false }));
    return Promise.resolve();
  }

  subscribe(uri: string): Promise<void> {
    if (!this.#isClosed && !this.#subscriptions.has(uri)) this.#subscriptions.set(uri, this.#handler.subscribe(uri));
    return Promise.resolve();
  }

  unsubscribe(uri: string): Promise<void> {
    this.#subscriptions.get(uri)?.();
    this.#subscriptions.delete(uri);
    return Promise.resolve();
  }

  // What runs in this process has no tasks to tell of.
  watchTask(): void {}

  unwatchTask(): void {}

  setLogLevel(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    this.#isClosed = true;
    this.#stopWatching();
    for (const end of this.#subscriptions.values()) end();
    this.#subscriptions.clear();
    for (const call of this.#inFlight.list()) call.fail(unavailable(this.#upstream, 'closed by the gateway', { sent: true }));
    this.#reportClosed('closed by the gateway');
    return Promise.resolve();
  }
}

/** A call of a handler that has not answered at once. */
class MemoryCall implements Timed {
  /** The request as the handler sees it, with a cancellation that tells it also of a spent budget. */
  readonly inner: OutgoingRequest;
  deadlineMs = 0;
  deadlinePlace = -1;
  callPlace = -1;
  readonly #request: OutgoingRequest;
  readonly #upstream: string;
  readonly #deadlines: Deadlines;
  readonly #cancellation = new Cancellation();
  #reject: ((error: GatewayError) => void) | undefined;

  constructor(request: OutgoingRequest, upstream: string, deadlines: Deadlines) {
    this.#request = request;
    this.#upstream = upstream;
    this.#deadlines = deadlines;
    const { method, params, client, principal, session, ask, timeoutMs, wantsProgress } = request;
    const emit = request.emit === undefined ? undefined : (notification: Notification) => this.#emit(notification);
    this.inner = { method, params, client, principal, session, ask, timeoutMs, wantsProgress, emit, cancellation: this.#cancellation };
  }

  race(answer: Promise<Answer>): Promise<Answer> {
    const { cancellation, timeoutMs, method } = this.#request;
    this.deadlineMs = this.#deadlines.in(timeoutMs);
    this.#deadlines.add(this);
    return new Promise<Answer>((resolve, reject) => {
      this.#reject = reject;
      const unwatch = cancellation.watch((reason) => this.fail(callCancelled(this.#upstream, method, reason), reason));
      const settle = () => {
        unwatch();
        this.#deadlines.delete(this);
      };
      answer.then(resolve, reject).finally(settle);
    });
  }

  expire(): void {
    const { method, timeoutMs } = this.#request;
    this.fail(callDeadline(this.#upstream, method, timeoutMs));
  }

  fail(error: GatewayError, reason = error.message): void {
    this.#deadlines.delete(this);
    this.#reject?.(error);
    this.#cancellation.cancel(reason);
  }

  #emit(notification: Notification): void {
    if (this.#cancellation.isCancelled) return;
    if (notification.method === 'notifications/progress') this.deadlineMs = this.#deadlines.in(this.#request.timeoutMs);
    this.#request.emit?.(notification);
  }
}
