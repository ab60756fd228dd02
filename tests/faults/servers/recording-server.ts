import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';

// An upstream that keeps the exact bytes of every request and answers with whatever bytes a test wants. It runs in the
// test's own process and reads HTTP by itself: what it says it saw has been through no other parser.

const MODERN = '2026-07-28';
const HANDSHAKE = '2025-11-25';
const HEAD_END = '\r\n\r\n';

/** A request as it came. */
export class SeenRequest {
  /** Request line and header lines, without the empty line. */
  readonly head: string;
  readonly body: Buffer;
  #message: SeenMessage | undefined;

  constructor(head: string, body: Buffer) {
    this.head = head;
    this.body = body;
  }

  /** The body as a message; one without a method when it has no body. */
  get message(): SeenMessage {
    return (this.#message ??= this.body.length === 0 ? {} : (JSON.parse(this.body.toString()) as SeenMessage));
  }

  get method(): string | undefined {
    return this.message.method;
  }

  get arguments(): Readonly<Record<string, unknown>> {
    return (this.message.params?.['arguments'] ?? {}) as Readonly<Record<string, unknown>>;
  }

  /** All values of a header, exactly. */
  headers(name: string): string[] {
    const lines = this.head.split('\r\n').slice(1);
    return lines
      .filter((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`))
      .map((line) => line.slice(name.length + 1).trim());
  }

  /** Names of all headers, as they were written. */
  headerNames(): string[] {
    return this.head
      .split('\r\n')
      .slice(1)
      .map((line) => line.slice(0, line.indexOf(':')));
  }
}

export interface SeenMessage {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

/** Answers one request on its connection. Returns false to leave it to the server's good manners. */
export type Answer = (request: SeenRequest, socket: Socket) => boolean | void;

export interface RecordingServerOptions {
  readonly era?: 'modern' | 'handshake';
  readonly tools?: readonly object[];
  readonly resources?: readonly object[];
  /** Default: nobody; every request is answered well. */
  readonly answer?: Answer;
}

export interface RecordingServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly seen: readonly SeenRequest[];
  /** The `tools/call` requests among them. */
  readonly calls: readonly SeenRequest[];
  /** The tools it lists from now on. */
  tools: readonly object[];
  answer: Answer | undefined;
  /** Breaks off all connections; new ones are taken. */
  disconnect(): void;
}

/** A tool that takes any arguments. */
export function openTool(name: string, more: object = {}): object {
  return { name, inputSchema: { type: 'object' }, ...more };
}

/** Starts the server. Without tools of its own it has one, `echo`, which returns its argument `text`. */
export async function startRecordingServer(options: RecordingServerOptions = {}): Promise<RecordingServer> {
  const { era = 'modern', resources = [] } = options;
  const seen: SeenRequest[] = [];
  const sockets = new Set<Socket>();
  const state: { tools: readonly object[]; answer: Answer | undefined } = {
    tools: options.tools ?? [openTool('echo')],
    answer: options.answer,
  };

  const resultOf = ({ method, message, arguments: given }: SeenRequest): object | undefined => {
    const capabilities = { tools: {}, ...(resources.length > 0 ? { resources: {} } : {}) };
    switch (method) {
      case 'server/discover':
        return era === 'modern' ? { supportedVersions: [MODERN], capabilities, ttlMs: 0, cacheScope: 'private' } : undefined;
      case 'initialize':
        return era === 'handshake'
          ? { protocolVersion: HANDSHAKE, capabilities, serverInfo: { name: 'recording', version: '1.0.0' } }
          : undefined;
      case 'ping':
        return {};
      case 'tools/list':
        return { tools: state.tools, ttlMs: 0, cacheScope: 'private' };
      case 'resources/list':
        return { resources, ttlMs: 0, cacheScope: 'private' };
      case 'resources/read':
        return { contents: [{ uri: message.params?.['uri'], text: String(seen.length) }], ttlMs: 0, cacheScope: 'private' };
      case 'tools/call':
        return { content: [{ type: 'text', text: String(given['text'] ?? '') }] };
      default:
        return undefined;
    }
  };

  const answerWell = (request: SeenRequest, socket: Socket): void => {
    const { id, method } = request.message;
    if (id === undefined || method === undefined) return sendHttp(socket, 202, '');
    const result = resultOf(request);
    if (result === undefined) return sendHttp(socket, 404, toError(id, -32601, 'Method not found'));
    sendHttp(socket, 200, toResult(id, era === 'modern' ? { resultType: 'complete', ...result } : result));
  };

  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy());
    let pending = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      pending = Buffer.concat([pending, chunk]);
      for (let request = cutRequest(pending); request !== undefined; request = cutRequest(pending)) {
        pending = pending.subarray(request.length);
        seen.push(request.seen);
        if (state.answer?.(request.seen, socket) !== true) answerWell(request.seen, socket);
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    port,
    seen,
    get calls() {
      return seen.filter(({ method }) => method === 'tools/call');
    },
    get tools() {
      return state.tools;
    },
    set tools(tools) {
      state.tools = tools;
    },
    get answer() {
      return state.answer;
    },
    set answer(answer) {
      state.answer = answer;
    },
    disconnect: () => {
      for (const socket of sockets) socket.destroy();
    },
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}

/** Sends an answer of JSON text. */
export function sendHttp(socket: Socket, status: number, body: string, headers: readonly string[] = []): void {
  const length = Buffer.byteLength(body);
  const type = body === '' ? [] : ['Content-Type: application/json'];
  socket.write(`HTTP/1.1 ${status} Whatever\r\n${[...type, ...headers, `Content-Length: ${length}`].join('\r\n')}\r\n\r\n${body}`);
}

/** A successful answer as JSON text. */
export function toResult(id: unknown, result: object): string {
  return JSON.stringify({ jsonrpc: '2.0', id, result });
}

/** A refusal as JSON text. */
export function toError(id: unknown, code: number, message: string): string {
  return JSON.stringify({ jsonrpc: '2.0', id, error: { code, message } });
}

function cutRequest(bytes: Buffer): { readonly seen: SeenRequest; readonly length: number } | undefined {
  const end = bytes.indexOf(HEAD_END);
  if (end < 0) return undefined;
  const head = bytes.toString('latin1', 0, end);
  const start = end + HEAD_END.length;
  const length = Number(/^content-length: *(\d+)$/im.exec(head)?.[1] ?? 0);
  if (bytes.length < start + length) return undefined;
  return { seen: new SeenRequest(head, Buffer.from(bytes.subarray(start, start + length))), length: start + length };
}
