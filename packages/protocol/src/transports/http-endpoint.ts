import {
  Cancellation,
  GatewayError,
  IDEMPOTENCY_KEY,
  toGatewayError,
  type Awaitable,
  type CallerSession,
  type Clock,
  type Notification,
  type RawJson,
} from '@signalbox/core';
import { decodeStrict, readableId, type Message, type NotificationMessage, type RequestMessage } from '../messages/message.ts';
import { ModernRequests, claimedRevision, isModernClaim, readClaim, readSpeaker, refuseRevision } from '../peers/modern-requests.ts';
import type { PeerContext } from '../peers/peer-context.ts';
import { HANDSHAKE_REVISIONS, MODERN_REVISION } from '../revisions/revisions.ts';
import { HandshakeSessions } from './handshake-sessions.ts';
import { readBody } from './http-body.ts';
import type { Homes, PassedRequest } from './homes.ts';
import { HttpExchange, reject } from './http-exchange.ts';
import { checkContent, checkMirrored, checkVersion, readAccept, readMirrored, textOf, type Accepted } from './http-headers.ts';
import type { IncomingRequest, ResponseWriter } from './http-message.ts';
import { adoptIdempotencyKey } from './idempotency-header.ts';
import { KeepAlive } from './keep-alive.ts';
import type { SessionLimits } from './session-table.ts';
import { adoptTrace } from './trace-headers.ts';

export interface EndpointLimits {
  readonly maxMessageBytes: number;
  readonly maxDepth: number;
}

export interface EndpointOptions {
  readonly context: PeerContext;
  /** Its path. What clients hold for us is of no use at another. */
  readonly place: string;
  /** Who all its clients are. */
  readonly principal: string;
  readonly limits: EndpointLimits;
  readonly sessions: SessionLimits;
  /** Where else things may live, when several processes serve the address. */
  readonly homes?: Homes | undefined;
  /** Whether a trace that only the HTTP headers name is that of the request. */
  readonly takesTraceHeaders: boolean;
  readonly clock: Clock;
}

const KEEP_ALIVE_MS = 15_000;

/** The one address where clients of both generations speak MCP: decides which generation a request is, and serves it. */
export class HttpEndpoint {
  readonly #context: PeerContext;
  readonly #limits: EndpointLimits;
  readonly #principal: string;
  readonly #sessions: HandshakeSessions;
  readonly #modern: ModernRequests;
  readonly #keepAlive: KeepAlive;
  readonly #homes: Homes | undefined;
  readonly #takesTraceHeaders: boolean;

  constructor({ context, place, principal, limits, sessions, homes, takesTraceHeaders, clock }: EndpointOptions) {
    this.#takesTraceHeaders = takesTraceHeaders;
    this.#context = context;
    this.#homes = homes;
    this.#limits = limits;
    this.#principal = principal;
    this.#keepAlive = new KeepAlive(clock, KEEP_ALIVE_MS);
    this.#sessions = new HandshakeSessions({ context, sessions, keepAlive: this.#keepAlive, place, principal, homes });
    this.#modern = new ModernRequests(context, { maxSubscriptions: sessions.max });
  }

  /** Open sessions, and streams of notifications in both generations. */
  get counts(): { readonly open: number; readonly streams: number } {
    const { open, streams } = this.#sessions.counts;
    return { open, streams: streams + this.#modern.openSubscriptions };
  }

  /**
   * Serves one request to the endpoint.
   * @param isHome Whether it is known to belong to this process. Otherwise it may be passed on to another.
   */
  serve(request: IncomingRequest, response: ResponseWriter, isHome = this.#homes === undefined): void {
    try {
      if (!isHome && this.#passOn(request, response)) return;
      if (request.method === 'POST') return this.#post(request, response, isHome);
      const isModern = textOf(request.headers['mcp-protocol-version']) === MODERN_REVISION;
      if (!isModern && request.method === 'GET') {
        checkHandshakeVersion(textOf(request.headers['mcp-protocol-version']));
        return this.#sessions.stream(request, response);
      }
      if (!isModern && request.method === 'DELETE') return this.#sessions.end(request, response);
      const error = new GatewayError('METHOD_NOT_ALLOWED', `Cannot serve ${request.method ?? 'this method'} at this address`);
      reject(request, response, { error, allow: isModern ? 'POST' : 'GET, POST, DELETE' });
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      reject(request, response, { error });
    }
  }

  /** Passes a notification that belongs to no request on to every session and subscription it is for, once each. */
  offer(notification: Notification, except?: ReadonlySet<CallerSession>): void {
    this.#modern.offer(notification);
    this.#sessions.offer(notification, except);
  }

  /** Ends subscriptions and streams of notifications in good order; requests in flight go on. */
  endStreams(): void {
    this.#modern.close();
    this.#sessions.endStreams();
  }

  /** Ends the sessions that have nothing in flight. @returns whether none is left. */
  closeIdle(reason: string): boolean {
    return this.#sessions.closeIdle(reason);
  }

  /** Ends all sessions with what is in flight in them. */
  close(reason: string): void {
    this.#sessions.close(reason);
    this.#modern.endHeld(reason);
    this.#keepAlive.close();
  }

  // All requests of a session belong where it lives.
  #passOn(request: IncomingRequest, response: ResponseWriter): boolean {
    const id = request.headers['mcp-session-id'];
    if (typeof id !== 'string') return false;
    const home = this.#homes!.find(id);
    if (home === undefined) return false;
    this.#passTo(home, { id, request, response, serve: () => this.serve(request, response, true) });
    return true;
  }

  #passTo(home: string | Promise<string | undefined>, passed: PassedRequest): void {
    if (typeof home === 'string') return this.#homes!.relay(home, passed);
    home
      .then((found) => (found === undefined ? passed.serve() : this.#homes!.relay(found, passed)))
      .catch((error: unknown) => reject(passed.request, passed.response, { error: toGatewayError(error) }));
  }

  #post(request: IncomingRequest, response: ResponseWriter, isHome: boolean): void {
    checkContent(request.headers);
    const accepted = readAccept(request.headers.accept);
    if (!accepted.json && !accepted.events) {
      throw new GatewayError('NOT_ACCEPTABLE', 'Cannot answer in another form than "application/json" and "text/event-stream"');
    }
    readBody(request, {
      maxBytes: this.#limits.maxMessageBytes,
      onBody: (body) => this.#receive(body, { request, response, accepted, isHome }),
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
      if (this.#takesTraceHeaders) message = adoptTrace(message, exchange.request.headers);
      const version = textOf(exchange.request.headers['mcp-protocol-version']);
      if (version === MODERN_REVISION || isModernClaim(claimOf(message))) this.#serveModern(message, version, { ...exchange, body });
      else this.#serveHandshake(message, version, exchange);
    } catch (thrown) {
      const error = toGatewayError(thrown);
      if (error.code === 'INTERNAL') this.#context.logger.error('request failed', { error: error.message, stack: error.stack });
      reject(exchange.request, exchange.response, { error, id });
    }
  }

  #serveModern(message: Message, version: string | undefined, exchange: Incoming & { readonly body: Buffer }): void {
    const { request, response } = exchange;
    if (message.kind === 'response')
      throw new GatewayError('INVALID_REQUEST', 'Cannot accept an answer: this revision has no requests of the server');
    if (message.kind === 'notification') {
      const claim = claimOf(message);
      if (typeof claim === 'string' && version !== undefined) checkVersion(version, claim);
      checkMirrored(request.headers, message);
      // What it could cancel is cancelled by closing its stream, so nothing is left that concerns the transport.
      if (message.method !== 'notifications/cancelled')
        this.#context.notify(message, { client: readSpeaker(message), principal: this.#principal });
      return accept(response);
    }
    const claim = readClaim(message.params);
    checkVersion(version, claim);
    if (claim !== MODERN_REVISION) refuseRevision(claim);
    checkMirrored(request.headers, message);
    const serve = () => this.#serveRequest(message, exchange);
    if (exchange.isHome) return serve();
    const state: unknown = message.params.get('requestState')?.value;
    const id = typeof state === 'string' ? { id: state } : {};
    const home = homeOfRequest(this.#homes!, message, state);
    if (home === undefined) serve();
    else this.#passTo(home, { ...id, request, body: exchange.body, response, serve });
  }

  #serveRequest(message: RequestMessage, { request, response, accepted }: Incoming): void {
    const reply = new HttpExchange(response, { id: message.id, accepted, isModern: true, keepAlive: this.#keepAlive });
    const cancellation = new Cancellation();
    const mirrored = message.method === 'tools/call' ? readMirrored(request.headers) : undefined;
    this.#modern.request(message, { reply, cancellation, mirrored, principal: this.#principal });
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
      return this.#sessions.initialize(message, response, accepted);
    }
    this.#sessions.receive(message, request, response, accepted);
  }
}

interface Incoming {
  readonly request: IncomingRequest;
  readonly response: ResponseWriter;
  readonly accepted: Accepted;
  readonly isHome: boolean;
}

// What a call waits for, and what is known of its key, is in one process; any other request may be served in each.
function homeOfRequest(homes: Homes, { method, params }: RequestMessage, state: unknown): Awaitable<string | undefined> {
  if (typeof state === 'string') return homes.find(state);
  const key: unknown = method === 'tools/call' ? params.get('_meta')?.object?.[IDEMPOTENCY_KEY] : undefined;
  return typeof key === 'string' ? homes.findKey(key) : undefined;
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

function accept(response: ResponseWriter): void {
  response.writeHead(202, ['Content-Length', '0']).end();
}
