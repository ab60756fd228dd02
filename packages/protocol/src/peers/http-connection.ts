import {
  GatewayError,
  isObject,
  systemClock,
  toMessage,
  toOutcome,
  type Answer,
  type Awaitable,
  type Clock,
  type LogLevel,
  type Notification,
  type Outcome,
  type ResultSink,
} from '@signalbox/core';
import { toParams } from '../messages/encode.ts';
import { readMember } from '../messages/members.ts';
import type { Message } from '../messages/message.ts';
import { isHandshake } from '../revisions/revisions.ts';
import { HttpClient } from '../transports/http1/http-client.ts';
import { ChangeListener, type ChangeListenerOptions } from './change-listener.ts';
import { HttpSession } from './http-session.ts';
import { HttpStream } from './http-stream.ts';
import { withAnswers } from './input-rounds.ts';
import { negotiate, readDiscover, type Opened, type Refused } from './opening.ts';
import { NO_PARAMS, encodeHandshakeNotification, ownRequest } from './outgoing.ts';
import type { Caller, Connection, ConnectOptions, OutgoingRequest, ServerProfile } from './peer.ts';
import { tellOfChanges } from './tell-of-changes.ts';
import { toOutcomeError } from './upstream-errors.ts';

const HEADER_MISMATCH = -32020;
const MAX_PAGES = 50;
const END_MS = 1_000;

export interface HttpConnectOptions extends ConnectOptions {
  readonly url: string;
  /** Sent with each request; their values never appear in errors. */
  readonly headers: Readonly<Record<string, string>>;
  /** Longest wait for a connection, in milliseconds. */
  readonly connectMs: number;
  /** Default: the machine's clock. */
  readonly clock?: Clock;
  /** Told in words what the server did that it must not. */
  readonly onAnomaly?: (text: string) => void;
}

/**
 * Opens a conversation with a Streamable HTTP server. Connections are made when needed, so a server that restarts is
 * simply used again; a lost session is replaced behind the scenes.
 * @throws GatewayError `DEADLINE_EXCEEDED` after `handshakeMs`; `UPSTREAM_UNAVAILABLE` when the server cannot be reached
 * or refuses us; `UPSTREAM_PROTOCOL` when it does not speak MCP or none of our revisions.
 */
export async function openHttp(options: HttpConnectOptions): Promise<Connection> {
  const { clock = systemClock, onAnomaly = () => undefined, connectMs, maxMessageBytes } = options;
  if (!URL.canParse(options.url))
    throw new GatewayError('INVALID_CONFIG', `Cannot open upstream "${options.upstream}": its "url" is no address`, {
      data: { upstream: options.upstream },
    });
  const url = new URL(options.url);
  const client = await HttpClient.create({ url, connectMs, maxMessageBytes });
  const session = new HttpSession({ client, connect: options, url, headers: options.headers, clock, onAnomaly });
  const discover = async () => {
    const request = ownRequest('server/discover', { params: NO_PARAMS, info: options.client, timeoutMs: Infinity });
    return readDiscover(toOutcome(await session.startModern(request).answer));
  };
  try {
    const opened = await negotiate({
      connect: options,
      clock,
      discover: () => (options.revision === 'modern' ? discover() : orRefused(discover())),
      initialize: () => session.initialize(Infinity),
    });
    await session.adopt(opened);
    return new HttpConnection({ session, opened, options, clock });
  } catch (error) {
    for (const call of session.calls.list()) call.close();
    await client.close();
    throw error;
  }
}

class HttpConnection implements Connection {
  readonly isCorrelated = true;
  readonly revision: string;
  readonly server: ServerProfile;
  readonly closed: Promise<string>;
  readonly #session: HttpSession;
  readonly #options: HttpConnectOptions;
  readonly #listener: ChangeListener | undefined;
  readonly #uris = new Set<string>();
  #logLevel: LogLevel | undefined;
  #stream: HttpStream | undefined;
  #closing: Promise<void> | undefined;
  #reportClosed!: (reason: string) => void;

  constructor({
    session,
    opened,
    options,
    clock,
  }: {
    readonly session: HttpSession;
    readonly opened: Opened;
    readonly options: HttpConnectOptions;
    readonly clock: Clock;
  }) {
    this.revision = opened.revision;
    this.server = opened.server;
    this.closed = new Promise((resolve) => (this.#reportClosed = resolve));
    this.#session = session;
    this.#options = options;
    if (isHandshake(opened.revision)) {
      this.#openStream();
      session.onRenewed = () => this.#restore();
      return;
    }
    const { upstream, client, handshakeMs: timeoutMs, onNotification } = options;
    this.#listener = new ChangeListener({
      upstream,
      client,
      server: opened.server,
      clock,
      timeoutMs,
      open: (params, events) => this.#listen(params, events),
      onNotification,
    });
    this.#listener.start();
  }

  request(request: OutgoingRequest): Promise<Outcome> {
    return this.#call(request, undefined).then(toOutcome);
  }

  pour(request: OutgoingRequest, sink: ResultSink): Promise<Answer> {
    return this.#call(request, sink);
  }

  notify(notification: Notification, caller?: Caller): void {
    if (this.#listener === undefined) void this.#session.post(encodeHandshakeNotification(notification));
    else if (caller !== undefined) void this.#session.postModern(notification, caller.client);
  }

  async ping(timeoutMs: number): Promise<void> {
    await this.#ask(this.#listener === undefined ? 'ping' : 'server/discover', {}, timeoutMs);
  }

  async subscribe(uri: string): Promise<void> {
    if (this.#listener !== undefined) return this.#listener.subscribe(uri);
    // Held from now on: the server may forget us before it answers.
    this.#uris.add(uri);
    await this.#demand('resources/subscribe', { uri });
  }

  async unsubscribe(uri: string): Promise<void> {
    if (this.#listener !== undefined) return this.#listener.unsubscribe(uri);
    this.#uris.delete(uri);
    await this.#demand('resources/unsubscribe', { uri });
  }

  watchTask(taskId: string): void {
    this.#listener?.watchTask(taskId);
  }

  unwatchTask(taskId: string): void {
    this.#listener?.unwatchTask(taskId);
  }

  async setLogLevel(level: LogLevel): Promise<void> {
    if (this.#listener !== undefined || !isObject(this.server.capabilities['logging'])) return;
    this.#logLevel = level;
    await this.#demand('logging/setLevel', { level });
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    this.#listener?.close();
    this.#stream?.close();
    for (const call of this.#session.calls.list()) call.close();
    this.#reportClosed('closed by the gateway');
    await this.#session.end(END_MS);
    await this.#session.client.close();
  }

  #call(request: OutgoingRequest, sink: ResultSink | undefined): Promise<Answer> {
    const answer = this.#send(request, sink);
    if (this.#listener === undefined || !isHandshake(request.client.revision)) return answer;
    return withAnswers(answer, request, { upstream: this.#options.upstream, again: (next) => this.#send(next, sink) });
  }

  #send(request: OutgoingRequest, sink: ResultSink | undefined): Promise<Answer> {
    const { answer } = this.#session.start(request, { sink });
    if (this.#listener === undefined || !request.method.startsWith('tools/')) return answer;
    return answer.then((known) => this.#mirror(request, sink, known));
  }

  // Tool lists tell which arguments are repeated in headers. A server that misses them shows that we have not seen its list.
  #mirror(request: OutgoingRequest, sink: ResultSink | undefined, answer: Answer): Awaitable<Answer> {
    if (answer.kind === 'result' && request.method === 'tools/list') this.#session.mirrored.learn(answer);
    if (answer.kind !== 'error' || answer.error.code !== HEADER_MISMATCH || request.method !== 'tools/call') return answer;
    return this.#readTools(request.timeoutMs).then(() => this.#session.start(request, { sink }).answer);
  }

  async #readTools(timeoutMs: number): Promise<void> {
    let cursor: unknown;
    for (let page = 0; page < MAX_PAGES; page++) {
      const outcome = await this.#ask('tools/list', { cursor }, timeoutMs);
      if (outcome.kind === 'error') return;
      cursor = outcome.result.object?.['nextCursor'];
      if (typeof cursor !== 'string') return;
    }
  }

  #ask(method: string, params: Readonly<Record<string, unknown>>, timeoutMs: number): Promise<Outcome> {
    return this.request(ownRequest(method, { params: toParams(params), info: this.#options.client, timeoutMs }));
  }

  async #demand(method: string, params: Readonly<Record<string, unknown>>): Promise<void> {
    const outcome = await this.#ask(method, params, this.#options.handshakeMs);
    if (outcome.kind === 'error') throw toOutcomeError(this.#options.upstream, method, outcome.error);
  }

  #openStream(): void {
    const { client, clock, onAnomaly, generation } = this.#session;
    this.#stream = new HttpStream({
      client,
      clock,
      onAnomaly,
      renew: () => this.#session.renew(generation),
      headers: () => this.#session.sessionHeaders,
      onMessage: (message) => this.#take(message),
    });
  }

  #take(message: Message): void {
    switch (message.kind) {
      case 'notification':
        return this.#takeNotification(message);
      case 'request':
        return void this.#session.question(message);
      case 'response':
        return this.#session.onAnomaly('an answer on the stream for notifications');
    }
  }

  #takeNotification(notification: Notification): void {
    const id =
      notification.method === 'notifications/cancelled' ? notification.params && readMember(notification.params, 'requestId') : undefined;
    if (id !== undefined && this.#session.cancelQuestion(id)) return;
    if (!this.#session.tasks.deliver(notification)) this.#options.onNotification(notification);
  }

  // A new session knows nothing of what the old one was told, and we nothing of what changed in between.
  #restore(): void {
    if (this.#closing !== undefined) return;
    this.#stream?.close();
    this.#openStream();
    const wishes = [...this.#uris].map((uri) => this.#demand('resources/subscribe', { uri }));
    if (this.#logLevel !== undefined) wishes.push(this.#demand('logging/setLevel', { level: this.#logLevel }));
    for (const wish of wishes) wish.catch((error: unknown) => this.#session.onAnomaly(`after its restart: ${toMessage(error)}`));
    tellOfChanges(this.server, this.#uris, this.#options);
  }

  #listen(...[params, events]: Parameters<ChangeListenerOptions['open']>): () => void {
    const request = ownRequest('subscriptions/listen', { params, info: this.#options.client, timeoutMs: Infinity });
    const call = this.#session.start(request, { onNotification: (notification) => events.onNotification(notification) });
    call.answer.then(
      (outcome) => events.onEnd(outcome.kind === 'error' ? outcome.error.message : 'the server ended it', outcome.kind === 'error'),
      (error: Error) => events.onEnd(error.message, false),
    );
    return () => call.abandon('no longer needed');
  }
}

// Servers of the handshake generation answer an unknown first request in many ways. Only when the server cannot be reached,
// or refuses our credentials, is the other way of no use either.
async function orRefused(answer: Promise<Opened | Refused>): Promise<Opened | Refused> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    const { sent, status } = error.data ?? {};
    const isHopeless =
      error.code === 'CANCELLED' || (error.code === 'UPSTREAM_UNAVAILABLE' && (sent === false || status === 401 || status === 403));
    if (isHopeless) throw error;
    return { refused: `"server/discover": ${error.message}` };
  }
}
