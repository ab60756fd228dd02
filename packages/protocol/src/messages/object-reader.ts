import { ValueSkipper } from './skip/value-skipper.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const MAX_KEY_BYTES = 65_536;

/** Reads one JSON value from pieces. */
export interface ValueReader {
  /**
   * Reads on, in `bytes` from `start` to `end`, which are only lent. The first byte ever given begins the value.
   * @returns the index behind the value, or -1 when it goes on. @throws SyntaxError when it is not what it has to be.
   */
  push(bytes: Buffer, start: number, end: number): number;
}

type Step = 'open' | 'first' | 'next' | 'key' | 'colon' | 'begin' | 'value' | 'comma';

/** Walks the members of an object that comes in pieces. What their values are is the business of other readers. */
export class ObjectReader implements ValueReader {
  readonly #onMember: (name: string, key: Buffer) => ValueReader;
  #step: Step = 'open';
  #isEscaped = false;
  #keyPieces: Buffer[] = [];
  #keyLength = 0;
  #value: ValueReader | undefined;

  /** @param onMember Gets each member's name, and the same as it stands in the text, and gives what is to read its value. */
  constructor(onMember: (name: string, key: Buffer) => ValueReader) {
    this.#onMember = onMember;
  }

  push(bytes: Buffer, start: number, end: number): number {
    let at = start;
    while (at < end) {
      if (this.#step === 'key') {
        at = this.#readKey(bytes, at, end);
        continue;
      }
      if (this.#step === 'value') {
        const stop = this.#value!.push(bytes, at, end);
        if (stop < 0) return -1;
        at = stop;
        this.#step = 'comma';
        continue;
      }
      const byte = bytes[at]!;
      if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) {
        at++;
        continue;
      }
      if (byte === CLOSE_BRACE && (this.#step === 'comma' || this.#step === 'first')) return at + 1;
      at = this.#takeByte(byte, at);
    }
    return -1;
  }

  // Returns where to read on.
  #takeByte(byte: number, at: number): number {
    switch (this.#step) {
      case 'open':
        if (byte !== OPEN_BRACE) throw unexpected(byte);
        this.#step = 'first';
        return at + 1;
      case 'first':
      case 'next':
        if (byte !== QUOTE) throw unexpected(byte);
        this.#step = 'key';
        return at;
      case 'colon':
        if (byte !== COLON) throw unexpected(byte);
        this.#step = 'begin';
        return at + 1;
      case 'begin':
        if (byte === COMMA || byte === CLOSE_BRACE) throw unexpected(byte);
        this.#step = 'value';
        return at;
      default:
        if (byte !== COMMA) throw unexpected(byte);
        this.#step = 'next';
        return at + 1;
    }
  }

  // Returns the index behind the key, or `end` when it goes on.
  #readKey(bytes: Buffer, start: number, end: number): number {
    let at = this.#keyLength === 0 ? start + 1 : start;
    while (at < end) {
      const byte = bytes[at++]!;
      if (this.#isEscaped) this.#isEscaped = false;
      else if (byte === BACKSLASH) this.#isEscaped = true;
      else if (byte === QUOTE) {
        this.#takeKey(bytes.subarray(start, at));
        return at;
      }
    }
    this.#keyLength += end - start;
    if (this.#keyLength > MAX_KEY_BYTES) throw new SyntaxError(`A name of more than ${MAX_KEY_BYTES} bytes`);
    this.#keyPieces.push(Buffer.from(bytes.subarray(start, end)));
    return end;
  }

  #takeKey(last: Buffer): void {
    const key = this.#keyLength === 0 ? last : Buffer.concat([...this.#keyPieces, last]);
    this.#keyPieces = [];
    this.#keyLength = 0;
    this.#value = this.#onMember(decodeKey(key), key);
    this.#step = 'colon';
  }
}

/** Passes over a value and keeps a copy of its text, if that is short. */
export class ShortValue implements ValueReader {
  readonly #maxBytes: number;
  readonly #skipper = new ValueSkipper();
  #text = '';

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The value as it stands in the text, one character a byte; `undefined` when it is longer than was wanted. */
  get text(): string | undefined {
    return this.#text.length > this.#maxBytes ? undefined : this.#text;
  }

  /** Its first character, by which the kinds of values differ. */
  get first(): string | undefined {
    return this.#text[0];
  }

  push(bytes: Buffer, start: number, end: number): number {
    const stop = this.#skipper.push(bytes, start, end);
    const room = this.#maxBytes + 1 - this.#text.length;
    if (room > 0) this.#text += bytes.toString('latin1', start, Math.min(stop < 0 ? end : stop, start + room));
    return stop;
  }
}

function decodeKey(key: Buffer): string {
  const text = key.toString('latin1', 1, key.length - 1);
  // eslint-disable-next-line no-control-regex
  return /[\\\u0080-\u00ff]/.test(text) ? String(JSON.parse(key.toString('utf8'))) : text;
}

function unexpected(byte: number): SyntaxError {
  return new SyntaxError(`Unexpected ${JSON.stringify(String.fromCharCode(byte))} between the members of an object`);
}
