import type { IncomingMessage, ServerResponse } from 'node:http';
import { Cancellation, GatewayError, toGatewayError, type Clock, type Notification, type RawJson } from '@signalbox/core';
import { encodeNotification } from '../messages/encode.ts';
import { decodeStrict, readableId, type Message, type NotificationMessage, type RequestMessage } from '../messages/message.ts';
import { encodeEvent } from '../messages/sse.ts';
import { ModernRequests, claimedRevision, isModernClaim, readClaim, refuseRevision } from '../peers/modern-requests.ts';
import type { PeerContext } from '../peers/peer-context.ts';
import { ServerSession } from '../peers/server-session.ts';
import { HANDSHAKE_REVISIONS, MODERN_REVISION } from '../revisions/revisions.ts';
import { EventStream } from './event-stream.ts';
import { readBody } from './http-body.ts';
import { HttpExchange, reject } from './http-exchange.ts';
import { checkContent, checkMirrored, checkVersion, readAccept, readMirrored, textOf, type Accepted } from './http-headers.ts';
import { adoptIdempotencyKey } from './idempotency-header.ts';
import { KeepAlive } from './keep-alive.ts';
import { SessionTable, type SessionEntry, type SessionLimits } from './session-table.ts';

export interface EndpointLimits {
  readonly maxMessageBytes: number;
  readonly maxDepth: number;
}

export interface EndpointOptions {
  readonly context: PeerContext;
  readonly limits: EndpointLimits;
  readonly sessions: SessionLimits;
  readonly clock: Clock;
}

const KEEP_ALIVE_MS = 15_000;
const MAX_STREAMS_PER_SESSION = 4;

/** The one address where clients of both generations speak MCP: decides which generation a request is, and serves it. */
export class HttpEndpoint {
  readonly #context: PeerContext;
  readonly #limits: EndpointLimits;
  readonly #sessions: SessionTable;
  readonly #modern: ModernRequests;
  readonly #keepAlive: KeepAlive;
  readonly #streaming = new Set<SessionEntry>();
  #streams = 0;

  constructor(options: EndpointOptions) {
    this.#context = options.context;
    this.#limits = options.limits;
    this.#sessions = new SessionTable(options.clock, options.sessions);
    this.#modern = new ModernRequests(options.context, { maxSubscriptions: options.sessions.max });
    this.#keepAlive = new KeepAlive(options.clock, KEEP_ALIVE_MS);
  }

  /** Open sessions, and streams of notifications in both generations. */
  get counts(): { readonly open: number; readonly streams: number } {
    return { open: this.#sessions.size, streams: this.#streams + this.#modern.openSubscriptions };
  }

  /** Serves one request to the endpoint. */
  serve(request: IncomingMessage, response: ServerResponse): void {
    try {
      if (request.method === 'POST') return this.#post(request, response);
      const isModern = textOf(request.headers['mcp-protocol-version']) === MODERN_REVISION;
      if (!isModern && request.method === 'GET') return this.#openStream(request, response);
      if (!isModern && request.method === 'DELETE') return this.#endSession(request, response);
      const error = new GatewayError('METHOD_NOT_ALLOWED', `Cannot serve ${request.method ?? 'this method'} at this address`);
      reject(request, response, { error, allow: isModern ? 'POST' : 'GET, POST, DELETE' });
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      reject(request, response, { error });
    }
  }

  /** Passes a notification that belongs to no request on to every session and subscription it is for, once each. */
  offer(notification: Notification): void {
    this.#modern.offer(notification);
    if (this.#streaming.size === 0) return;
    const event = encodeEvent(encodeNotification(notification.method, notification.params));
    for (const { session, streams } of this.#streaming) if (session.wants(notification)) streams?.at(-1)?.send(event);
  }

  /** Ends subscriptions and streams of notifications in good order; requests in flight go on. */
  endStreams(): void {
    this.#modern.close();
    for (const { streams } of this.#streaming) for (const stream of streams ?? []) stream.end();
  }

  /** Ends all sessions with what is in flight in them. */
  close(reason: string): void {
    this.#sessions.close(reason);
    this.#keepAlive.close();
  }

  #post(request: IncomingMessage, response: ServerResponse): void {
    checkContent(request.headers);
    const accepted = readAccept(request.headers.accept);
    if (!accepted.json && !accepted.events) {
      throw new GatewayError('NOT_ACCEPTABLE', 'Cannot answer in another form than "application/json" and "text/event-stream"');
    }
    readBody(request, {
      maxBytes: this.#limits.maxMessageBytes,
      onBody: (body) => this.#receive(body, { request, response, accepted }),
      onRefused: (error) => reject(request, response, { error }),
    });
  }

  #receive(body: Buffer, exchange: Incoming): void {
    let id: RawJson | undefined;
    try {
      let message: Message;
      try {
        message = decodeStrict(body, this.#limits);
      } catch (error) {
        id = readableId(body);
        throw error;
      }
      if (message.kind === 'request') id = message.id;
      const key = textOf(exchange.request.headers['idempotency-key']);
      if (key !== undefined) message = adoptIdempotencyKey(message, key);
      const version = textOf(exchange.request.headers['mcp-protocol-version']);
      if (version === MODERN_REVISION || isModernClaim(claimOf(message))) this.#serveModern(message, version, exchange);
      else this.#serveHandshake(message, version, exchange);
    } catch (thrown) {
      const error = toGatewayError(thrown);
      if (error.code === 'INTERNAL') this.#context.logger.error('request failed', { error: error.message, stack: error.stack });
      reject(exchange.request, exchange.response, { error, id });
    }
  }

  #serveModern(message: Message, version: string | undefined, { request, response, accepted }: Incoming): void {
    if (message.kind === 'response')
      throw new GatewayError('INVALID_REQUEST', 'Cannot accept an answer: this revision has no requests of the server');
    if (message.kind === 'notification') {
      const claim = claimOf(message);
      if (typeof claim === 'string' && version !== undefined) checkVersion(version, claim);
      checkMirrored(request.headers, message);
      // What it could cancel is cancelled by closing its stream, so nothing is left that concerns the transport.
      if (message.method !== 'notifications/cancelled') this.#context.notify(message);
      return accept(response);
    }
    const claim = readClaim(message.params);
    checkVersion(version, claim);
    if (claim !== MODERN_REVISION) refuseRevision(claim);
    checkMirrored(request.headers, message);
    const reply = new HttpExchange(response, { id: message.id, accepted, isModern: true, keepAlive: this.#keepAlive });
    const cancellation = new Cancellation();
    const mirrored = message.method === 'tools/call' ? readMirrored(request.headers) : undefined;
    this.#modern.request(message, { reply, cancellation, mirrored });
    if (reply.isOver) return;
    reply.wait();
    response.on('close', () => {
      if (reply.isOver) return;
      cancellation.cancel('The client closed the stream of its request');
      reply.drop();
    });
  }

  #serveHandshake(message: Message, version: string | undefined, { request, response, accepted }: Incoming): void {
    checkHandshakeVersion(version);
    if (message.kind === 'request' && message.method === 'initialize' && request.headers['mcp-session-id'] === undefined) {
      return this.#initialize(message, response, accepted);
    }
    const { session } = this.#useSession(request);
    if (message.kind !== 'request') {
      if (message.kind === 'notification') session.notify(message);
      return accept(response);
    }
    const reply = new HttpExchange(response, { id: message.id, accepted, isModern: false, keepAlive: this.#keepAlive });
    session.request(message, reply);
    reply.wait();
  }

  #initialize(message: RequestMessage, response: ServerResponse, accepted: Accepted): void {
    const session = new ServerSession(this.#context, message);
    const { welcome } = session;
    const { id } = this.#sessions.add(session);
    new HttpExchange(response, { id: message.id, accepted, isModern: false, keepAlive: this.#keepAlive, sessionId: id }).answer(welcome);
  }

  #openStream(request: IncomingMessage, response: ServerResponse): void {
    checkHandshakeVersion(textOf(request.headers['mcp-protocol-version']));
    if (!readAccept(request.headers.accept).events)
      throw new GatewayError('NOT_ACCEPTABLE', 'Cannot open a stream for a client that does not accept "text/event-stream"');
    const entry = this.#useSession(request);
    const streams = (entry.streams ??= []);
    const stream: EventStream = new EventStream(response, () => {
      this.#streams--;
      this.#keepAlive.remove(stream);
      const index = streams.indexOf(stream);
      if (index >= 0) streams.splice(index, 1);
      if (streams.length === 0) this.#streaming.delete(entry);
      this.#sessions.touch(entry);
    });
    streams.push(stream);
    this.#streams++;
    this.#streaming.add(entry);
    this.#keepAlive.add(stream);
    if (streams.length > MAX_STREAMS_PER_SESSION) streams[0]!.end();
  }

  #endSession(request: IncomingMessage, response: ServerResponse): void {
    this.#sessions.end(this.#useSession(request), 'The client ended its session');
    response.writeHead(200, ['Content-Length', '0']).end();
  }

  #useSession(request: IncomingMessage): SessionEntry {
    const id = request.headers['mcp-session-id'];
    if (typeof id !== 'string')
      throw new GatewayError('INVALID_REQUEST', 'Cannot serve a request without an Mcp-Session-Id header: send "initialize" first');
    const entry = this.#sessions.use(id);
    if (entry === undefined)
      throw new GatewayError(
        'SESSION_NOT_FOUND',
        'Cannot find this session: it has ended, or never was; send "initialize" to begin another',
      );
    return entry;
  }
}

interface Incoming {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly accepted: Accepted;
}

function checkHandshakeVersion(version: string | undefined): void {
  if (version !== undefined && !HANDSHAKE_REVISIONS.some((revision) => revision === version)) refuseRevision(version);
}

function claimOf(message: Message): unknown {
  if (message.kind === 'request') return claimedRevision(message.params.get('_meta')?.object);
  if (message.kind === 'response') return undefined;
  return claimedRevision(metaOf(message));
}

function metaOf(message: NotificationMessage): Readonly<Record<string, unknown>> | undefined {
  const meta: unknown = message.params?.object?.['_meta'];
  return typeof meta === 'object' && meta !== null ? (meta as Readonly<Record<string, unknown>>) : undefined;
}

function accept(response: ServerResponse): void {
  response.writeHead(202, ['Content-Length', '0']).end();
}
