import { GatewayError, toMessage } from '@signalbox/core';
import { ByteCollector } from '../../messages/byte-collector.ts';
import { SseDecoder, type DataTaker, type ServerSentEvent } from '../../messages/sse.ts';
import type { HttpRequest } from './request-head.ts';
import type { ResponseHead, ResponseHeaders } from './response-head.ts';

/** What went wrong below HTTP. */
export interface ExchangeFailure {
  readonly reason: string;
  /** Whether the request may have reached the server: it was written to a connection, in part at least. */
  readonly sent: boolean;
  readonly cause: Error;
}

/** Takes what comes back for one HTTP request. Exactly one of `onBody`, `onStreamEnd`, `onFailure` and the end of a taken body ends it. */
export interface ExchangeSink {
  onHead?(status: number, headers: ResponseHeaders): void;
  /** Asked before the body of an answer that is no event stream: who takes it while it arrives, if anybody. What it throws breaks the exchange off. */
  takeBody?(status: number, mediaType: string, length: number | undefined): DataTaker | undefined;
  /** The whole body of an answer that is no event stream. */
  onBody(status: number, mediaType: string, body: Buffer): void;
  /** One event of an answer that is an event stream. */
  onEvent(event: ServerSentEvent): void;
  /** Asked for each event with long data: who takes that while it arrives, if anybody. What it throws breaks the exchange off. */
  takeData?(): DataTaker | undefined;
  /** The event stream ended as it should. */
  onStreamEnd(): void;
  onFailure(failure: ExchangeFailure): void;
}

/** Where an exchange is: in the line for a connection, or on one. */
export interface ExchangeHolder {
  /** The exchange is broken off. */
  drop(exchange: Exchange): void;
  /** Nothing more is to be read for now, or it is again. */
  setPaused?(isPaused: boolean): void;
}

/** One HTTP request and its answer. */
export class Exchange {
  readonly request: HttpRequest;
  /** The request's head, ready to be written. */
  readonly head: string;
  /** Neighbours in the line for a connection. */
  previous: Exchange | undefined;
  next: Exchange | undefined;
  readonly #sink: ExchangeSink;
  readonly #maxBytes: number;
  #holder: ExchangeHolder | undefined;
  #isSent = false;
  #isOver = false;
  #status = 0;
  #mediaType = '';
  #length: number | undefined;
  #received = 0;
  #body: ByteCollector | undefined;
  #taker: DataTaker | undefined;
  #events: SseDecoder | undefined;

  constructor(options: { readonly request: HttpRequest; readonly head: string; readonly maxBytes: number }, sink: ExchangeSink) {
    this.request = options.request;
    this.head = options.head;
    this.#maxBytes = options.maxBytes;
    this.#sink = sink;
  }

  /** Whether the request has been given to a connection. */
  get isSent(): boolean {
    return this.#isSent;
  }

  /** Whether nothing more is wanted: it ended, failed or was broken off. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Breaks the request off without telling the sink. */
  abort(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#holder?.drop(this);
    this.#holder = undefined;
  }

  /** Stops reading, so that the server has to wait; what has been read already is still passed on. */
  pause(): void {
    this.#holder?.setPaused?.(true);
  }

  resume(): void {
    this.#holder?.setPaused?.(false);
  }

  /** Tells who is to be told when the exchange is broken off. */
  heldBy(holder: ExchangeHolder, isSent: boolean): void {
    this.#holder = holder;
    this.#isSent = isSent;
  }

  /** @throws Error when the answer is not wanted, for its length. */
  takeHead({ status, headers, body }: ResponseHead): void {
    this.#status = status;
    this.#mediaType = mediaTypeOf(headers['content-type']);
    if (this.#mediaType === 'text/event-stream') {
      this.#events = new SseDecoder({
        maxBytes: this.#maxBytes,
        onEvent: (event) => this.#isOver || this.#sink.onEvent(event),
        onLongData: () => (this.#isOver ? undefined : this.#sink.takeData?.()),
      });
    } else if (typeof body === 'number') {
      if (body > this.#maxBytes) throw tooLarge(this.#maxBytes);
      this.#length = body;
    }
    this.#sink.onHead?.(status, headers);
    if (this.#events === undefined && !this.#isOver) this.#taker = this.#sink.takeBody?.(status, this.#mediaType, this.#length);
  }

  /** Takes a piece of the body, which is only lent. @throws Error when there is more than is wanted. */
  takeData(bytes: Buffer, start: number, end: number): void {
    if (this.#events !== undefined) return this.#takeEvents(this.#events, bytes.subarray(start, end));
    this.#received += end - start;
    if (this.#received > this.#maxBytes) throw tooLarge(this.#maxBytes);
    if (this.#taker !== undefined) return this.#taker.push(bytes, start, end);
    this.#body ??= new ByteCollector();
    this.#body.push(bytes, { start, end }, this.#length);
  }

  /** The answer is whole. */
  finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#holder = undefined;
    if (this.#events !== undefined) return this.#sink.onStreamEnd();
    if (this.#taker !== undefined) return this.#taker.end();
    this.#sink.onBody(this.#status, this.#mediaType, this.#body?.take() ?? Buffer.alloc(0));
  }

  fail(error: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#holder = undefined;
    this.#sink.onFailure({ reason: describeNetworkError(error), sent: this.#isSent, cause: error });
  }

  #takeEvents(events: SseDecoder, chunk: Buffer): void {
    try {
      events.push(chunk);
    } catch (error) {
      throw error instanceof GatewayError && error.code === 'TOO_LARGE' ? tooLarge(this.#maxBytes) : error;
    }
  }
}

function tooLarge(maxBytes: number): Error {
  return new Error(`the answer has more than ${maxBytes} bytes`);
}

function mediaTypeOf(header: string | string[] | undefined): string {
  const text = typeof header === 'string' ? header : (header?.[0] ?? '');
  if (text === 'application/json' || text === 'text/event-stream') return text;
  const end = text.indexOf(';');
  return (end < 0 ? text : text.slice(0, end)).trim().toLowerCase();
}

/** Says in words why nothing came back from an address. */
export function describeNetworkError(error: Error): string {
  if (error instanceof GatewayError) return error.message;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  if (code === 'ECONNREFUSED') return 'the connection was refused; nothing listens there';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'its host name cannot be resolved';
  // Several addresses tried in vain come as one error without a message of its own.
  if (error instanceof AggregateError && error.message === '') return error.errors.map(toMessage).join('; ');
  return code === undefined ? error.message : `${error.message} (${code})`;
}
