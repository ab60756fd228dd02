import { ValueSkipper } from './skip/value-skipper.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

// Below this length a loop over bytes beats a call into native code.
const NATIVE_SEARCH_AFTER = 48;
const MAX_WINDOW = 65_536;

// It forgets each value before the next.
const skipper = new ValueSkipper();

/**
 * Walks JSON text without building values: finds where members begin and end, so that the rest can be passed on as bytes.
 * It checks structure (brackets, quotes, separators), not tokens, and counts members and depth on the way.
 */
export class Scanner {
  readonly bytes: Buffer;
  /** Members of all objects walked so far. */
  members = 0;
  /** Deepest nesting met so far. */
  deepest = 0;
  #depth = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** Index of the first byte at or after `index` that is not white space. */
  skipSpace(index: number): number {
    const { bytes } = this;
    let position = index;
    for (;;) {
      const byte = bytes[position];
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return position;
      position++;
    }
  }

  /**
   * Walks the object that begins at `start`. `onMember` gets each key, where its value and where the key begins, and returns where the
   * value ends: `skipValue` to pass over it, `scanObject` to look inside.
   * @returns the index after the closing brace. @throws SyntaxError when the text is no object.
   */
  scanObject(start: number, onMember: (key: string, valueStart: number, keyStart: number) => number): number {
    const { bytes } = this;
    if (bytes[start] !== OPEN_BRACE) throw unexpected(start);
    this.#enter();
    let position = this.skipSpace(start + 1);
    if (bytes[position] === CLOSE_BRACE) {
      this.#depth--;
      return position + 1;
    }
    for (;;) {
      if (bytes[position] !== QUOTE) throw unexpected(position);
      const keyStart = position;
      const keyEnd = this.#skipString(keyStart);
      const key = this.#readKey(keyStart, keyEnd);
      position = this.skipSpace(keyEnd);
      if (bytes[position] !== COLON) throw unexpected(position);
      this.members++;
      position = this.skipSpace(onMember(key, this.skipSpace(position + 1), keyStart));
      const byte = bytes[position];
      if (byte === CLOSE_BRACE) {
        this.#depth--;
        return position + 1;
      }
      if (byte !== COMMA) throw unexpected(position);
      position = this.skipSpace(position + 1);
    }
  }

  /**
   * Walks the array that begins at `start`. `onItem` gets the index of each item and where it begins, and returns where it
   * ends: `skipValue` to pass over it.
   * @returns the index after the closing bracket. @throws SyntaxError when the text is no array.
   */
  scanArray(start: number, onItem: (index: number, itemStart: number) => number): number {
    const { bytes } = this;
    if (bytes[start] !== OPEN_BRACKET) throw unexpected(start);
    this.#enter();
    let position = this.skipSpace(start + 1);
    for (let index = 0; bytes[position] !== CLOSE_BRACKET || index > 0; index++) {
      position = this.skipSpace(onItem(index, position));
      if (bytes[position] === CLOSE_BRACKET) break;
      if (bytes[position] !== COMMA) throw unexpected(position);
      position = this.skipSpace(position + 1);
    }
    this.#depth--;
    return position + 1;
  }

  /** @returns the index after the value that begins at `start`. */
  skipValue(start: number): number {
    const { bytes } = this;
    const first = bytes[start];
    if (first === QUOTE) return this.#skipString(start);
    if (first === OPEN_BRACE || first === OPEN_BRACKET) return this.#skipNested(start);
    let position = start;
    while (position < bytes.length && !endsToken(bytes[position]!)) position++;
    if (position === start) throw unexpected(start);
    return position;
  }

  /** As `skipValue`, many times faster for large values, but neither counting members nor telling one bracket from the other. */
  passValue(start: number): number {
    const { bytes } = this;
    skipper.reset();
    const end = skipper.push(bytes, start, bytes.length);
    if (end === start) throw unexpected(start);
    if (end < 0) throw unexpected(bytes.length);
    return end;
  }

  #skipNested(start: number): number {
    const { bytes } = this;
    const outside = this.#depth;
    let position = start;
    do {
      const byte = bytes[position];
      if (byte === QUOTE) {
        position = this.#skipString(position);
        continue;
      }
      if (byte === undefined) throw unexpected(position);
      if (byte === OPEN_BRACE || byte === OPEN_BRACKET) this.#enter();
      else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) this.#depth--;
      else if (byte === COLON) this.members++;
      position++;
    } while (this.#depth > outside);
    return position;
  }

  #skipString(start: number): number {
    const { bytes } = this;
    let position = start + 1;
    for (let window = NATIVE_SEARCH_AFTER; ; window = Math.min(window * 4, MAX_WINDOW)) {
      const near = Math.min(bytes.length, position + window);
      while (position < near) {
        const byte = bytes[position];
        if (byte === QUOTE) return position + 1;
        position += byte === BACKSLASH ? 2 : 1;
      }
      const quote = bytes.indexOf(QUOTE, position);
      if (quote < 0) throw unexpected(bytes.length);
      let slashes = 0;
      while (quote - 1 - slashes >= position && bytes[quote - 1 - slashes] === BACKSLASH) slashes++;
      if (slashes % 2 === 0) return quote + 1;
      // Escaped quotes come in crowds, and then the loop is faster again.
      position = quote + 1;
    }
  }

  #readKey(start: number, end: number): string {
    const text = this.bytes.toString('latin1', start + 1, end - 1);
    // eslint-disable-next-line no-control-regex
    return /[\\\u0080-\u00ff]/.test(text) ? String(JSON.parse(this.bytes.toString('utf8', start, end))) : text;
  }

  #enter(): void {
    this.#depth++;
    if (this.#depth > this.deepest) this.deepest = this.#depth;
  }
}

function endsToken(byte: number): boolean {
  return (
    byte === COMMA || byte === CLOSE_BRACE || byte === CLOSE_BRACKET || byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
  );
}

function unexpected(index: number): SyntaxError {
  return new SyntaxError(`Unexpected text at byte ${index}`);
}
