import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { loadWs } from '../transports/websocket/load-ws.ts';

const LIMITS = { perMessageDeflate: false, maxPayload: 1e8, closeTimeout: 500 } as const;

export interface SocketServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** All there have been. */
  readonly sockets: readonly WebSocket[];
  readonly connections: readonly Socket[];
  readonly requests: readonly IncomingMessage[];
  /** Breaks all connections off. */
  cut(): void;
}

/** A WebSocket server that gives each connection to `onSocket`. */
export async function startSocketServer(
  onSocket: (socket: WebSocket, index: number) => void,
  options: {
    readonly port?: number;
    /** The status to refuse an upgrade with, and headers. */
    readonly refuse?: (request: IncomingMessage) => readonly [number, Record<string, string>?] | undefined;
    readonly subprotocol?: string | false;
  } = {},
): Promise<SocketServer> {
  const { WebSocket, WebSocketServer } = await loadWs();
  const { port = 0, refuse = () => undefined, subprotocol = 'mcp' } = options;
  const sockets: WebSocket[] = [];
  const connections: Socket[] = [];
  const requests: IncomingMessage[] = [];
  const webSockets = new WebSocketServer({
    ...LIMITS,
    noServer: true,
    clientTracking: false,
    WebSocket,
    handleProtocols: () => subprotocol,
  });
  const server = createServer((_request, response) => response.end('no upgrade'));
  server.on('upgrade', (request, connection: Socket, rest) => {
    requests.push(request);
    const [status, headers = {}] = refuse(request) ?? [];
    if (status !== undefined) {
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
      return connection.end(`HTTP/1.1 ${status} No\r\n${lines.join('')}Content-Length: 0\r\nConnection: close\r\n\r\n`);
    }
    return webSockets.handleUpgrade(request, connection, rest, (socket) => {
      connections.push(connection);
      // Connections are broken off on purpose.
      socket.on('error', () => undefined);
      onSocket(socket, sockets.push(socket) - 1);
    });
  });
  await once(server.listen(port, '127.0.0.1'), 'listening');
  const address = server.address() as AddressInfo;
  const cut = () => {
    for (const connection of connections) connection.destroy();
  };
  return {
    url: `ws://127.0.0.1:${address.port}/mcp`,
    port: address.port,
    sockets,
    connections,
    requests,
    cut,
    [Symbol.asyncDispose]: async () => {
      cut();
      server.closeAllConnections();
      if (server.listening) await once(server.close(), 'close');
    },
  };
}

export interface SocketClient {
  readonly socket: WebSocket;
  /** The connection below it. */
  readonly connection: Socket;
  readonly messages: Record<string, unknown>[];
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  readonly subprotocol: string | undefined;
  send(message: object | string | Buffer, binary?: boolean): void;
}

/** Connects to a WebSocket server as a client would. */
export async function connectSocket(
  url: string,
  options: { readonly headers?: Record<string, string>; readonly protocols?: readonly string[] } = {},
): Promise<SocketClient> {
  const { WebSocket } = await loadWs();
  const { headers = {}, protocols = ['mcp'] } = options;
  const socket = new WebSocket(new URL(url.replace(/^http/, 'ws')), protocols, { ...LIMITS, headers });
  const messages: Record<string, unknown>[] = [];
  let upgrade: IncomingMessage | undefined;
  socket.on('upgrade', (response) => (upgrade = response));
  socket.on('message', (data) => messages.push(JSON.parse(data.toString('utf8')) as Record<string, unknown>));
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on('close', (code, reason) => resolve({ code, reason: reason.toString('utf8') }));
  });
  await once(socket, 'open');
  socket.on('error', () => undefined);
  const protocol = upgrade?.headers['sec-websocket-protocol'];
  return {
    socket,
    connection: upgrade!.socket,
    messages,
    closed,
    subprotocol: typeof protocol === 'string' ? protocol : undefined,
    send: (message, binary = false) => {
      const bytes = Buffer.isBuffer(message) ? message : Buffer.from(typeof message === 'string' ? message : JSON.stringify(message));
      socket.send(bytes, { binary }, () => undefined);
    },
  };
}
