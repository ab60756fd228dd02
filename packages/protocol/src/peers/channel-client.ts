import {
  GatewayError,
  isObject,
  systemClock,
  toOutcome,
  type Answer,
  type Clock,
  type ErrorData,
  type LogLevel,
  type Notification,
  type Outcome,
  type ResultSink,
} from '@signalbox/core';
import { encodeNotification, toParams } from '../messages/encode.ts';
import { readInteger } from '../messages/integer.ts';
import { isHandshake } from '../revisions/revisions.ts';
import type { Channel } from '../transports/channel.ts';
import { ChangeListener, subscriptionOf, type ChangeListenerOptions, type ListenEvents } from './change-listener.ts';
import { ChannelPeer, type PendingRequest } from './channel-peer.ts';
import { withAnswers } from './input-rounds.ts';
import { initializeParams, negotiate, readDiscover, readInitialize, type Opened } from './opening.ts';
import {
  NO_PARAMS,
  createModernEncoder,
  encodeHandshakeNotification,
  encodeHandshakeRequest,
  encodeModernNotification,
  ownRequest,
} from './outgoing.ts';
import type { Caller, Connection, ConnectOptions, OutgoingRequest, ServerProfile } from './peer.ts';
import { toOutcomeError, unavailable } from './upstream-errors.ts';

export interface ChannelConnectOptions extends ConnectOptions {
  /** Default: the machine's clock. */
  readonly clock?: Clock;
  /** Told in words what the server did that it must not: garbage, answers nobody waits for. */
  readonly onAnomaly?: (text: string) => void;
  /** Adds to the data of errors that tell of a lost channel, such as the last lines of stderr. */
  readonly describeFailure?: () => ErrorData;
}

/**
 * Opens a conversation over a channel and takes the channel over: it is closed with the connection, and when opening fails.
 * @throws GatewayError `DEADLINE_EXCEEDED` after `handshakeMs`; `UPSTREAM_UNAVAILABLE` when the channel ends meanwhile,
 * with `asked` in its data naming the last request sent, so that a server that cannot bear `server/discover` can be
 * started again with `revision: 'handshake'`; `UPSTREAM_PROTOCOL` when the server refuses every revision.
 */
export async function openChannel(channel: Channel, options: ChannelConnectOptions): Promise<Connection> {
  const { upstream, client, clock = systemClock, onAnomaly = () => undefined, describeFailure = () => ({}) } = options;
  const encodeModern = createModernEncoder(client);
  const listens = new Map<number, ListenEvents>();
  const onNotification = (notification: Notification) => deliver(notification, listens, options.onNotification);
  const { capabilities, ask: askClient } = options;
  const isAskable = capabilities !== undefined;
  const peer = new ChannelPeer({ channel, upstream, clock, onNotification, isAskable, ask: askClient, onAnomaly, describeFailure });
  let asked = '';
  const ask = (request: OutgoingRequest, encode: typeof encodeModern) => {
    asked = request.method;
    return peer.start(request, { encode }).answer.then(toOutcome);
  };
  const forever = { info: client, timeoutMs: Infinity };
  try {
    const opened = await negotiate({
      connect: options,
      clock,
      discover: async () => readDiscover(await ask(ownRequest('server/discover', { params: NO_PARAMS, ...forever }), encodeModern)),
      initialize: async () =>
        readInitialize(
          await ask(
            ownRequest('initialize', { params: initializeParams(client, options.capabilities), ...forever }),
            encodeHandshakeRequest,
          ),
        ),
    });
    return new ChannelConnection({ peer, opened, options, clock, encodeModern, listens });
  } catch (error) {
    const seen = describeFailure();
    await peer.close();
    throw error instanceof GatewayError ? duringHandshake(error, { upstream, asked, seen }) : error;
  }
}

interface ChannelConnectionOptions {
  readonly peer: ChannelPeer;
  readonly opened: Opened;
  readonly options: ConnectOptions;
  readonly clock: Clock;
  readonly encodeModern: (id: number, request: OutgoingRequest) => Buffer;
  readonly listens: Map<number, ListenEvents>;
}

class ChannelConnection implements Connection {
  readonly isCorrelated = false;
  readonly revision: string;
  readonly server: ServerProfile;
  readonly closed: Promise<string>;
  readonly #peer: ChannelPeer;
  readonly #options: ConnectOptions;
  readonly #encode: (id: number, request: OutgoingRequest) => Buffer;
  readonly #listens: Map<number, ListenEvents>;
  readonly #listener: ChangeListener | undefined;

  constructor({ peer, opened, options, clock, encodeModern, listens }: ChannelConnectionOptions) {
    this.revision = opened.revision;
    this.server = opened.server;
    this.closed = peer.closed;
    this.#peer = peer;
    this.#options = options;
    this.#listens = listens;
    peer.revision = opened.revision;
    if (isHandshake(opened.revision)) {
      this.#encode = encodeHandshakeRequest;
      peer.tell(encodeNotification('notifications/initialized'));
      return;
    }
    this.#encode = encodeModern;
    const { upstream, client, handshakeMs: timeoutMs, onNotification } = options;
    const open: ChangeListenerOptions['open'] = (params, events) =>
      this.#listen(ownRequest('subscriptions/listen', { params, info: client, timeoutMs: Infinity }), events);
    this.#listener = new ChangeListener({ upstream, client, server: opened.server, clock, timeoutMs, open, onNotification });
    this.#listener.start();
    void peer.closed.then(() => this.#listener?.close());
  }

  request(request: OutgoingRequest): Promise<Outcome> {
    return this.pour(request, undefined).then(toOutcome);
  }

  pour(request: OutgoingRequest, sink: ResultSink | undefined): Promise<Answer> {
    const how = { encode: this.#encode, sink };
    const { answer } = this.#peer.start(request, how);
    if (this.#listener === undefined || !isHandshake(request.client.revision)) return answer;
    return withAnswers(answer, request, { upstream: this.#options.upstream, again: (next) => this.#peer.start(next, how).answer });
  }

  notify(notification: Notification, caller?: Caller): void {
    if (this.#listener === undefined) this.#peer.tell(encodeHandshakeNotification(notification));
    else if (caller !== undefined) this.#peer.tell(encodeModernNotification(notification, caller.client, this.#options.client));
  }

  async ping(timeoutMs: number): Promise<void> {
    await this.#ask(this.#listener === undefined ? 'ping' : 'server/discover', {}, timeoutMs);
  }

  async subscribe(uri: string): Promise<void> {
    if (this.#listener !== undefined) return this.#listener.subscribe(uri);
    return this.#demand('resources/subscribe', { uri });
  }

  async unsubscribe(uri: string): Promise<void> {
    if (this.#listener !== undefined) return this.#listener.unsubscribe(uri);
    return this.#demand('resources/unsubscribe', { uri });
  }

  watchTask(taskId: string): void {
    this.#listener?.watchTask(taskId);
  }

  unwatchTask(taskId: string): void {
    this.#listener?.unwatchTask(taskId);
  }

  async setLogLevel(level: LogLevel): Promise<void> {
    if (this.#listener === undefined && isObject(this.server.capabilities['logging'])) await this.#demand('logging/setLevel', { level });
  }

  close(): Promise<void> {
    this.#listener?.close();
    return this.#peer.close();
  }

  #ask(method: string, params: Readonly<Record<string, unknown>>, timeoutMs: number): Promise<Outcome> {
    return this.request(ownRequest(method, { params: toParams(params), info: this.#options.client, timeoutMs }));
  }

  async #demand(method: string, params: Readonly<Record<string, unknown>>): Promise<void> {
    const outcome = await this.#ask(method, params, this.#options.handshakeMs);
    if (outcome.kind === 'error') throw toOutcomeError(this.#options.upstream, method, outcome.error);
  }

  #listen(request: OutgoingRequest, events: ListenEvents): () => void {
    const pending = this.#peer.start(request, { encode: this.#encode });
    this.#listens.set(pending.id, events);
    pending.answer.then(
      (outcome) =>
        this.#endListen(pending, outcome.kind === 'error' ? outcome.error.message : 'the server ended it', outcome.kind === 'error'),
      (error: Error) => this.#endListen(pending, error.message, false),
    );
    return () => {
      this.#listens.delete(pending.id);
      this.#peer.abandon(pending, 'no longer needed');
    };
  }

  #endListen({ id }: PendingRequest, reason: string, isFinal: boolean): void {
    const events = this.#listens.get(id);
    this.#listens.delete(id);
    events?.onEnd(reason, isFinal);
  }
}

// A tagged notification belongs to one listen request and to nobody else; one of a request that has ended is late.
function deliver(
  notification: Notification,
  listens: ReadonlyMap<number, ListenEvents>,
  onNotification: (notification: Notification) => void,
): void {
  if (listens.size === 0) return onNotification(notification);
  const tag = subscriptionOf(notification);
  if (tag === undefined) return onNotification(notification);
  listens.get(readInteger(tag) ?? -1)?.onNotification(notification);
}

function duringHandshake(
  error: GatewayError,
  { upstream, asked, seen }: { readonly upstream: string; readonly asked: string; readonly seen: ErrorData },
): GatewayError {
  const data = { ...seen, ...error.data, phase: 'handshake', asked };
  if (error.code !== 'UPSTREAM_UNAVAILABLE') return new GatewayError(error.code, error.message, { data, cause: error });
  const reason = String(error.data?.['reason'] ?? error.message);
  return unavailable(upstream, `${reason} while "${asked}" waited for its answer`, { sent: true, data, cause: error });
}
