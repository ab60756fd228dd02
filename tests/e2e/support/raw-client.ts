import { request as sendRequest, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http';

const MODERN = '2026-07-28';
const META = 'io.modelcontextprotocol/';
const NAMED: Readonly<Record<string, string>> = { 'tools/call': 'name', 'prompts/get': 'name', 'resources/read': 'uri' };

export interface Message {
  readonly jsonrpc: '2.0';
  readonly id?: string | number | null;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}

export interface Exchange {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Every message of the answer, in order: one for JSON, any number for an event stream. */
  readonly messages: readonly Message[];
}

export interface SendOptions {
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly signal?: AbortSignal;
  /** Longest wait for the complete answer, in milliseconds. Default 30,000. */
  readonly timeoutMs?: number;
}

/** A session of a handshake revision, or the modern revision's lack of one. */
export interface RawSession {
  readonly sessionId: string | undefined;
  /** The answer that opened the session; nothing in the modern revision. */
  readonly opening: Exchange | undefined;
  /** Sends a request and returns the message that answers it. @throws Error when the answer holds none. */
  request(method: string, params?: Readonly<Record<string, unknown>>, options?: SendOptions): Promise<Message>;
  /** Sends a request and returns everything that came back. */
  exchange(method: string, params?: Readonly<Record<string, unknown>>, options?: SendOptions): Promise<Exchange>;
  notify(method: string, params?: Readonly<Record<string, unknown>>): Promise<Exchange>;
  close(): Promise<void>;
}

/** A tiny MCP client over plain HTTP, for tests that must see and forge the very frames. */
export function rpc(url: string) {
  const send = (body: unknown, options: SendOptions = {}) => sendFrame(url, body, options);
  return {
    send,

    /** Opens a session of a handshake revision. */
    async handshake({ revision = '2025-11-25', capabilities = {}, headers = {} }: HandshakeOptions = {}): Promise<RawSession> {
      const clientInfo = { name: 'raw-client', version: '1.0.0' };
      const params = { protocolVersion: revision, capabilities, clientInfo };
      const opening = await send({ jsonrpc: '2.0', id: 0, method: 'initialize', params }, { headers });
      const agreed = String(answerTo(0, opening).result?.['protocolVersion']);
      const sessionId = opening.headers['mcp-session-id'] as string | undefined;
      const own = { ...headers, 'mcp-protocol-version': agreed, ...(sessionId === undefined ? {} : { 'mcp-session-id': sessionId }) };
      const session = createSession(send, { sessionId, opening, headersOf: () => own, paramsOf: (params) => params });
      await session.notify('notifications/initialized');
      return session;
    },

    /** Speaks the modern revision: every request is complete in itself. */
    modern({ capabilities = {}, headers = {} }: Omit<HandshakeOptions, 'revision'> = {}): RawSession {
      const meta = {
        [`${META}protocolVersion`]: MODERN,
        [`${META}clientInfo`]: { name: 'raw-client', version: '1.0.0' },
        [`${META}clientCapabilities`]: capabilities,
      };
      return createSession(send, {
        sessionId: undefined,
        opening: undefined,
        headersOf: (method, params) => {
          const named = NAMED[method];
          const name = named === undefined ? {} : { 'mcp-name': String(params[named]) };
          return { ...headers, 'mcp-protocol-version': MODERN, 'mcp-method': method, ...name };
        },
        paramsOf: (params) => ({ ...params, _meta: { ...meta, ...(params['_meta'] as object | undefined) } }),
      });
    },
  };
}

interface HandshakeOptions {
  readonly revision?: string;
  readonly capabilities?: Readonly<Record<string, unknown>>;
  readonly headers?: OutgoingHttpHeaders;
}

type Params = Readonly<Record<string, unknown>>;

interface SessionParts {
  readonly sessionId: string | undefined;
  readonly opening: Exchange | undefined;
  readonly headersOf: (method: string, params: Params) => OutgoingHttpHeaders;
  readonly paramsOf: (params: Params) => Params;
}

function createSession(send: (body: unknown, options?: SendOptions) => Promise<Exchange>, parts: SessionParts): RawSession {
  let lastId = 0;
  const post = (id: number | undefined, method: string, params: Params, options: SendOptions = {}) => {
    const message = { jsonrpc: '2.0', ...(id === undefined ? {} : { id }), method, params: parts.paramsOf(params) };
    return send(message, { ...options, headers: { ...parts.headersOf(method, params), ...options.headers } });
  };
  return {
    sessionId: parts.sessionId,
    opening: parts.opening,
    exchange: (method, params = {}, options) => post(++lastId, method, params, options),
    notify: (method, params = {}) => post(undefined, method, params),
    async request(method, params = {}, options) {
      const id = ++lastId;
      return answerTo(id, await post(id, method, params, options));
    },
    async close() {
      if (parts.sessionId !== undefined) await send(undefined, { method: 'DELETE', headers: parts.headersOf('', {}) });
    },
  };
}

/** Sends one frame: `undefined` nothing, text and bytes as they are, anything else as JSON. */
function sendFrame(
  url: string,
  body: unknown,
  { method = 'POST', headers = {}, signal, timeoutMs = 30_000 }: SendOptions,
): Promise<Exchange> {
  const bytes =
    body === undefined
      ? undefined
      : typeof body === 'string' || Buffer.isBuffer(body)
        ? Buffer.from(body)
        : Buffer.from(JSON.stringify(body));
  return new Promise((resolve, reject) => {
    const limit = AbortSignal.timeout(timeoutMs);
    const request = sendRequest(url, {
      method,
      agent: false,
      signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
      headers: {
        accept: 'application/json, text/event-stream',
        ...(bytes === undefined ? {} : { 'content-type': 'application/json', 'content-length': bytes.length }),
        ...headers,
      },
    });
    request.on('error', reject);
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text, messages: messagesOf(text, response.headers) });
      });
    });
    request.end(bytes);
  });
}

function messagesOf(body: string, headers: IncomingHttpHeaders): Message[] {
  const type = headers['content-type'] ?? '';
  if (type.startsWith('text/event-stream')) return eventsOf(body).map((data) => JSON.parse(data) as Message);
  if (body === '' || !type.startsWith('application/json')) return [];
  return [JSON.parse(body) as Message];
}

function eventsOf(body: string): string[] {
  return body
    .split(/\r?\n\r?\n/)
    .map((event) => event.split(/\r?\n/).filter((line) => line.startsWith('data:')))
    .map((lines) => lines.map((line) => line.slice(5).trimStart()).join('\n'))
    .filter((data) => data !== '');
}

function answerTo(id: number, exchange: Exchange): Message {
  const answer = exchange.messages.find((message) => message.id === id && message.method === undefined);
  if (answer === undefined) throw new Error(`No answer to request ${id} in HTTP ${exchange.status}: ${exchange.body.slice(0, 400)}`);
  return answer;
}
