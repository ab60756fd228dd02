import { GatewayError, type CallerSession, type Notification } from '@signalbox/core';
import { encodeNotification } from '../messages/encode.ts';
import type { Message, RequestMessage } from '../messages/message.ts';
import type { PeerContext } from '../peers/peer-context.ts';
import { ServerSession, readInitializingClient } from '../peers/server-session.ts';
import { EventLogs } from './event-logs.ts';
import { encodePriming, readPosition } from './event-log.ts';
import { EventStream } from './event-stream.ts';
import type { Homes } from './homes.ts';
import { HttpExchange } from './http-exchange.ts';
import { readAccept, type Accepted } from './http-headers.ts';
import type { IncomingRequest, ResponseWriter } from './http-message.ts';
import type { KeepAlive } from './keep-alive.ts';
import { SessionTable, type SessionEntry, type SessionLimits } from './session-table.ts';
import { SessionTokens } from './session-tokens.ts';

const MAX_STREAMS_PER_SESSION = 4;
/** How long a client should wait before it comes back for a stream that broke off. */
const RETRY_MS = 1_000;
/** The revision that wants each stream to begin with an event that can be resumed from. */
const PRIMING_REVISION = '2025-11-25';

export interface HandshakeSessionsOptions {
  readonly context: PeerContext;
  readonly sessions: SessionLimits;
  readonly keepAlive: KeepAlive;
  /** The address they are at, and whose they are. */
  readonly place: string;
  readonly principal: string;
  readonly homes?: Homes | undefined;
}

/** The sessions that clients of the handshake revisions have at one HTTP address, with their streams. */
export class HandshakeSessions {
  readonly #options: HandshakeSessionsOptions;
  readonly #table: SessionTable;
  readonly #tokens: SessionTokens;
  /** Sessions that have, or had, a stream of their own. */
  readonly #listening = new Set<SessionEntry>();
  #streams = 0;

  constructor(options: HandshakeSessionsOptions) {
    const { context, sessions, place, principal, homes } = options;
    this.#options = options;
    this.#table = new SessionTable(context.clock, sessions, (entry) => this.#listening.delete(entry));
    this.#tokens = new SessionTokens({
      seal: context.seal,
      place: `${place}\n${principal}`,
      home: homes?.own,
      clock: context.clock,
      maxAgeMs: sessions.maxAgeSeconds * 1000,
    });
  }

  get counts(): { readonly open: number; readonly streams: number } {
    return { open: this.#table.size, streams: this.#streams };
  }

  /** Begins a session. @throws GatewayError `INVALID_PARAMS`, `OVERLOADED` */
  initialize(message: RequestMessage, response: ResponseWriter, accepted: Accepted): void {
    const client = readInitializingClient(message);
    const { id, session } = this.#open(this.#tokens.mint(client), client);
    const { keepAlive } = this.#options;
    new HttpExchange(response, { id: message.id, accepted, isModern: false, keepAlive, sessionId: id }).answer(session.welcome);
  }

  /** Takes one message within a session. @throws GatewayError `SESSION_NOT_FOUND`, `INVALID_REQUEST` */
  receive(message: Message, request: IncomingRequest, response: ResponseWriter, accepted: Accepted): void {
    const entry = this.#use(request);
    const { session } = entry;
    if (message.kind === 'request') {
      const reply = new HttpExchange(response, {
        id: message.id,
        accepted,
        isModern: false,
        keepAlive: this.#options.keepAlive,
        resumable: { logs: () => (entry.logs ??= new EventLogs()), retryMs: session.revision >= PRIMING_REVISION ? RETRY_MS : undefined },
      });
      session.request(message, reply);
      return reply.wait();
    }
    if (message.kind === 'notification') session.receive(message);
    else session.answer(message);
    response.writeHead(202, ['Content-Length', '0']).end();
  }

  /** Opens a stream: the session's own, or the rest of one that broke off. @throws GatewayError as `receive`, `NOT_ACCEPTABLE` */
  stream(request: IncomingRequest, response: ResponseWriter): void {
    if (!readAccept(request.headers.accept).events)
      throw new GatewayError('NOT_ACCEPTABLE', 'Cannot open a stream for a client that does not accept "text/event-stream"');
    const entry = this.#use(request);
    const last = request.headers['last-event-id'];
    const place = typeof last === 'string' ? readPosition(last) : undefined;
    if (place !== undefined && place.stream > 0) return this.#resume(entry, place, response);
    const stream = this.#openStream(entry, response);
    if (place !== undefined) entry.logs?.find(0)?.replay(place.position, stream);
    else if (entry.session.revision >= PRIMING_REVISION) stream.send(encodePriming(0, RETRY_MS));
    entry.session.outletOpened();
  }

  /** Ends a session at its client's wish. @throws GatewayError as `receive` */
  end(request: IncomingRequest, response: ResponseWriter): void {
    const entry = this.#use(request);
    this.#tokens.end(entry.id);
    this.#options.homes?.ended(entry.id);
    this.#table.end(entry, 'The client ended its session');
    response.writeHead(200, ['Content-Length', '0']).end();
  }

  /** Passes a notification that belongs to no request on to every session it is for, once each. Those in `except` are told in another way. */
  offer(notification: Notification, except?: ReadonlySet<CallerSession>): void {
    if (this.#listening.size === 0) return;
    const message = encodeNotification(notification.method, notification.params);
    for (const entry of this.#listening)
      if (entry.session.wants(notification) && except?.has(entry.session) !== true) this.#send(entry, message);
  }

  endStreams(): void {
    for (const { streams } of this.#listening) for (const stream of streams ?? []) stream.end();
  }

  /** Lets go of the sessions that have nothing in flight. @returns whether none is left. */
  closeIdle(reason: string): boolean {
    return this.#table.closeIdle(reason);
  }

  close(reason: string): void {
    this.#table.close(reason);
  }

  #use(request: IncomingRequest): SessionEntry {
    const id = request.headers['mcp-session-id'];
    if (typeof id !== 'string')
      throw new GatewayError('INVALID_REQUEST', 'Cannot serve a request without an Mcp-Session-Id header: send "initialize" first');
    const entry = this.#table.use(id) ?? this.#takeUp(id);
    if (entry === undefined)
      throw new GatewayError(
        'SESSION_NOT_FOUND',
        'Cannot find this session: it has ended, or never was; send "initialize" to begin another',
      );
    return entry;
  }

  #takeUp(id: string): SessionEntry | undefined {
    const client = this.#tokens.open(id);
    return client === undefined ? undefined : this.#open(id, client);
  }

  #open(id: string, client: ServerSession['client']): SessionEntry {
    const { context, principal } = this.#options;
    const entry: SessionEntry = this.#table.add(
      id,
      new ServerSession(context, client, { id, principal, outlet: (message) => this.#send(entry, message) }),
    );
    return entry;
  }

  // A client whose stream broke off may come back for what it missed; one that never had a stream does not want any of it.
  #send(entry: SessionEntry, message: Buffer): boolean {
    const stream = entry.streams?.at(-1);
    if (message.length === 0) return stream !== undefined;
    if (stream === undefined && !this.#listening.has(entry)) return false;
    const event = (entry.logs ??= new EventLogs()).general.append(message);
    stream?.send(event);
    return true;
  }

  #openStream(entry: SessionEntry, response: ResponseWriter): EventStream {
    const { keepAlive } = this.#options;
    const streams = (entry.streams ??= []);
    const stream: EventStream = new EventStream(response, () => {
      this.#streams--;
      keepAlive.remove(stream);
      const index = streams.indexOf(stream);
      if (index >= 0) streams.splice(index, 1);
      this.#table.touch(entry);
    });
    streams.push(stream);
    this.#streams++;
    this.#listening.add(entry);
    keepAlive.add(stream);
    if (streams.length > MAX_STREAMS_PER_SESSION) streams[0]!.end();
    return stream;
  }

  #resume(entry: SessionEntry, place: { readonly stream: number; readonly position: number }, response: ResponseWriter): void {
    const log = entry.logs?.find(place.stream);
    if (log === undefined || !log.has(place.position))
      throw new GatewayError(
        'INVALID_REQUEST',
        `Cannot go on after event ${place.stream}.${place.position}: what follows is not kept any more`,
      );
    const { keepAlive } = this.#options;
    const stream: EventStream = new EventStream(response, () => {
      keepAlive.remove(stream);
      log.leave(stream);
    });
    keepAlive.add(stream);
    log.resume(place.position, stream);
  }
}
