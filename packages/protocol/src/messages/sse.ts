import { GatewayError } from '@signalbox/core';
import { toOneLine } from './encode.ts';

/** One server-sent event. */
export interface ServerSentEvent {
  /** `message` unless the stream says otherwise. */
  readonly event: string;
  readonly data: Buffer;
  readonly id: string | undefined;
  /** Milliseconds the stream asks us to wait before connecting again. */
  readonly retryMs: number | undefined;
}

const EMPTY = Buffer.alloc(0);
const LINE_FEED = Buffer.from('\n');
// Each line is held by an object many times its size when it is short, so bytes alone do not bound memory.
const MAX_LINES = 100_000;

/**
 * Reads `text/event-stream` as the HTML standard defines it: lines end with LF, CR or CRLF, `data` may span lines,
 * comments are passed over, an event without its closing blank line is dropped.
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
export class SseDecoder {
  readonly #maxBytes: number;
  readonly #onEvent: (event: ServerSentEvent) => void;
  #pieces: Buffer[] = [];
  #pending = 0;
  #skipLineFeed = false;
  #data: Buffer[] = [];
  #length = 0;
  #event = '';
  #id: string | undefined;
  #retryMs: number | undefined;
  #isFirstLine = true;

  constructor(options: { readonly maxBytes: number; readonly onEvent: (event: ServerSentEvent) => void }) {
    this.#maxBytes = options.maxBytes;
    this.#onEvent = options.onEvent;
  }

  /** @throws GatewayError `TOO_LARGE` when an event exceeds the bound; the decoder is of no use afterwards. */
  push(chunk: Buffer): void {
    let start = 0;
    if (this.#skipLineFeed && chunk.length > 0) {
      this.#skipLineFeed = false;
      if (chunk[0] === 0x0a) start = 1;
    }
    let carriage = chunk.indexOf(0x0d, start);
    let feed = chunk.indexOf(0x0a, start);
    while (carriage >= 0 || feed >= 0) {
      const end = feed < 0 || (carriage >= 0 && carriage < feed) ? carriage : feed;
      this.#takeLine(this.#complete(chunk.subarray(start, end)));
      start = end + 1;
      if (end === carriage) {
        if (start === chunk.length) this.#skipLineFeed = true;
        else if (chunk[start] === 0x0a) start++;
        carriage = chunk.indexOf(0x0d, start);
      }
      if (feed >= 0 && feed < start) feed = chunk.indexOf(0x0a, start);
    }
    if (start === chunk.length) return;
    this.#pieces.push(chunk.subarray(start));
    this.#pending += chunk.length - start;
    this.#check();
  }

  // The line's beginning may have arrived in earlier chunks.
  #complete(end: Buffer): Buffer {
    if (this.#pieces.length === 0) return end;
    const line = Buffer.concat([...this.#pieces, end]);
    this.#pieces = [];
    this.#pending = 0;
    return line;
  }

  #takeLine(line: Buffer): void {
    let text = line;
    if (this.#isFirstLine) {
      this.#isFirstLine = false;
      if (text[0] === 0xef && text[1] === 0xbb && text[2] === 0xbf) text = text.subarray(3);
    }
    if (text.length === 0) return this.#dispatch();
    const colon = text.indexOf(0x3a);
    if (colon === 0) return;
    const field = colon < 0 ? text.toString('latin1') : text.toString('latin1', 0, colon);
    const value = colon < 0 ? EMPTY : text.subarray(text[colon + 1] === 0x20 ? colon + 2 : colon + 1);
    if (field === 'data') {
      this.#data.push(value);
      this.#length += value.length + 1;
      this.#check();
    } else if (field === 'event') this.#event = value.toString('utf8');
    else if (field === 'id') {
      if (!value.includes(0)) this.#id = value.toString('utf8');
    } else if (field === 'retry') {
      const retry = value.toString('latin1');
      if (/^\d{1,9}$/.test(retry)) this.#retryMs = Number(retry);
    }
  }

  // An event with an id but no data still moves the position a client resumes from, so it is passed on with empty data.
  #dispatch(): void {
    const hasNews = this.#data.length > 0 || this.#id !== undefined || this.#retryMs !== undefined;
    const event: ServerSentEvent = { event: this.#event || 'message', data: joinLines(this.#data), id: this.#id, retryMs: this.#retryMs };
    this.#data = [];
    this.#length = 0;
    this.#event = '';
    this.#id = undefined;
    this.#retryMs = undefined;
    if (hasNews) this.#onEvent(event);
  }

  #check(): void {
    if (this.#length + this.#pending <= this.#maxBytes && this.#data.length <= MAX_LINES) return;
    this.#data = [];
    this.#pieces = [];
    throw new GatewayError('TOO_LARGE', `Cannot read an event of more than ${this.#maxBytes} bytes or ${MAX_LINES} lines`, {
      data: { maxBytes: this.#maxBytes },
    });
  }
}

/** Writes one event whose data is a JSON-RPC message. */
export function encodeEvent(message: Buffer, id?: string): Buffer {
  const head = id === undefined ? EVENT_HEAD : Buffer.from(`id: ${id}\nevent: message\ndata: `);
  return Buffer.concat([head, toOneLine(message), EVENT_END]);
}

export const EVENT_HEAD: Buffer = Buffer.from('event: message\ndata: ');
export const EVENT_END: Buffer = Buffer.from('\n\n');

/** A comment that keeps idle connections open. */
export const SSE_KEEP_ALIVE: Buffer = Buffer.from(': keep-alive\n\n');

function joinLines(lines: readonly Buffer[]): Buffer {
  if (lines.length <= 1) return lines[0] ?? EMPTY;
  return Buffer.concat(lines.flatMap((line, index) => (index === 0 ? [line] : [LINE_FEED, line])));
}
