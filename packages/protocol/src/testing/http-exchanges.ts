import { once } from 'node:events';
import type { Server as HttpServer } from 'node:http';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { HttpClient, type HttpClientOptions } from '../transports/http1/http-client.ts';
import type { Exchange } from '../transports/http1/exchange.ts';
import type { HttpRequest } from '../transports/http1/request-head.ts';

/** How an exchange went. */
export interface ExchangeResult {
  status?: number;
  headers?: Readonly<Record<string, string | string[] | undefined>>;
  mediaType?: string;
  body?: Buffer;
  text?: string;
  events: string[];
  isStreamEnd?: true;
  reason?: string;
  sent?: boolean;
  cause?: Error;
}

export interface RunningExchange {
  readonly exchange: Exchange;
  /** What has come so far. */
  readonly result: ExchangeResult;
  readonly ended: Promise<ExchangeResult>;
}

export interface TestClient extends AsyncDisposable {
  readonly client: HttpClient;
  start(request?: Partial<HttpRequest>): RunningExchange;
  /** Sends a request and waits for its end. */
  ask(request?: Partial<HttpRequest>): Promise<ExchangeResult>;
}

export async function createTestClient(url: string, options: Partial<HttpClientOptions> = {}): Promise<TestClient> {
  const client = await HttpClient.create({ url: new URL(url), connectMs: 5_000, maxMessageBytes: 1_048_576, ...options });
  const start: TestClient['start'] = (request = {}) => {
    const result: ExchangeResult = { events: [] };
    let resolve!: (result: ExchangeResult) => void;
    const ended = new Promise<ExchangeResult>((settle) => (resolve = settle));
    const settle = (end: Partial<ExchangeResult>) => {
      if (result.text !== undefined || result.isStreamEnd || result.reason !== undefined) throw new Error('The exchange ended twice');
      resolve(Object.assign(result, end));
    };
    const exchange = client.send(
      { method: 'POST', headers: [], body: Buffer.from('{}'), ...request },
      {
        onHead: (status, headers) => Object.assign(result, { status, headers }),
        onBody: (status, mediaType, body) => settle({ status, mediaType, body, text: body.toString('latin1') }),
        onEvent: ({ data }) => result.events.push(data.toString('utf8')),
        onStreamEnd: () => settle({ isStreamEnd: true }),
        onFailure: (failure) => settle(failure),
      },
    );
    return { exchange, result, ended };
  };
  return { client, start, ask: (request) => start(request).ended, [Symbol.asyncDispose]: () => client.close() };
}

export interface RawServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** All connections there have been. */
  readonly sockets: Socket[];
  readonly server: Server;
  /** All bytes received, by connection. */
  readonly received: string[];
}

/** A server whose every connection is given to `onRequest` each time something arrives. */
export async function startRawServer(onRequest: (socket: Socket, text: string) => void, port = 0): Promise<RawServer> {
  const sockets: Socket[] = [];
  const received: string[] = [];
  const server = createServer({ noDelay: true }, (socket) => {
    const place = sockets.push(socket) - 1;
    received[place] = '';
    socket.on('data', (chunk) => {
      const text = chunk.toString('latin1');
      received[place] += text;
      onRequest(socket, text);
    });
    // Connections are broken off on purpose.
    socket.on('error', () => undefined);
  });
  await once(server.listen(port, '127.0.0.1'), 'listening');
  const address = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${address.port}/mcp?a=b`,
    port: address.port,
    sockets,
    received,
    server,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      if (server.listening) await once(server.close(), 'close');
    },
  };
}

export interface WebServer extends AsyncDisposable {
  readonly server: HttpServer;
  readonly port: number;
  readonly url: string;
  /** How many connections there have been. */
  readonly count: () => number;
}

/** Lets a server of Node listen, at a free port unless one is given. `name` is how its address calls it. */
export async function serve(
  server: HttpServer,
  { port = 0, host = '127.0.0.1', name }: { readonly port?: number; readonly host?: string; readonly name?: string } = {},
): Promise<WebServer> {
  let connections = 0;
  server.on('connection', () => connections++);
  await once(server.listen(port, host), 'listening');
  const address = server.address() as AddressInfo;
  const scheme = 'setSecureContext' in server ? 'https' : 'http';
  return {
    server,
    port: address.port,
    url: `${scheme}://${name ?? host}:${address.port}/mcp`,
    count: () => connections,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      if (server.listening) await once(server.close(), 'close');
    },
  };
}
