import { STATUS_CODES, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { GatewayError, toGatewayError, type Logger } from '@signalbox/core';
import type { WebSocketServer } from 'ws';
import { encodeError } from '../../messages/encode.ts';
import type { RequestHandler } from '../../peers/peer.ts';
import type { ChannelClients } from '../channel-clients.ts';
import { CLOSE_MS, SUBPROTOCOL, loadWs } from './load-ws.ts';
import { WebSocketChannel } from './web-socket-channel.ts';

export interface WebSocketEndpointOptions {
  readonly clients: ChannelClients;
  /** Makes sure that the request may come in at all, and says what answers at its address. @throws GatewayError */
  readonly admit: (request: IncomingMessage) => RequestHandler;
  /** Serves a connection from its beginning, as if its first request had not asked for an upgrade. */
  readonly serveAfresh: (connection: Duplex) => void;
  readonly maxMessageBytes: number;
  readonly logger: Logger;
}

const MAX_UNREAD_BYTES = 16 * 1024 * 1024;
const VERSION = '13';
const ignore = (): void => undefined;

/** The address where clients speak MCP over WebSocket. */
export class WebSocketEndpoint {
  readonly #options: WebSocketEndpointOptions;
  #server: Promise<WebSocketServer> | undefined;

  constructor(options: WebSocketEndpointOptions) {
    this.#options = options;
  }

  /** Takes a request that asks for another protocol, with the connection it came on and what followed its head. */
  take(request: IncomingMessage, connection: Duplex, rest: Buffer): void {
    // Whoever is refused may be gone before the answer is written; there is nobody to tell.
    connection.on('error', ignore);
    if (request.headers.upgrade?.toLowerCase() !== 'websocket') return this.#declineUpgrade(request, connection, rest);
    let handler: RequestHandler;
    try {
      handler = this.#options.admit(request);
      checkHandshake(request);
      this.#options.clients.checkRoom();
    } catch (error) {
      return this.#refuse(connection, toGatewayError(error));
    }
    this.#server ??= this.#createServer();
    this.#server.then(
      (server) => server.handleUpgrade(request, connection, rest, (socket) => this.#serve(socket, { connection, handler })),
      (error: unknown) => this.#refuse(connection, toGatewayError(error)),
    );
  }

  #serve(
    socket: ConstructorParameters<typeof WebSocketChannel>[0]['socket'],
    { connection, handler }: { readonly connection: Duplex; readonly handler: RequestHandler },
  ): void {
    const { clients, maxMessageBytes } = this.#options;
    const channel = new WebSocketChannel({
      socket,
      connection,
      who: 'The client',
      maxMessageBytes,
      maxUnreadBytes: MAX_UNREAD_BYTES,
      farewell: { code: 1001, text: 'The gateway is closing' },
      closedByUs: 'The gateway is closing',
    });
    try {
      // While the code for this was loaded, others may have come.
      clients.checkRoom();
    } catch (error) {
      return socket.close(1013, toGatewayError(error).message);
    }
    clients.add(channel, handler);
  }

  async #createServer(): Promise<WebSocketServer> {
    const { WebSocket, WebSocketServer } = await loadWs();
    const server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: this.#options.maxMessageBytes,
      closeTimeout: CLOSE_MS,
      WebSocket,
      handleProtocols: (offered) => offered.has(SUBPROTOCOL) && SUBPROTOCOL,
    });
    server.on('wsClientError', ({ message }, connection) => this.#refuse(connection, refused(`: ${message}`)));
    return server;
  }

  #refuse(connection: Duplex, error: GatewayError): void {
    const { logger } = this.#options;
    if (error.code === 'INTERNAL') logger.error('upgrade failed', { error: error.message, stack: error.stack });
    else if (logger.isDebug) logger.debug('upgrade refused', { code: error.code, reason: error.message });
    const body = encodeError(undefined, error.toRpc());
    const head = [
      `HTTP/1.1 ${error.httpStatus} ${STATUS_CODES[error.httpStatus] ?? ''}`,
      'Content-Type: application/json',
      `Content-Length: ${body.length}`,
      'Cache-Control: no-store',
      'Connection: close',
      ...(error.code === 'UNAUTHENTICATED' ? ['WWW-Authenticate: Bearer'] : []),
      ...(error.code === 'METHOD_NOT_ALLOWED' ? ['Allow: GET'] : []),
      ...(error.httpStatus === 400 ? [`Sec-WebSocket-Version: ${VERSION}`] : []),
    ];
    connection.once('finish', () => connection.destroy());
    connection.end(Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body]));
  }

  // RFC 9110 §7.8: a server may ignore an upgrade it has no use for. Clients of HTTP/2 ask for it with plain requests.
  #declineUpgrade(request: IncomingMessage, connection: Duplex, rest: Buffer): void {
    connection.off('error', ignore);
    connection.unshift(Buffer.concat([headWithoutUpgrade(request), rest]));
    this.#options.serveAfresh(connection);
  }
}

function checkHandshake({ method, headers }: IncomingMessage): void {
  if (method !== 'GET') throw new GatewayError('METHOD_NOT_ALLOWED', `Cannot open a WebSocket with ${method ?? 'this method'}`);
  if (headers['sec-websocket-version'] !== VERSION) throw refused(` of another version than ${VERSION}`);
  const offered = headers['sec-websocket-protocol'];
  if (offered !== undefined && !offered.split(',').some((name) => name.trim() === SUBPROTOCOL))
    throw refused(` without the subprotocol "${SUBPROTOCOL}"`);
}

function refused(why: string): GatewayError {
  return new GatewayError('INVALID_REQUEST', `Cannot open a WebSocket${why}`);
}

function headWithoutUpgrade({ method, url, httpVersion, rawHeaders }: IncomingMessage): Buffer {
  let head = `${method} ${url} HTTP/${httpVersion}\r\n`;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!;
    const value = rawHeaders[index + 1]!;
    if (/^(upgrade|http2-settings)$/i.test(name)) continue;
    head += `${name}: ${/^connection$/i.test(name) ? withoutUpgrade(value) : value}\r\n`;
  }
  return Buffer.from(`${head}\r\n`, 'latin1');
}

function withoutUpgrade(connection: string): string {
  const options = connection.split(',').map((option) => option.trim());
  return options.filter((option) => !/^(upgrade|http2-settings)$/i.test(option)).join(', ');
}
