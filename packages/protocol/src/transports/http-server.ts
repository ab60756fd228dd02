import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Server as NetServer, Socket, type AddressInfo, type SocketConstructorOpts } from 'node:net';
import type { Duplex } from 'node:stream';
import {
  GatewayError,
  LOCAL_PRINCIPAL,
  silentLogger,
  systemClock,
  toGatewayError,
  type Clock,
  type Logger,
  type Seal,
} from '@signalbox/core';
import { PeerContext } from '../peers/peer-context.ts';
import type { RequestHandler } from '../peers/peer.ts';
import { ChannelClients } from './channel-clients.ts';
import type { Homes, MovedConnection } from './homes.ts';
import { HttpEndpoint, type EndpointLimits } from './http-endpoint.ts';
import { HttpEndpoints, type HandlersByPath } from './http-endpoints.ts';
import { reject } from './http-exchange.ts';
import { HttpFront } from './http-front/http-front.ts';
import { HttpGuard, isLoopback, type GuardOptions } from './http-guard.ts';
import type { IncomingRequest, ResponseWriter } from './http-message.ts';
import { SseEndpoint } from './legacy-sse/sse-endpoint.ts';
import { acceptLast, type Listener } from './accept-last.ts';
import type { SessionLimits } from './session-table.ts';
import { WebSocketEndpoint } from './websocket/web-socket-endpoint.ts';

export interface HttpServerOptions {
  readonly handler: RequestHandler;
  /** Seals what clients hold for us: session ids, and the state of calls that wait for their input. */
  readonly seal: Seal;
  /** Where `handler` is spoken to. Default `/mcp`. */
  readonly path?: string;
  /** What is spoken to at further paths. */
  readonly more?: HandlersByPath;
  /** Default `127.0.0.1`. Anything but loopback needs `guard.token`. */
  readonly host?: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly guard?: GuardOptions;
  /** Longest wait for a client's answer to what a server asks it, in milliseconds. Default 10 minutes. */
  readonly inputMs?: number;
  readonly limits: EndpointLimits;
  readonly sessions: SessionLimits;
  /** Also serves clients of the HTTP+SSE transport, at `sse` and `messages` beside the path. Default `true`. */
  readonly legacySse?: boolean;
  /** Whether a trace that only the HTTP headers of a request name is that of the request. Default `false`. */
  readonly takesTraceHeaders?: boolean;
  /** Where else things live, when several processes serve the port. */
  readonly homes?: Homes;
  readonly clock?: Clock;
  readonly logger?: Logger;
  /** Serves other paths, behind the same checks of host and origin; it asks for its own proof. Returns `false` for a path it does not know. */
  readonly routes?: (request: IncomingMessage, response: ServerResponse) => boolean;
}

export interface HttpServer {
  /** Starts to listen. @throws GatewayError `CONFLICT` when the port is taken. */
  listen(): Promise<{ readonly url: string }>;
  /** Takes no more requests, gives those in flight `graceMs` to end, then cancels them. Idempotent. */
  close(graceMs: number): Promise<void>;
  /** Serves a request that another process has passed on, which has made the checks. */
  receive(request: IncomingMessage, response: ServerResponse): void;
  /** Goes on with a connection that another process has accepted. */
  take(connection: MovedConnection): void;
  /** Open sessions and streams of notifications. A client over WebSocket or HTTP+SSE is one of each. */
  sessions(): { readonly open: number; readonly streams: number };
}

/** Where Node keeps what libuv knows of a server. */
const HANDLE = '_handle';
/** The principal of those who show the one token there is. */
const TOKEN_PRINCIPAL = 'token';

/** Time between looks for connections that have become idle while closing, in milliseconds. */
const SWEEP_MS = 20;
/**
 * Time without a new request after which connections that have none are closed, in milliseconds. To close one earlier
 * would break off a request that is on its way to it.
 */
const QUIET_MS = 100;

/** Serves MCP over Streamable HTTP and WebSocket to clients of both generations, at one address or several, and over HTTP+SSE beside the first. */
export function createHttpServer(options: HttpServerOptions): HttpServer {
  const { handler, path = '/mcp', host = '127.0.0.1', clock = systemClock, logger = silentLogger, routes, homes } = options;
  if (!isLoopback(host) && options.guard?.token === undefined) {
    throw new GatewayError(
      'INVALID_CONFIG',
      `Cannot listen on "${host}" without a token: anyone who reaches it could use every tool; name one with "listen.token": { "env": "NAME" }`,
    );
  }
  const guard = new HttpGuard(host, options.guard ?? {});
  const principal = options.guard?.token === undefined ? LOCAL_PRINCIPAL : TOKEN_PRINCIPAL;
  const inputMs = options.inputMs === undefined ? {} : { inputMs: options.inputMs };
  const endpoints = new HttpEndpoints({
    path,
    handler,
    more: options.more,
    create: (handler, place) =>
      new HttpEndpoint({
        context: new PeerContext({ handler, seal: options.seal, home: homes?.own, clock, logger, ...inputMs }),
        place,
        principal,
        limits: options.limits,
        sessions: options.sessions,
        homes,
        takesTraceHeaders: options.takesTraceHeaders ?? false,
        clock,
      }),
    clock,
  });
  const clients = new ChannelClients({
    handler,
    serving: { seal: options.seal, principal, limits: options.limits, clock, logger, ...inputMs },
    max: options.sessions.max,
    clock,
  });
  const legacySse = options.legacySse === false ? undefined : new SseEndpoint({ clients, path, limits: options.limits, homes });
  const webSockets = new WebSocketEndpoint({
    clients,
    admit: (request) => {
      guard.checkPlace(request);
      const found = endpoints.handlerAt(request.url ?? '');
      if (found === undefined) throw notFound(path);
      guard.checkToken(request);
      return found;
    },
    serveAfresh: (connection) => serveByNode(connection),
    maxMessageBytes: options.limits.maxMessageBytes,
    logger,
  });
  // Whatever goes wrong with a request is an answer to it.
  const fail = (request: IncomingRequest, response: ResponseWriter, thrown: unknown): void => {
    const error = toGatewayError(thrown);
    if (error.code === 'INTERNAL') logger.error('request failed', { url: request.url, error: error.message, stack: error.stack });
    else if (logger.isDebug) logger.debug('request refused', { code: error.code, reason: error.message });
    reject(request, response, { error });
  };
  // Behind an answer that closes its connection there is none, so what was sent behind it must have no effect.
  const latest = new WeakMap<Duplex, ServerResponse>();

  const server = createServer(
    // Node checks the two timeouts only this often.
    {
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      keepAliveTimeout: 65_000,
      connectionsCheckingInterval: 5_000,
      // The guard asks for one, and says so in our own words.
      requireHostHeader: false,
      noDelay: true,
      insecureHTTPParser: false,
    },
    (request, response) => {
      if (latest.get(request.socket)?.shouldKeepAlive === false) return;
      latest.set(request.socket, response);
      if (front.isClosing) {
        front.lastRequests++;
        response.shouldKeepAlive = false;
      }
      try {
        guard.checkPlace(request);
        const url = request.url ?? '';
        const endpoint = endpoints.at(url);
        if (endpoint !== undefined) {
          guard.checkToken(request);
          endpoint.serve(request, response);
        } else if (legacySse?.has(url)) {
          guard.checkToken(request);
          legacySse.serve(request, response);
        } else if (!url.startsWith('/')) throw new GatewayError('INVALID_REQUEST', 'Cannot serve a target that is not a path');
        else if (routes?.(request, response) !== true) throw notFound(path);
      } catch (error) {
        fail(request, response, error);
      }
    },
  );
  server.maxRequestsPerSocket = 0;
  // All header lines are kept so that the guard sees them all; their size is bounded by Node.
  server.maxHeadersCount = 0;
  server.on('upgrade', (request, connection, rest) => webSockets.take(request, connection, rest));

  const listeners = server.listeners('connection');
  const serveByNode = (connection: Duplex): void => {
    for (const listener of listeners) listener.call(server, connection);
  };
  const front = new HttpFront({
    clock,
    maxBodyBytes: options.limits.maxMessageBytes,
    admits: (headers) => guard.admits(headers),
    find: (url) => endpoints.at(url),
    fail,
    homes,
    handOver: serveByNode,
  });
  server.removeAllListeners('connection').on('connection', (socket) => front.accept(socket));
  let closing: Promise<void> | undefined;
  // Requests of connections that other processes have.
  let passed = 0;
  let onNonePassed = (): void => undefined;
  const receive = (request: IncomingMessage, response: ServerResponse): void => {
    passed++;
    response.on('close', () => {
      if (--passed === 0) onNonePassed();
    });
    const url = request.url ?? '';
    const endpoint = endpoints.at(url);
    try {
      if (endpoint !== undefined) endpoint.serve(request, response, true);
      else if (legacySse?.has(url)) legacySse.serve(request, response, true);
      else if (routes?.(request, response) !== true) throw notFound(path);
    } catch (error) {
      fail(request, response, error);
    }
  };
  const nonePassed = () =>
    new Promise<void>((resolve) => {
      onNonePassed = resolve;
      if (passed === 0) resolve();
    });

  const endAll = (): void => {
    endpoints.close('The gateway is closing');
    clients.close();
  };
  const close = async (graceMs: number): Promise<void> => {
    const stopWaiting = clock.after(graceMs, () => {
      endAll();
      front.destroyAll();
      server.closeAllConnections();
      onNonePassed();
    });
    // Where several processes share the port, the one that has it accepts for all.
    if (homes === undefined && server.listening) await acceptLast(listenerOf(server));
    // That of Node's HTTP server would close connections a request may be on its way to.
    const stopped = new Promise<void>((resolve) => {
      NetServer.prototype.close.call(server, () => resolve());
    });
    endpoints.endStreams();
    clients.finish();
    front.finish();
    let quietMs = 0;
    let heard = front.lastRequests;
    let stopSweeping = (): void => undefined;
    const sweep = (): void => {
      quietMs = heard === front.lastRequests ? quietMs + SWEEP_MS : 0;
      heard = front.lastRequests;
      if (quietMs > QUIET_MS) {
        front.endIdle();
        // A connection of Node's that is busy now is idle once its answer is out.
        server.closeIdleConnections();
      }
      if (!front.isEmpty) stopSweeping = clock.after(SWEEP_MS, sweep);
    };
    sweep();
    await Promise.all([stopped, front.empty(), nonePassed()]);
    stopSweeping();
    stopWaiting();
    endAll();
  };

  return {
    listen: () =>
      new Promise((resolve, rejectListen) => {
        server.once('error', (error: NodeJS.ErrnoException) => {
          const code = error.code === 'EADDRINUSE' ? 'CONFLICT' : 'INTERNAL';
          rejectListen(new GatewayError(code, `Cannot listen on ${host}:${options.port}: ${error.message}`, { cause: error }));
        });
        server.listen(options.port, host.replace(/^\[|\]$/g, ''), () => {
          const { port } = server.address() as AddressInfo;
          guard.addPort(port);
          resolve({ url: `http://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${port}${path}` });
        });
      }),
    receive,
    take: ({ handle, ...moved }) =>
      front.accept(new Socket({ handle, allowHalfOpen: true, manualStart: true } as SocketConstructorOpts), moved),
    sessions: () => ({ open: endpoints.counts.open + clients.size, streams: endpoints.counts.streams + clients.size }),
    close: (graceMs) => (closing ??= close(graceMs)),
  };
}

function listenerOf(server: NetServer): Listener {
  return {
    handle: (server as NetServer & { readonly [HANDLE]?: Listener['handle'] })[HANDLE],
    address: server.address() as AddressInfo,
    watch: (listener) => {
      server.on('connection', listener);
      return () => server.off('connection', listener);
    },
  };
}

function notFound(path: string): GatewayError {
  return new GatewayError('NOT_FOUND', `Cannot find anything at this address; MCP is spoken at "${path}"`);
}
