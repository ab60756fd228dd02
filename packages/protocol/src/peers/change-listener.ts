import { GatewayError, isObject, type Clock, type Implementation, type Notification, type Params, type RawJson } from '@signalbox/core';
import { toParams } from '../messages/encode.ts';
import { readMember, withMember, withoutMember } from '../messages/members.ts';
import { META } from '../revisions/revisions.ts';
import { declaresTasks } from '../tasks/task-support.ts';
import type { ServerProfile } from './peer.ts';
import { unavailable } from './upstream-errors.ts';

const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged';
const FIRST_BACKOFF_MS = 1_000;
const MAX_BACKOFF_MS = 60_000;

/** What happens on one `subscriptions/listen` request. */
export interface ListenEvents {
  onNotification(notification: Notification): void;
  /** The request is over and was not ended by us. `isFinal` when asking again is of no use. */
  onEnd(reason: string, isFinal: boolean): void;
}

export interface ChangeListenerOptions {
  readonly upstream: string;
  readonly client: Implementation;
  readonly server: ServerProfile;
  readonly clock: Clock;
  /** Longest wait for the server to confirm a subscription, in milliseconds. */
  readonly timeoutMs: number;
  /** Sends one `subscriptions/listen`. Returns what ends it. */
  readonly open: (params: Params, events: ListenEvents) => () => void;
  readonly onNotification: (notification: Notification) => void;
}

interface Stream {
  end: () => void;
}

interface Waiter {
  readonly uri: string;
  settle(error?: GatewayError): void;
}

/**
 * Keeps one `subscriptions/listen` of a modern server open for everything we want to hear of. A changed wish opens a new
 * request first and ends the old one when the server has confirmed the new one, so that nothing is missed or heard twice.
 */
export class ChangeListener {
  readonly #options: ChangeListenerOptions;
  readonly #lists: Readonly<Record<string, true>>;
  readonly #uris = new Set<string>();
  readonly #taskIds = new Set<string>();
  readonly #waiters = new Set<Waiter>();
  #current: Stream | undefined;
  #next: Stream | undefined;
  #isPlanned = false;
  #isClosed = false;
  #refusal: string | undefined;
  #backoffMs = FIRST_BACKOFF_MS;
  #stopTimer: (() => void) | undefined;

  constructor(options: ChangeListenerOptions) {
    this.#options = options;
    this.#lists = listsOf(options.server);
  }

  /** Starts listening for changed lists, if the server has any that change. */
  start(): void {
    this.#open();
  }

  subscribe(uri: string): Promise<void> {
    const { upstream, clock, timeoutMs } = this.#options;
    if (this.#isClosed) return Promise.reject(unavailable(upstream, 'the connection is closed', { sent: false }));
    if (this.#refusal !== undefined) return Promise.reject(notOffered(upstream, uri, this.#refusal));
    this.#uris.add(uri);
    return new Promise((resolve, reject) => {
      const stop = clock.after(timeoutMs, () => waiter.settle(notConfirmed(upstream, uri, timeoutMs)));
      const waiter: Waiter = {
        uri,
        settle: (error) => {
          stop();
          this.#waiters.delete(waiter);
          if (error === undefined) return resolve();
          this.#uris.delete(uri);
          reject(error);
        },
      };
      this.#waiters.add(waiter);
      this.#plan();
    });
  }

  unsubscribe(uri: string): void {
    if (this.#uris.delete(uri) && !this.#isClosed) this.#plan();
  }

  /** Asks to hear of a task, if the server tells of tasks at all. It need not agree, so nothing is waited for. */
  watchTask(taskId: string): void {
    if (this.#isClosed || this.#refusal !== undefined || !declaresTasks(this.#options.server.capabilities)) return;
    this.#taskIds.add(taskId);
    this.#plan();
  }

  unwatchTask(taskId: string): void {
    if (this.#taskIds.delete(taskId) && !this.#isClosed) this.#plan();
  }

  close(): void {
    this.#isClosed = true;
    this.#stopTimer?.();
    this.#endStreams();
    this.#rejectAll(unavailable(this.#options.upstream, 'the connection is closed', { sent: true }));
  }

  // Wishes of one turn share one request.
  #plan(): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    queueMicrotask(() => {
      this.#isPlanned = false;
      this.#open();
    });
  }

  #open(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    if (this.#isClosed || this.#refusal !== undefined) return;
    this.#next?.end();
    this.#next = undefined;
    const notifications = {
      ...this.#lists,
      ...(this.#uris.size === 0 ? {} : { resourceSubscriptions: [...this.#uris] }),
      ...(this.#taskIds.size === 0 ? {} : { taskIds: [...this.#taskIds] }),
    };
    if (Object.keys(notifications).length === 0) return this.#endStreams();
    const stream: Stream = { end: () => undefined };
    this.#next = stream;
    stream.end = this.#options.open(toParams({ notifications }), {
      onNotification: (notification) => this.#take(stream, notification),
      onEnd: (reason, isFinal) => this.#lose(stream, reason, isFinal),
    });
  }

  #take(stream: Stream, notification: Notification): void {
    if (stream !== this.#current && stream !== this.#next) return;
    if (stream === this.#next) {
      this.#current?.end();
      this.#current = stream;
      this.#next = undefined;
      this.#backoffMs = FIRST_BACKOFF_MS;
    }
    if (notification.method === ACKNOWLEDGED) return this.#confirm(notification);
    this.#options.onNotification(untag(notification));
  }

  #confirm(notification: Notification): void {
    const agreed = notification.params?.object?.['notifications'];
    const uris = isObject(agreed) ? agreed['resourceSubscriptions'] : undefined;
    for (const waiter of this.#waiters) {
      if (Array.isArray(uris) && uris.includes(waiter.uri)) waiter.settle();
      else waiter.settle(notOffered(this.#options.upstream, waiter.uri, 'the server did not agree to it'));
    }
  }

  #lose(stream: Stream, reason: string, isFinal: boolean): void {
    if (this.#isClosed || (stream !== this.#current && stream !== this.#next)) return;
    if (stream === this.#current) this.#current = undefined;
    else this.#next = undefined;
    if (isFinal && this.#taskIds.size > 0) {
      // It may be the tasks it minds, and they can be asked about without this.
      this.#taskIds.clear();
      return this.#open();
    }
    if (isFinal) {
      this.#refusal = reason;
      for (const waiter of this.#waiters) waiter.settle(notOffered(this.#options.upstream, waiter.uri, reason));
      return;
    }
    if (this.#next !== undefined || this.#stopTimer !== undefined) return;
    this.#stopTimer = this.#options.clock.after(this.#backoffMs, () => this.#open());
    this.#backoffMs = Math.min(MAX_BACKOFF_MS, this.#backoffMs * 2);
  }

  #endStreams(): void {
    const streams = [this.#current, this.#next];
    this.#current = undefined;
    this.#next = undefined;
    for (const stream of streams) stream?.end();
  }

  #rejectAll(error: GatewayError): void {
    for (const waiter of this.#waiters) waiter.settle(error);
  }
}

/** The id of the `subscriptions/listen` a notification belongs to, as JSON text. */
export function subscriptionOf({ params }: Notification): RawJson | undefined {
  const meta = params === undefined ? undefined : readMember(params, '_meta');
  return meta === undefined ? undefined : readMember(meta, META.subscriptionId);
}

// The tag names our own request to this upstream; whoever passes the notification on sets its own.
function untag({ method, params }: Notification): Notification {
  const meta = params === undefined ? undefined : readMember(params, '_meta');
  if (params === undefined || meta === undefined) return { method, params };
  const rest = withoutMember(meta, META.subscriptionId);
  return { method, params: rest === undefined ? withoutMember(params, '_meta') : withMember(params, '_meta', rest) };
}

function listsOf({ capabilities }: ServerProfile): Readonly<Record<string, true>> {
  const lists: Record<string, true> = {};
  for (const kind of ['tools', 'prompts', 'resources']) {
    const capability = capabilities[kind];
    if (isObject(capability) && capability['listChanged'] === true) lists[`${kind}ListChanged`] = true;
  }
  return lists;
}

function notOffered(upstream: string, uri: string, reason: string): GatewayError {
  return new GatewayError('METHOD_NOT_FOUND', `Cannot subscribe to "${uri}" on upstream "${upstream}": ${reason}`, {
    data: { upstream, uri },
  });
}

function notConfirmed(upstream: string, uri: string, budgetMs: number): GatewayError {
  return new GatewayError('DEADLINE_EXCEEDED', `Cannot subscribe to "${uri}" on upstream "${upstream}": not confirmed in ${budgetMs} ms`, {
    data: { upstream, phase: 'subscribe', uri, budgetMs },
  });
}
