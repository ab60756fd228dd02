import { ChunkedDecoder, type BodyTaker } from './chunked-decoder.ts';
import { malformed, parseResponseHead, type ResponseHead } from './response-head.ts';

const MAX_HEAD_BYTES = 32_768;
const MAX_INTERIM = 16;
const HEAD_END = Buffer.from('\r\n\r\n');
const HEAD_START = Buffer.from('HTTP/1.');

/** Takes what a parser finds. */
export interface ResponseTaker extends BodyTaker {
  /** Returns false when the rest is not wanted. */
  onHead(head: ResponseHead): boolean;
}

/** Reads answers of an HTTP/1.1 server from bytes that may be cut anywhere. */
export class ResponseParser {
  readonly #taker: ResponseTaker;
  readonly #chunked: ChunkedDecoder;
  #body: ResponseHead['body'] | undefined;
  #left = 0;
  #interim = 0;
  // The beginning of a head whose end has not come yet.
  #pending: Buffer | undefined;
  #pendingLength = 0;
  #headEnd = 0;

  constructor(taker: ResponseTaker) {
    this.#taker = taker;
    this.#chunked = new ChunkedDecoder(taker);
  }

  /** Whether the answer read at present ends with the connection. */
  get isUntilClose(): boolean {
    return this.#body === 'close';
  }

  /** Makes ready for another answer. */
  reset(): void {
    this.#body = undefined;
    this.#interim = 0;
    this.#pending = undefined;
    this.#pendingLength = 0;
  }

  /**
   * Reads on, in `bytes` up to `length`.
   * @returns Where the answer ended, or -1 when more of it is to come.
   * @throws Error that says what is wrong with the answer.
   */
  push(bytes: Buffer, length: number): number {
    let start = 0;
    if (this.#body === undefined) {
      start = this.#readHead(bytes, length);
      if (start < 0) return -1;
    }
    if (this.#body === 'chunked') return this.#chunked.push(bytes, start, length);
    if (this.#body === 'close') {
      if (start < length) this.#taker.onData(bytes, start, length);
      return -1;
    }
    const stop = Math.min(length, start + this.#left);
    this.#left -= stop - start;
    if (stop > start && !this.#taker.onData(bytes, start, stop)) return -1;
    return this.#left === 0 ? stop : -1;
  }

  // Returns where the body starts, or -1 when there is nothing more to read.
  #readHead(bytes: Buffer, length: number): number {
    let at = 0;
    for (;;) {
      const text = this.#pending === undefined ? this.#wholeHead(bytes, at, length) : this.#joinHead(bytes, at, length);
      if (text === undefined) return -1;
      at = this.#headEnd;
      const head = parseResponseHead(text);
      if (head.status === 101) throw malformed('it changes to a protocol nobody asked for');
      if (head.status >= 200) {
        this.#body = head.body;
        if (typeof head.body === 'number') this.#left = head.body;
        else this.#chunked.reset();
        return this.#taker.onHead(head) ? at : -1;
      }
      if (++this.#interim > MAX_INTERIM) throw malformed(`more than ${MAX_INTERIM} interim answers`);
    }
  }

  #wholeHead(bytes: Buffer, start: number, length: number): string | undefined {
    const end = start === length ? -1 : bytes.indexOf(HEAD_END, start);
    if (end < 0 || end + 4 > length) {
      if (start < length) {
        this.#pending = Buffer.allocUnsafe(MAX_HEAD_BYTES);
        this.#pendingLength = 0;
        return this.#joinHead(bytes, start, length);
      }
      return undefined;
    }
    if (end + 4 - start > MAX_HEAD_BYTES) throw tooLong();
    this.#headEnd = end + 4;
    return bytes.toString('latin1', start, end + 4);
  }

  #joinHead(bytes: Buffer, start: number, length: number): string | undefined {
    const pending = this.#pending!;
    const before = this.#pendingLength;
    const filled = before + bytes.copy(pending, before, start, Math.min(length, start + MAX_HEAD_BYTES - before));
    const from = Math.max(0, before - 3);
    const end = pending.subarray(0, filled).indexOf(HEAD_END, from);
    if (end < 0) {
      checkBeginning(pending, from, filled);
      if (filled === MAX_HEAD_BYTES) throw tooLong();
      this.#pendingLength = filled;
      return undefined;
    }
    this.#headEnd = start + end + 4 - before;
    this.#pending = undefined;
    return pending.toString('latin1', 0, end + 4);
  }
}

// What can become no head is refused at once, as its end would never come.
function checkBeginning(bytes: Buffer, from: number, end: number): void {
  const known = Math.min(end, HEAD_START.length);
  if (bytes.compare(HEAD_START, 0, known, 0, known) !== 0) throw malformed('its status line');
  for (let feed = bytes.indexOf(0x0a, from); feed >= 0 && feed < end; feed = bytes.indexOf(0x0a, feed + 1)) {
    if (bytes[feed - 1] !== 0x0d) throw malformed('a line that ends without a carriage return');
  }
}

function tooLong(): Error {
  return malformed(`a head of more than ${MAX_HEAD_BYTES} bytes`);
}
