import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { GatewayError, silentLogger, systemClock, toGatewayError, type Clock, type Logger } from '@signalbox/core';
import { PeerContext } from '../peers/peer-context.ts';
import type { RequestHandler } from '../peers/peer.ts';
import { ChannelClients } from './channel-clients.ts';
import { HttpEndpoint, type EndpointLimits } from './http-endpoint.ts';
import { reject } from './http-exchange.ts';
import { HttpGuard, isLoopback, type GuardOptions } from './http-guard.ts';
import { SseEndpoint } from './legacy-sse/sse-endpoint.ts';
import type { SessionLimits } from './session-table.ts';
import { WebSocketEndpoint } from './websocket/web-socket-endpoint.ts';

export interface HttpServerOptions {
  readonly handler: RequestHandler;
  /** Where MCP is spoken. Default `/mcp`. */
  readonly path?: string;
  /** Default `127.0.0.1`. Anything but loopback needs `guard.token`. */
  readonly host?: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly guard?: GuardOptions;
  readonly limits: EndpointLimits;
  readonly sessions: SessionLimits;
  /** Also serves clients of the HTTP+SSE transport, at `sse` and `messages` beside the path. Default `true`. */
  readonly legacySse?: boolean;
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
  /** Open sessions and streams of notifications. A client over WebSocket or HTTP+SSE is one of each. */
  sessions(): { readonly open: number; readonly streams: number };
}

/** Time between looks for connections that have become idle while closing, in milliseconds. */
const SWEEP_MS = 20;

/** Serves MCP over Streamable HTTP and WebSocket to clients of both generations at one address, and over HTTP+SSE beside it. */
export function createHttpServer(options: HttpServerOptions): HttpServer {
  const { handler, path = '/mcp', host = '127.0.0.1', clock = systemClock, logger = silentLogger, routes } = options;
  if (!isLoopback(host) && options.guard?.token === undefined) {
    throw new GatewayError(
      'INVALID_CONFIG',
      `Cannot listen on "${host}" without a token: anyone who reaches it could use every tool; name one with "listen.token": { "env": "NAME" }`,
    );
  }
  const guard = new HttpGuard(host, options.guard ?? {});
  const endpoint = new HttpEndpoint({
    context: new PeerContext(handler, logger),
    limits: options.limits,
    sessions: options.sessions,
    clock,
  });
  const clients = new ChannelClients({ handler, limits: options.limits, max: options.sessions.max, clock, logger });
  const legacySse = options.legacySse === false ? undefined : new SseEndpoint({ clients, path, limits: options.limits });
  const webSockets = new WebSocketEndpoint({
    clients,
    check: (request) => {
      guard.checkPlace(request);
      if (!isAt(request.url, path)) throw notFound(path);
      guard.checkToken(request);
    },
    serveAfresh: (connection) => server.emit('connection', connection),
    maxMessageBytes: options.limits.maxMessageBytes,
    logger,
  });
  let isClosing = false;
  // Node does not count a connection as idle before its first request.
  const fresh = new Set<Socket>();

  const server = createServer(
    // Node checks the two timeouts only this often.
    {
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      keepAliveTimeout: 65_000,
      connectionsCheckingInterval: 5_000,
      requireHostHeader: true,
      noDelay: true,
      insecureHTTPParser: false,
    },
    (request, response) => {
      if (isClosing) response.shouldKeepAlive = false;
      if (fresh.size > 0) fresh.delete(request.socket);
      try {
        guard.checkPlace(request);
        const url = request.url ?? '';
        if (isAt(url, path)) {
          guard.checkToken(request);
          endpoint.serve(request, response);
        } else if (legacySse?.has(url)) {
          guard.checkToken(request);
          legacySse.serve(request, response);
        } else if (!url.startsWith('/')) throw new GatewayError('INVALID_REQUEST', 'Cannot serve a target that is not a path');
        else if (routes?.(request, response) !== true) throw notFound(path);
      } catch (thrown) {
        const error = toGatewayError(thrown);
        if (error.code === 'INTERNAL') logger.error('request failed', { url: request.url, error: error.message, stack: error.stack });
        else if (logger.isDebug) logger.debug('request refused', { code: error.code, reason: error.message });
        reject(request, response, { error });
      }
    },
  );
  server.maxRequestsPerSocket = 0;
  // All header lines are kept so that the guard sees them all; their size is bounded by Node.
  server.maxHeadersCount = 0;
  server.on('connection', (socket: Socket) => {
    fresh.add(socket);
    socket.once('close', () => fresh.delete(socket));
  });
  server.on('upgrade', (request, connection, rest) => {
    fresh.delete(request.socket);
    webSockets.take(request, connection, rest);
  });
  const unwatch = handler.watch((notification) => endpoint.offer(notification));
  let closing: Promise<void> | undefined;

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
    sessions: () => ({ open: endpoint.counts.open + clients.size, streams: endpoint.counts.streams + clients.size }),
    close: (graceMs) =>
      (closing ??= new Promise((resolve) => {
        isClosing = true;
        unwatch();
        const stopWaiting = clock.after(graceMs, () => {
          endpoint.close('The gateway is closing');
          clients.close();
          server.closeAllConnections();
        });
        server.close(() => {
          stopSweeping();
          stopWaiting();
          endpoint.close('The gateway is closing');
          clients.close();
          resolve();
        });
        endpoint.endStreams();
        clients.finish();
        // A connection that is busy now is idle once its answer is out.
        let stopSweeping = (): void => undefined;
        const sweep = (): void => {
          server.closeIdleConnections();
          stopSweeping = clock.after(SWEEP_MS, sweep);
        };
        for (const socket of fresh) socket.destroy();
        sweep();
      })),
  };
}

function isAt(url: string | undefined, path: string): boolean {
  return url === path || url?.startsWith(`${path}?`) === true;
}

function notFound(path: string): GatewayError {
  return new GatewayError('NOT_FOUND', `Cannot find anything at this address; MCP is spoken at "${path}"`);
}
