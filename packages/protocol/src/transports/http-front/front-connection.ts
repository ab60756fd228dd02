import type { Socket } from 'node:net';
import type { MovedConnection } from '../homes.ts';
import type { IncomingRequest, ResponseWriter } from '../http-message.ts';
import { FrontResponse, type ResponseCarrier } from './front-response.ts';
import { HeadReader } from './head-reader.ts';
import { KEEP_ALIVE_SECONDS, type ResponseHeads } from './response-head.ts';
import { readShared, type Reading } from './shared-reading.ts';

/** What serves requests. */
export interface Target {
  serve(request: IncomingRequest, response: ResponseWriter): void;
}

/** What connections need of the front they belong to. */
export interface ConnectionHost {
  readonly heads: ResponseHeads;
  /** Seconds, counted coarsely. */
  readonly seconds: number;
  readonly isClosing: boolean;
  /** Requests that came while it closes. */
  lastRequests: number;
  /** Finds what serves a request of that head; `undefined` leaves it to Node. */
  route(head: HeadReader): Target | undefined;
  /** The process that a request of that head belongs to, if it is another one. */
  homeOf(head: HeadReader): string | undefined;
  move(home: string, connection: MovedConnection): void;
  /** Answers a request that a target failed to serve. */
  fail(request: IncomingRequest, response: ResponseWriter, thrown: unknown): void;
  /** Node serves the connection from now on. */
  handOver(connection: FrontConnection, socket: Socket): void;
  closed(connection: FrontConnection): void;
}

/** Longest waits for the first byte and for the end of a request, in seconds: those Node has for its own. */
const FIRST_BYTE_SECONDS = 10;
const REQUEST_SECONDS = 30;
// What a client may send ahead while its last request is being answered.
const MAX_AHEAD_BYTES = 65_536;
const FIRST_BODY_BYTES = 16_384;
/** A connection that has moved as often carries requests of several sessions, which are better relayed one by one. */
const MAX_MOVES = 3;

const BAD_REQUEST = 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n';
const TIMED_OUT = 'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n';

/** One connection of a client. Carries one request at a time, until it is handed over to Node or closed. */
export class FrontConnection implements ResponseCarrier {
  frontPlace = -1;
  readonly #host: ConnectionHost;
  readonly #reading: Reading;
  readonly #socket: Socket;
  readonly #head = new HeadReader();
  #state: 'fresh' | 'idle' | 'body' | 'answer' | 'over' = 'fresh';
  #since: number;
  #target: Target | undefined;
  #body: Buffer | undefined;
  #filled = 0;
  #response: FrontResponse | undefined;
  // What came while nothing could be done with it.
  #ahead: Buffer | undefined;
  readonly #onEnd = (): void => this.#ended();
  readonly #moves: number;

  constructor(host: ConnectionHost, accepted: Socket, moves = 0) {
    this.#host = host;
    this.#moves = moves;
    this.#since = host.seconds;
    this.#reading = readShared(accepted, (bytes, length) => this.#take(bytes, length));
    this.#socket = this.#reading.socket;
    this.#socket.on('end', this.#onEnd);
    // Whatever is wrong with a connection, it closes.
    this.#socket.on('error', () => undefined);
    this.#socket.on('close', () => this.#closed());
    this.#socket.on('drain', () => this.#drained());
  }

  /** Goes on with what was read before. */
  begin(unread: Buffer): void {
    this.#take(unread, unread.length);
  }

  get heads(): ResponseHeads {
    return this.#host.heads;
  }

  get writableLength(): number {
    return this.#socket.writableLength;
  }

  write(bytes: Buffer): boolean {
    return this.#socket.write(bytes);
  }

  writeText(text: string): boolean {
    return this.#socket.write(text, 'latin1');
  }

  cork(): void {
    this.#socket.cork();
  }

  uncork(): void {
    this.#socket.uncork();
  }

  finish(response: FrontResponse): void {
    this.#response = undefined;
    if (this.#state !== 'answer') return;
    if (!response.shouldKeepAlive) return this.#hangUp();
    this.#state = 'idle';
    this.#since = this.#host.seconds;
    if (this.#ahead !== undefined) process.nextTick(() => this.#goOn());
  }

  break(): void {
    this.#socket.destroy();
  }

  /** Closes it if a time is over. */
  check(): void {
    const waited = this.#host.seconds - this.#since;
    if (this.#state === 'fresh' && waited > FIRST_BYTE_SECONDS) this.#hangUp(TIMED_OUT);
    else if (this.#state === 'body' && waited > REQUEST_SECONDS) this.#hangUp(TIMED_OUT);
    // A client that has not yet read the last answer is not idle.
    else if (this.#state === 'idle' && waited > KEEP_ALIVE_SECONDS && this.writableLength === 0) this.#socket.destroy();
  }

  /** Closes it with the answer that is under way, if there is one and its head can still say so. */
  finishNext(): void {
    // One whose head is out has told the client that the connection goes on.
    if (this.#response?.headersSent === false) this.#response.shouldKeepAlive = false;
  }

  /** Closes it if no request is on it. */
  closeIdle(): void {
    if (this.#state === 'fresh' || this.#state === 'idle') this.#hangUp();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #take(bytes: Buffer, length: number): void {
    let at = 0;
    while (at < length) {
      if (this.#state === 'over') return;
      if (this.#state === 'answer' || this.#ahead !== undefined || this.#socket.writableNeedDrain) return this.#keep(bytes, at, length);
      at = this.#state === 'body' ? this.#fill(bytes, at, length) : this.#begin(bytes, at, length);
    }
  }

  // All that comes before a request has been understood is for Node if it is not.
  #begin(bytes: Buffer, start: number, end: number): number {
    const head = this.#head;
    const target = head.read(bytes, start, end) ? this.#host.route(head) : undefined;
    if (target === undefined) return this.#handOver(bytes, start, end);
    if (this.#moves < MAX_MOVES) {
      const home = this.#host.homeOf(head);
      if (home !== undefined && this.#move(home, bytes.subarray(start, end))) return end;
    }
    this.#target = target;
    const bodyStart = start + head.length;
    const bodyLength = head.bodyLength ?? 0;
    if (end - bodyStart < bodyLength) {
      this.#state = 'body';
      this.#since = this.#host.seconds;
      this.#body = Buffer.allocUnsafe(Math.min(bodyLength, FIRST_BODY_BYTES));
      this.#filled = 0;
      return this.#fill(bytes, bodyStart, end);
    }
    const body = Buffer.allocUnsafe(bodyLength);
    bytes.copy(body, 0, bodyStart, bodyStart + bodyLength);
    this.#answer(body);
    return bodyStart + bodyLength;
  }

  // Memory grows with what has come, not with what was announced.
  #fill(bytes: Buffer, start: number, end: number): number {
    const total = this.#head.bodyLength!;
    const stop = Math.min(end, start + total - this.#filled);
    const filled = this.#filled + stop - start;
    let body = this.#body!;
    if (filled > body.length) {
      const larger = Buffer.allocUnsafe(Math.min(total, Math.max(filled, 2 * body.length)));
      body.copy(larger, 0, 0, this.#filled);
      this.#body = body = larger;
    }
    bytes.copy(body, this.#filled, start, stop);
    this.#filled = filled;
    if (filled < total) return stop;
    this.#body = undefined;
    this.#answer(body);
    return stop;
  }

  #answer(body: Buffer): void {
    const { method, url, headers, isLast, bodyLength } = this.#head;
    // What is no POST is asked once, or answered for as long as the connection lives.
    if (bodyLength === undefined) this.#head.forget();
    const request: IncomingRequest = { method, url, headers, body, complete: true };
    const response = new FrontResponse(this, !isLast && !this.#host.isClosing);
    if (this.#host.isClosing) this.#host.lastRequests++;
    this.#state = 'answer';
    this.#response = response;
    try {
      this.#target!.serve(request, response);
    } catch (error) {
      this.#host.fail(request, response, error);
    }
  }

  #keep(bytes: Buffer, start: number, end: number): void {
    const more = bytes.subarray(start, end);
    this.#ahead = this.#ahead === undefined ? Buffer.from(more) : Buffer.concat([this.#ahead, more]);
    const isUnread = this.#socket.writableNeedDrain && this.#state !== 'answer';
    if (isUnread || this.#ahead.length > MAX_AHEAD_BYTES) this.#socket.pause();
  }

  #drained(): void {
    if (this.#response === undefined) this.#goOn();
    else this.#response.drained();
  }

  #goOn(): void {
    const ahead = this.#ahead;
    if (ahead === undefined || this.#state !== 'idle') return;
    this.#ahead = undefined;
    if (this.#socket.isPaused()) this.#socket.resume();
    this.#take(ahead, ahead.length);
  }

  // Nothing may be under way to the client, as the other process knows nothing of it.
  #move(home: string, unread: Buffer): boolean {
    if (this.#socket.writableLength > 0) return false;
    const handle = this.#reading.detach();
    if (handle === undefined) return false;
    this.#state = 'over';
    this.#head.forget();
    this.#host.move(home, { handle, unread: Buffer.from(unread), moves: this.#moves + 1 });
    return true;
  }

  #handOver(bytes: Buffer, start: number, end: number): number {
    const socket = this.#socket;
    const unread = Buffer.from(bytes.subarray(start, end));
    this.#state = 'over';
    this.#head.forget();
    this.#reading.release();
    socket.off('end', this.#onEnd);
    socket.pause();
    socket.unshift(unread);
    this.#host.handOver(this, socket);
    socket.resume();
    return end;
  }

  // A client that has nothing more to say does not wait for answers either.
  #ended(): void {
    if (this.#state === 'body') return this.#hangUp(BAD_REQUEST);
    this.#state = 'over';
    this.#response?.abandon();
    this.#socket.end();
  }

  #hangUp(lastWords?: string): void {
    this.#state = 'over';
    if (lastWords !== undefined) this.writeText(lastWords);
    this.#socket.destroySoon();
  }

  #closed(): void {
    this.#state = 'over';
    this.#body = undefined;
    this.#ahead = undefined;
    this.#response?.abandon();
    this.#response = undefined;
    this.#host.closed(this);
  }
}
