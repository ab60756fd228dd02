import type { IncomingMessage } from 'node:http';
import { toOutcome, type Answer, type GatewayError, type RawJson, type ResultSource } from '@signalbox/core';
import { RESULT_END, encodeError, encodeOutcome, encodeResult, encodeResultHead, encodeResultText, toOneLine } from '../messages/encode.ts';
import { EVENT_END, EVENT_HEAD, SSE_KEEP_ALIVE, encodeEvent } from '../messages/sse.ts';
import type { Reply, ResultWriter } from '../peers/reply.ts';
import { AnswerWriter } from './answer-writer.ts';
import { encodePriming, type EventLog } from './event-log.ts';
import type { EventLogs } from './event-logs.ts';
import { EVENT_STREAM_HEADERS, MAX_UNREAD_BYTES } from './event-stream.ts';
import type { Accepted } from './http-headers.ts';
import type { IncomingRequest, ResponseWriter } from './http-message.ts';
import type { KeepAlive, KeptAlive } from './keep-alive.ts';

// Above this size copying a result behind its head costs more than writing the parts one by one.
const MAX_COPIED_BYTES = 8_192;
// Text of more than this costs the collector more than a second write costs the kernel.
const MAX_TEXT_BYTES = 4_096;
const LAST_EVENT_END = Buffer.concat([RESULT_END, EVENT_END]);
const MAX_DISCARDED_BYTES = 16 * 1024 * 1024;
/** Refusals of the modern revision that have an HTTP status of their own. Everything else is an answer like any other. */
const STATUS_CODES = new Set([-32020, -32021, -32022, -32601, -32602]);
/** The same for refusals that an upstream spoke, of which only those hold for our client, too. */
const UPSTREAM_STATUS = new Map([
  [-32021, 400],
  [-32601, 404],
]);

export interface ExchangeOptions {
  readonly id: RawJson;
  readonly accepted: Accepted;
  readonly isModern: boolean;
  readonly keepAlive: KeepAlive;
  /** Sent along with the answer to `initialize`. */
  readonly sessionId?: string;
  /** Makes the answer one that a client can have again when its connection breaks off, once it has become a stream. */
  readonly resumable?: Resumable;
}

export interface Resumable {
  readonly logs: () => EventLogs;
  /** How long the client should wait before it comes back, told with an event of its own ahead of all others. */
  readonly retryMs: number | undefined;
}

/** An answer that has not come by then becomes a stream, so that its client has a place to come back to. */
const RESUMABLE_AFTER_MS = 2_000;

/** The answer to one POSTed request: JSON, or a stream of events once something has to be said ahead of the answer. */
export class HttpExchange implements Reply, KeptAlive {
  readonly #response: ResponseWriter;
  readonly #options: ExchangeOptions;
  keepAlivePlace = -1;
  keepAliveDueMs = 0;
  #isStreaming = false;
  #isOver = false;
  #isWaiting = false;
  #log: EventLog | undefined;
  #writer: AnswerWriter | undefined;

  constructor(response: ResponseWriter, options: ExchangeOptions) {
    this.#response = response;
    this.#options = options;
  }

  get takesNotifications(): boolean {
    return this.#options.accepted.events;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Tells that the answer takes its time: from now on the client hears from us now and then. */
  wait(): void {
    if (this.#isOver || !this.takesNotifications) return;
    this.#isWaiting = true;
    const { keepAlive, resumable } = this.#options;
    keepAlive.add(this, resumable?.retryMs === undefined ? undefined : RESUMABLE_AFTER_MS);
  }

  keepAlive(): void {
    if (this.#response.destroyed || this.#isBegun) return;
    this.#begin();
    this.#response.write(SSE_KEEP_ALIVE);
  }

  notify(message: Buffer): boolean {
    if (this.#isOver || this.#isBegun || !this.takesNotifications || (this.#response.destroyed && this.#log === undefined)) return false;
    if (this.#response.writableLength > MAX_UNREAD_BYTES) this.#response.destroy();
    this.#begin();
    this.#write(this.#log === undefined ? encodeEvent(message) : this.#log.append(message));
    return true;
  }

  begin({ maxBytes }: { readonly maxBytes: number | undefined }, source: ResultSource): ResultWriter | undefined {
    if (this.#isOver || this.#response.destroyed) return undefined;
    this.#writer?.discard();
    const head = encodeResultHead(this.#options.id);
    const length = maxBytes === undefined ? undefined : head.length + maxBytes + RESULT_END.length;
    const onStart = () => this.#start(length);
    return (this.#writer = new AnswerWriter(head, { response: this.#response, source, maxBytes, onStart }));
  }

  answer(answer: Answer): void {
    if (this.#end()) return;
    if (answer.kind === 'delivered') {
      this.#writer?.end(this.#isEvent ? LAST_EVENT_END : RESULT_END);
      return this.#endLog();
    }
    if (this.#isCutOff()) return;
    const outcome = toOutcome(answer);
    const { id, isModern, sessionId } = this.#options;
    const length = outcome.kind === 'result' ? outcome.result.byteLength : 0;
    if (outcome.kind === 'result' && length > MAX_COPIED_BYTES) this.#sendLarge(outcome.result);
    else if (outcome.kind === 'result' && length <= MAX_TEXT_BYTES && !this.#isEvent)
      sendJson(this.#response, { status: 200, body: encodeResultText(id, outcome.result), sessionId });
    else this.#send((isModern && outcome.kind === 'error' && UPSTREAM_STATUS.get(outcome.error.code)) || 200, encodeOutcome(id, outcome));
  }

  refuse(error: GatewayError): void {
    if (this.#end()) return;
    if (this.#isCutOff()) return;
    const rpc = error.toRpc();
    const status = error.code === 'NOT_ACCEPTABLE' || (this.#options.isModern && STATUS_CODES.has(rpc.code)) ? error.httpStatus : 200;
    this.#send(status, encodeError(this.#options.id, rpc));
  }

  drop(): void {
    if (this.#end()) return;
    if (this.#isCutOff()) return;
    if (!this.#isStreaming) this.#response.writeHead(202, ['Content-Length', '0']);
    this.#response.end();
    this.#endLog();
  }

  get #isEvent(): boolean {
    return this.#isStreaming || !this.#options.accepted.json;
  }

  get #isBegun(): boolean {
    return this.#writer?.isBegun === true;
  }

  #start(length: number | undefined): 'one line' | 'any text' {
    if (this.#isWaiting) this.#options.keepAlive.remove(this);
    if (!this.#isEvent) {
      this.#response.writeHead(200, toJsonHeaders(length, this.#options.sessionId));
      return 'any text';
    }
    this.#begin();
    // What flows is not kept, so it cannot be had again.
    this.#log?.skip();
    this.#response.write(EVENT_HEAD);
    return 'one line';
  }

  // A part of a result must not be taken for the whole, so an answer that has begun to leave and cannot end is cut off.
  #isCutOff(): boolean {
    const isCutOff = this.#isBegun;
    if (isCutOff) this.#response.destroy();
    this.#writer?.discard();
    return isCutOff;
  }

  // Tells whether there is nothing more to be done.
  #end(): boolean {
    if (this.#isOver) return true;
    this.#isOver = true;
    if (this.#isWaiting) this.#options.keepAlive.remove(this);
    return this.#response.destroyed && this.#log === undefined;
  }

  #endLog(): void {
    if (this.#log !== undefined) this.#options.resumable!.logs().end(this.#log);
  }

  #send(status: number, message: Buffer): void {
    if (this.#isStreaming || (!this.#options.accepted.json && status === 200)) {
      this.#begin();
      this.#write(this.#log === undefined ? encodeEvent(message) : this.#log.append(message));
      this.#response.end();
      this.#endLog();
    } else sendJson(this.#response, { status, body: message, sessionId: this.#options.sessionId });
  }

  #sendLarge(result: RawJson): void {
    const response = this.#response;
    if (this.#log !== undefined) return this.#send(200, encodeResult(this.#options.id, result));
    const head = encodeResultHead(this.#options.id);
    response.cork();
    if (this.#isEvent) {
      this.#begin();
      response.write(EVENT_HEAD);
      response.write(head);
      response.write(toOneLine(result.bytes));
      response.write(RESULT_END);
      response.end(EVENT_END);
    } else {
      response.writeHead(200, toJsonHeaders(head.length + result.byteLength + RESULT_END.length, this.#options.sessionId));
      response.write(head);
      for (const part of result.parts) response.write(part);
      response.end(RESULT_END);
    }
    response.uncork();
  }

  #begin(): void {
    if (this.#isStreaming) return;
    this.#isStreaming = true;
    const { sessionId, resumable } = this.#options;
    this.#response.writeHead(
      200,
      sessionId === undefined ? [...EVENT_STREAM_HEADERS] : [...EVENT_STREAM_HEADERS, 'Mcp-Session-Id', sessionId],
    );
    if (resumable === undefined) return;
    this.#log = resumable.logs().open();
    if (resumable.retryMs !== undefined) this.#response.write(encodePriming(this.#log.stream, resumable.retryMs));
  }

  #write(bytes: Buffer): void {
    if (!this.#response.destroyed) this.#response.write(bytes);
  }
}

/** Refuses a request before it is anyone's: with its own status and a JSON-RPC error as its body. */
export function reject(
  request: IncomingRequest,
  response: ResponseWriter,
  options: { readonly error: GatewayError; readonly id?: RawJson | undefined; readonly allow?: string },
): void {
  if (response.headersSent) response.destroy();
  if (response.destroyed) return;
  const { error, id, allow } = options;
  const isUnread = !request.complete && hasBody(request);
  if (isUnread) response.shouldKeepAlive = false;
  if (allow !== undefined) response.setHeader('Allow', allow);
  if (error.code === 'UNAUTHENTICATED') response.setHeader('WWW-Authenticate', 'Bearer');
  const body = encodeError(id, error.toRpc());
  response.setHeader('Content-Type', 'application/json').setHeader('Content-Length', body.length).setHeader('Cache-Control', 'no-store');
  response.writeHead(error.httpStatus);
  if (request.method === 'HEAD') response.end();
  else if (isUnread) answerBeforeEnd(request, response, body);
  else response.end(body);
}

// To close a connection with something unread on it destroys what was written, too, and most clients read only when they
// have written everything. So the rest is let in and thrown away, up to a bound; Node bounds the time.
function answerBeforeEnd(request: IncomingMessage, response: ResponseWriter, body: Buffer): void {
  response.write(body);
  let left = MAX_DISCARDED_BYTES;
  const end = () => {
    request.off('data', discard).off('end', end).off('close', end).pause();
    response.end();
  };
  const discard = (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) end();
  };
  request.on('data', discard).on('end', end).on('close', end).resume();
}

/** Answers with JSON in one write. Text is latin-1: each of its characters is one byte. */
export function sendJson(
  response: ResponseWriter,
  answer: { readonly status: number; readonly body: Buffer | string; readonly sessionId?: string | undefined },
): void {
  const { status, body, sessionId } = answer;
  response.writeHead(status, toJsonHeaders(body.length, sessionId));
  // A body given as text joins the head in one write. Latin-1 turns each byte into one character and back.
  if (typeof body === 'string') response.end(body, 'latin1');
  else if (body.length <= MAX_TEXT_BYTES) response.end(body.toString('latin1'), 'latin1');
  else response.end(body);
}

// Without a length the body is sent in chunks.
function toJsonHeaders(length: number | undefined, sessionId: string | undefined): string[] {
  const headers = ['Content-Type', 'application/json', 'Cache-Control', 'no-store'];
  if (length !== undefined) headers.push('Content-Length', String(length));
  if (sessionId !== undefined) headers.push('Mcp-Session-Id', sessionId);
  return headers;
}

// A body that is not read to its end cannot be told from the next request on the same connection.
function hasBody({ headers }: IncomingRequest): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] !== undefined && headers['content-length'] !== '0');
}
