import type { Dispatcher, Pool } from 'undici';
import { GatewayError, toMessage } from '@signalbox/core';
import { SseDecoder, type ServerSentEvent } from '../messages/sse.ts';

const MAX_CONNECTIONS = 256;

export interface HttpClientOptions {
  readonly url: URL;
  /** Longest wait for a connection, in milliseconds. */
  readonly connectMs: number;
  /** Largest body or event accepted, in bytes. */
  readonly maxMessageBytes: number;
}

/** What went wrong below HTTP. */
export interface ExchangeFailure {
  readonly reason: string;
  /** Whether the request may have reached the server: it was written to a connection, in part at least. */
  readonly sent: boolean;
  readonly cause: Error;
}

export type ResponseHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** Takes what comes back for one HTTP request. Exactly one of `onBody`, `onStreamEnd` and `onFailure` ends it. */
export interface ExchangeSink {
  onHead?(status: number, headers: ResponseHeaders): void;
  /** The whole body of an answer that is no event stream. */
  onBody(status: number, mediaType: string, body: Buffer): void;
  /** One event of an answer that is an event stream. */
  onEvent(event: ServerSentEvent): void;
  /** The event stream ended as it should. */
  onStreamEnd(): void;
  onFailure(failure: ExchangeFailure): void;
}

/** Sends HTTP requests to one address over a pool of connections that are kept open. */
export class HttpClient {
  readonly #pool: Pool;
  readonly #path: string;
  readonly #maxBytes: number;

  private constructor(pool: Pool, path: string, maxBytes: number) {
    this.#pool = pool;
    this.#path = path;
    this.#maxBytes = maxBytes;
  }

  /** Loads the HTTP stack on first use, so that a gateway without HTTP upstreams does not pay for it. */
  static async create({ url, connectMs, maxMessageBytes }: HttpClientOptions): Promise<HttpClient> {
    const { Pool } = await import('undici');
    const pool = new Pool(url.origin, {
      connections: MAX_CONNECTIONS,
      pipelining: 1,
      connect: { timeout: connectMs },
      // Calls have budgets of their own, which progress extends.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    return new HttpClient(pool, `${url.pathname}${url.search}`, maxMessageBytes);
  }

  /** @param options.headers Names and values in turn. Kept as they are, so one list may serve many requests. */
  send(
    options: { readonly method: 'POST' | 'GET' | 'DELETE'; readonly headers: string[]; readonly body?: Buffer },
    sink: ExchangeSink,
  ): Exchange {
    const exchange = new Exchange(sink, this.#maxBytes);
    const { method, headers, body = null } = options;
    this.#pool.dispatch({ path: this.#path, method, headers, body }, exchange);
    return exchange;
  }

  /** Breaks off what is under way and closes all connections. */
  async close(): Promise<void> {
    await this.#pool.destroy();
  }
}

/** One HTTP request and its answer. */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly #sink: ExchangeSink;
  readonly #maxBytes: number;
  #controller: Dispatcher.DispatchController | undefined;
  #status = 0;
  #mediaType = '';
  #chunks: Buffer[] = [];
  #length = 0;
  #events: SseDecoder | undefined;
  #isOver = false;

  constructor(sink: ExchangeSink, maxBytes: number) {
    this.#sink = sink;
    this.#maxBytes = maxBytes;
  }

  /** Whether the request has been given to a connection. */
  get isSent(): boolean {
    return this.#controller !== undefined;
  }

  /** Breaks the request off without telling the sink. */
  abort(): void {
    this.#isOver = true;
    this.#controller?.abort(new Error('No longer needed'));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#isOver) controller.abort(new Error('No longer needed'));
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: ResponseHeaders): void {
    if (this.#isOver || status < 200) return;
    this.#status = status;
    this.#mediaType = mediaTypeOf(headers['content-type']);
    if (this.#mediaType === 'text/event-stream') {
      this.#events = new SseDecoder({ maxBytes: this.#maxBytes, onEvent: (event) => this.#isOver || this.#sink.onEvent(event) });
    }
    this.#sink.onHead?.(status, headers);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isOver) return;
    if (this.#events !== undefined) return this.#pushEvents(this.#events, chunk);
    this.#length += chunk.length;
    if (this.#length > this.#maxBytes) return this.#failTooLarge();
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#events !== undefined) return this.#sink.onStreamEnd();
    const body = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks, this.#length);
    this.#sink.onBody(this.#status, this.#mediaType, body);
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    if (!this.#isOver) this.#fail(describe(error), error);
  }

  #pushEvents(events: SseDecoder, chunk: Buffer): void {
    try {
      events.push(chunk);
    } catch (error) {
      if (!(error instanceof GatewayError && error.code === 'TOO_LARGE')) throw error;
      this.#failTooLarge();
    }
  }

  #failTooLarge(): void {
    const error = new Error(`the answer has more than ${this.#maxBytes} bytes`);
    this.#controller?.abort(error);
    if (!this.#isOver) this.#fail(error.message, error);
  }

  #fail(reason: string, cause: Error): void {
    this.#isOver = true;
    this.#sink.onFailure({ reason, sent: this.isSent, cause });
  }
}

function mediaTypeOf(header: string | string[] | undefined): string {
  const text = typeof header === 'string' ? header : (header?.[0] ?? '');
  if (text === 'application/json' || text === 'text/event-stream') return text;
  const end = text.indexOf(';');
  return (end < 0 ? text : text.slice(0, end)).trim().toLowerCase();
}

// Several addresses tried in vain come as one error without a message of its own.
function describe(error: Error): string {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  if (code === 'ECONNREFUSED') return 'the connection was refused; nothing listens there';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'its host name cannot be resolved';
  if (error instanceof AggregateError && error.message === '') return error.errors.map(toMessage).join('; ');
  return code === undefined ? error.message : `${error.message} (${code})`;
}
