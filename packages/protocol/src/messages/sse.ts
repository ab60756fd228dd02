import { GatewayError } from '@signalbox/core';
import { ByteCollector } from './byte-collector.ts';
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
const CARRIAGE = 0x0d;
const FEED = 0x0a;
const DATA = Buffer.from('data:');
/** From so many bytes on, the data of an event is long. */
const LONG_BYTES = 16_384;

/** Takes the data of one event while it arrives. */
export interface DataTaker {
  /** Takes a piece, which is only lent. */
  push(bytes: Buffer, start: number, end: number): void;
  /** The event is whole. */
  end(): void;
}

export interface SseDecoderOptions {
  readonly maxBytes: number;
  readonly onEvent: (event: ServerSentEvent) => void;
  /** Asked once for each event whose data is long: who takes it, if anybody. `onEvent` then hears of its other fields only. */
  readonly onLongData?: () => DataTaker | undefined;
}

/**
 * Reads `text/event-stream` as the HTML standard defines it: lines end with LF, CR or CRLF, `data` may span lines,
 * comments are passed over, an event without its closing blank line is dropped.
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
export class SseDecoder {
  readonly #options: SseDecoderOptions;
  // The beginning of a line of which more has to come before it can be told what it is.
  readonly #line = new ByteCollector();
  readonly #data = new ByteCollector();
  #isInData = false;
  #skipLineFeed = false;
  #isFirstLine = true;
  #dataLines = 0;
  #dataLength = 0;
  #taker: DataTaker | undefined;
  #isAsked = false;
  #event = '';
  #id: string | undefined;
  #retryMs: number | undefined;

  constructor(options: SseDecoderOptions) {
    this.#options = options;
  }

  /** Reads on, in bytes that are only lent. @throws GatewayError `TOO_LARGE` when an event exceeds the bound; the decoder is of no use afterwards. */
  push(chunk: Buffer): void {
    let start = 0;
    if (this.#skipLineFeed && chunk.length > 0) {
      this.#skipLineFeed = false;
      if (chunk[0] === FEED) start = 1;
    }
    let carriage = chunk.indexOf(CARRIAGE, start);
    let feed = chunk.indexOf(FEED, start);
    while (carriage >= 0 || feed >= 0) {
      const end = feed < 0 || (carriage >= 0 && carriage < feed) ? carriage : feed;
      this.#endLine(chunk, start, end);
      start = end + 1;
      if (end === carriage) {
        if (start === chunk.length) this.#skipLineFeed = true;
        else if (chunk[start] === FEED) start++;
        carriage = chunk.indexOf(CARRIAGE, start);
      }
      if (feed >= 0 && feed < start) feed = chunk.indexOf(FEED, start);
    }
    if (start < chunk.length) this.#takePart(chunk, start, chunk.length);
  }

  // The end of the line has not come yet.
  #takePart(bytes: Buffer, start: number, end: number): void {
    if (this.#isInData) return this.#takeData(bytes, start, end);
    if (this.#line.length === 0 && this.#beginData(bytes, start, end)) return;
    this.#line.push(bytes, { start, end });
    const line = this.#line.collected;
    if (line.length > end - start && this.#beginData(line, 0, line.length)) this.#line.take();
    else this.#check();
  }

  #endLine(bytes: Buffer, start: number, end: number): void {
    if (this.#isInData) {
      this.#isInData = false;
      this.#takeData(bytes, start, end);
    } else if (this.#line.length === 0) this.#takeLine(bytes.subarray(start, end));
    else {
      this.#line.push(bytes, { start, end });
      this.#takeLine(this.#line.take());
    }
    this.#isFirstLine = false;
  }

  #takeLine(line: Buffer): void {
    const text = this.#isFirstLine && line[0] === 0xef && line[1] === 0xbb && line[2] === 0xbf ? line.subarray(3) : line;
    if (text.length === 0) return this.#dispatch();
    const colon = text.indexOf(0x3a);
    if (colon === 0) return;
    const field = colon < 0 ? text.toString('latin1') : text.toString('latin1', 0, colon);
    const value = colon < 0 ? EMPTY : text.subarray(text[colon + 1] === 0x20 ? colon + 2 : colon + 1);
    if (field === 'data') {
      this.#beginDataLine();
      this.#takeData(value, 0, value.length);
    } else if (field === 'event') this.#event = value.toString('utf8');
    else if (field === 'id') {
      if (!value.includes(0)) this.#id = value.toString('utf8');
    } else if (field === 'retry') {
      const retry = value.toString('latin1');
      if (/^\d{1,9}$/.test(retry)) this.#retryMs = Number(retry);
    }
  }

  // A line of data is not kept until its end has come, however long it is. Tells whether this is one.
  #beginData(bytes: Buffer, start: number, end: number): boolean {
    const colon = start + DATA.length;
    if (end <= colon || bytes.compare(DATA, 0, DATA.length, start, colon) !== 0) return false;
    this.#isInData = true;
    this.#beginDataLine();
    this.#takeData(bytes, bytes[colon] === 0x20 ? colon + 1 : colon, end);
    return true;
  }

  #beginDataLine(): void {
    if (this.#dataLines++ > 0) this.#takeData(LINE_FEED, 0, 1);
  }

  #takeData(bytes: Buffer, start: number, end: number): void {
    this.#dataLength += end - start;
    this.#check();
    if (this.#dataLength >= LONG_BYTES && !this.#isAsked) {
      this.#isAsked = true;
      this.#taker = this.#options.onLongData?.();
      const before = this.#data.length;
      if (this.#taker !== undefined && before > 0) this.#taker.push(this.#data.take(), 0, before);
    }
    if (this.#taker === undefined) this.#data.push(bytes, { start, end });
    else this.#taker.push(bytes, start, end);
  }

  // An event with an id but no data still moves the position a client resumes from, so it is passed on with empty data.
  #dispatch(): void {
    const taker = this.#taker;
    const hasNews = (taker === undefined && this.#dataLines > 0) || this.#id !== undefined || this.#retryMs !== undefined;
    const event: ServerSentEvent = { event: this.#event || 'message', data: this.#data.take(), id: this.#id, retryMs: this.#retryMs };
    this.#taker = undefined;
    this.#isAsked = false;
    this.#dataLines = 0;
    this.#dataLength = 0;
    this.#event = '';
    this.#id = undefined;
    this.#retryMs = undefined;
    if (hasNews) this.#options.onEvent(event);
    taker?.end();
  }

  #check(): void {
    const { maxBytes } = this.#options;
    if (this.#dataLength + this.#line.length <= maxBytes) return;
    throw new GatewayError('TOO_LARGE', `Cannot read an event of more than ${maxBytes} bytes`, { data: { maxBytes } });
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
