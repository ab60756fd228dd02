import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export interface Post {
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly message: Record<string, unknown>;
  readonly response: ServerResponse;
}

export interface SseServer extends AsyncDisposable {
  readonly origin: string;
  readonly url: string;
  readonly streams: ServerResponse[];
  readonly gets: IncomingMessage['headers'][];
  readonly posts: Post[];
  /** Sends a message on the last stream. */
  say(message: object): void;
  stop(): Promise<void>;
}

/** A server of the HTTP+SSE transport with one stream at a time, whose every word a test can choose. */
export async function startSseServer(
  options: {
    /** What the stream begins with. Default: the address `/post?sessionId=1`. */
    readonly begin?: string | ((origin: string) => string);
    /** Answers a POST. Default: 202, and a result for each request. */
    readonly onPost?: (post: Post, server: SseServer) => void;
    readonly onGet?: (response: ServerResponse) => boolean;
    readonly port?: number;
  } = {},
): Promise<SseServer> {
  const { begin = 'event: endpoint\ndata: /post?sessionId=1\n\n', onPost = confirmAndAnswer, onGet = () => false, port = 0 } = options;
  const streams: ServerResponse[] = [];
  const gets: IncomingMessage['headers'][] = [];
  const posts: Post[] = [];
  const connections = new Set<Socket>();
  const http = createServer((request, response) => {
    if (request.method === 'GET') {
      gets.push(request.headers);
      if (onGet(response)) return;
      streams.push(response);
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      response.write(typeof begin === 'string' ? begin : begin(server.origin));
      return;
    }
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
    request.on('end', () => {
      const post = { url: request.url!, headers: request.headers, message: JSON.parse(text) as Record<string, unknown>, response };
      posts.push(post);
      onPost(post, server);
    });
  });
  http.on('connection', (socket: Socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
  });
  await once(http.listen(port, '127.0.0.1'), 'listening');
  const stop = async () => {
    if (!http.listening) return;
    const closed = once(http.close(), 'close');
    for (const socket of connections) socket.destroy();
    await closed;
  };
  const origin = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const server: SseServer = {
    origin,
    url: `${origin}/sse`,
    streams,
    gets,
    posts,
    say: (message) => void streams.at(-1)!.write(`event: message\ndata: ${JSON.stringify(message)}\n\n`),
    stop,
    [Symbol.asyncDispose]: stop,
  };
  return server;
}

/** What a well-behaved server does with a message. */
export function confirmAndAnswer({ message, response }: Post, server: SseServer): void {
  response.writeHead(202).end('Accepted');
  answer(message, server);
}

/** Answers a request on the stream. */
export function answer({ id, method, params }: Record<string, unknown>, server: SseServer): void {
  if (id === undefined || method === undefined) return;
  const opening = { protocolVersion: '2024-11-05', capabilities: { tools: {} }, serverInfo: { name: 'old', version: '1' } };
  server.say({ jsonrpc: '2.0', id, result: method === 'initialize' ? opening : { echo: params } });
}
