import { malformed } from './response-head.ts';

const MAX_SIZE = 2 ** 48;
const MAX_EXTENSION_BYTES = 1024;
const MAX_TRAILER_BYTES = 8192;

/** Takes the content of a body. */
export interface BodyTaker {
  /**
   * A piece of the body: `bytes` from `start` to `end`, which are only lent and must be copied to be kept.
   * Returns false when the rest is not wanted.
   */
  onData(bytes: Buffer, start: number, end: number): boolean;
}

type Step = 'size' | 'extension' | 'sizeFeed' | 'data' | 'dataReturn' | 'dataFeed' | 'line' | 'trailer' | 'trailerFeed' | 'lastFeed';

/** Takes the body out of the chunked transfer coding of RFC 9112 §7.1. Extensions and trailers are passed over. */
export class ChunkedDecoder {
  readonly #taker: BodyTaker;
  #step: Step = 'size';
  #size = 0;
  #digits = 0;
  #overhead = 0;

  constructor(taker: BodyTaker) {
    this.#taker = taker;
  }

  /** Makes ready for another body. */
  reset(): void {
    this.#step = 'size';
    this.#size = 0;
    this.#digits = 0;
    this.#overhead = 0;
  }

  /**
   * Reads on, in `bytes` from `start` to `end`.
   * @returns Where the body ended, or -1 when more of it is to come.
   * @throws Error that says what is wrong with it.
   */
  push(bytes: Buffer, start: number, end: number): number {
    let at = start;
    while (at < end) {
      if (this.#step === 'data') {
        const stop = Math.min(end, at + this.#size);
        this.#size -= stop - at;
        if (this.#size === 0) this.#step = 'dataReturn';
        if (!this.#taker.onData(bytes, at, stop)) return -1;
        at = stop;
      } else if (this.#takeByte(bytes[at++]!)) return at;
    }
    return -1;
  }

  // Tells whether this was the last byte.
  #takeByte(byte: number): boolean {
    switch (this.#step) {
      case 'size':
        return this.#takeDigit(byte);
      case 'extension':
        if (byte === 0x0d) this.#step = 'sizeFeed';
        else this.#pass(byte, MAX_EXTENSION_BYTES);
        return false;
      case 'sizeFeed':
        expectByte(byte, 0x0a);
        this.#step = this.#size === 0 ? 'line' : 'data';
        this.#digits = 0;
        this.#overhead = 0;
        return false;
      case 'dataReturn':
        expectByte(byte, 0x0d);
        this.#step = 'dataFeed';
        return false;
      case 'dataFeed':
        expectByte(byte, 0x0a);
        this.#step = 'size';
        return false;
      case 'line':
        if (byte === 0x0d) this.#step = 'lastFeed';
        else {
          this.#step = 'trailer';
          this.#pass(byte, MAX_TRAILER_BYTES);
        }
        return false;
      case 'trailer':
        if (byte === 0x0d) this.#step = 'trailerFeed';
        else this.#pass(byte, MAX_TRAILER_BYTES);
        return false;
      case 'trailerFeed':
        expectByte(byte, 0x0a);
        this.#step = 'line';
        return false;
      case 'lastFeed':
        expectByte(byte, 0x0a);
        return true;
      case 'data':
        return false;
    }
  }

  #takeDigit(byte: number): boolean {
    const value = hexValue(byte);
    if (value >= 0) {
      this.#digits++;
      this.#size = this.#size * 16 + value;
      if (this.#size > MAX_SIZE || this.#digits > 16) throw malformed('the size of a chunk');
      return false;
    }
    if (this.#digits === 0) throw malformed('the size of a chunk');
    if (byte === 0x0d) this.#step = 'sizeFeed';
    else if (byte === 0x3b) this.#step = 'extension';
    else throw malformed('the size of a chunk');
    return false;
  }

  #pass(byte: number, maxBytes: number): void {
    if (byte !== 0x09 && (byte < 0x20 || byte === 0x7f)) throw malformed('a control character beside a chunk');
    if (++this.#overhead > maxBytes) throw malformed(`more than ${maxBytes} bytes beside a chunk`);
  }
}

function expectByte(byte: number, expected: number): void {
  if (byte !== expected) throw malformed('the end of a chunk');
}

function hexValue(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
