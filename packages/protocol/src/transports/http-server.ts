import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { GatewayError, silentLogger, systemClock, toGatewayError, type Clock, type Logger } from '@signalbox/core';
import { PeerContext } from '../peers/peer-context.ts';
import type { RequestHandler } from '../peers/peer.ts';
import { HttpEndpoint, type EndpointLimits } from './http-endpoint.ts';
import { reject } from './http-exchange.ts';
import type { Serve } from './http-front/front-connection.ts';
import { HttpFront } from './http-front/http-front.ts';
import { HttpGuard, isLoopback, type GuardOptions } from './http-guard.ts';
import type { IncomingRequest, ResponseWriter } from './http-message.ts';
import type { SessionLimits } from './session-table.ts';

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
  /** Open sessions and streams of notifications. */
  sessions(): { readonly open: number; readonly streams: number };
}

/** Time between looks for connections that have become idle while closing, in milliseconds. */
const SWEEP_MS = 20;

/** Serves MCP over Streamable HTTP to clients of both generations at one address. */
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
  // Whatever goes wrong with a request is an answer to it.
  const fail = (request: IncomingRequest, response: ResponseWriter, thrown: unknown): void => {
    const error = toGatewayError(thrown);
    if (error.code === 'INTERNAL') logger.error('request failed', { url: request.url, error: error.message, stack: error.stack });
    else if (logger.isDebug) logger.debug('request refused', { code: error.code, reason: error.message });
    reject(request, response, { error });
  };
  const serve: Serve = (request, response) => {
    try {
      endpoint.serve(request, response);
    } catch (error) {
      fail(request, response, error);
    }
  };
  // Every path at which MCP is spoken. What serves it gets only requests that have passed the guard.
  const endpoints = new Map<string, Serve>([[path, serve]]);

  // Behind an answer that closes its connection there is none, so what was sent behind it must have no effect.
  const latest = new WeakMap<Socket, ServerResponse>();
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
      if (front.isClosing) response.shouldKeepAlive = false;
      try {
        guard.checkPlace(request);
        const url = request.url ?? '';
        const served = endpoints.get(withoutQuery(url));
        if (served !== undefined) {
          guard.checkToken(request);
          served(request, response);
        } else if (!url.startsWith('/')) throw new GatewayError('INVALID_REQUEST', 'Cannot serve a target that is not a path');
        else if (routes?.(request, response) !== true)
          throw new GatewayError('NOT_FOUND', `Cannot find anything at this address; MCP is spoken at "${path}"`);
      } catch (error) {
        fail(request, response, error);
      }
    },
  );
  server.maxRequestsPerSocket = 0;
  // All header lines are kept so that the guard sees them all; their size is bounded by Node.
  server.maxHeadersCount = 0;

  const takeOver = server.listeners('connection');
  const front = new HttpFront({
    clock,
    maxBodyBytes: options.limits.maxMessageBytes,
    admits: (headers) => guard.admits(headers),
    find: (url) => endpoints.get(url),
    handOver: (socket) => {
      for (const listener of takeOver) listener.call(server, socket);
    },
  });
  server.removeAllListeners('connection').on('connection', (socket) => front.accept(socket));
  const unwatch = handler.watch((notification) => endpoint.offer(notification));
  let closing: Promise<void> | undefined;

  const close = async (graceMs: number): Promise<void> => {
    unwatch();
    const stopWaiting = clock.after(graceMs, () => {
      endpoint.close('The gateway is closing');
      front.destroyAll();
      server.closeAllConnections();
    });
    const stopped = new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
    endpoint.endStreams();
    front.endIdle();
    // A connection of Node's that is busy now is idle once its answer is out.
    let stopSweeping = (): void => undefined;
    const sweep = (): void => {
      server.closeIdleConnections();
      stopSweeping = clock.after(SWEEP_MS, sweep);
    };
    sweep();
    await Promise.all([stopped, front.empty()]);
    stopSweeping();
    stopWaiting();
    endpoint.close('The gateway is closing');
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
    sessions: () => endpoint.counts,
    close: (graceMs) => (closing ??= close(graceMs)),
  };
}

function withoutQuery(url: string): string {
  const query = url.indexOf('?');
  return query < 0 ? url : url.slice(0, query);
}
