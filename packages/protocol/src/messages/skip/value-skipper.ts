import { BLOCK_BYTES, STATE, TEXT_BYTES, TEXT_START, writeSkipProgram } from './skip-program.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const BRACKET_BIT = 0x20;
const OPEN = 0x7b;
const CLOSE = 0x7d;

// Most values end within so many bytes, and then nothing is gained by copying them to where the program reads.
const NEAR_BYTES = 96;
const FIRST_WINDOW = 1024;

/**
 * Finds where one JSON value ends, in text that may come in any number of pieces. It looks at quotes, backslashes
 * and brackets only: it neither tells the two kinds of brackets apart nor counts anything, and checks nothing.
 */
export class ValueSkipper {
  #kind: 'none' | 'token' | 'structure' = 'none';
  #depth = 0;
  #isInString = false;
  #isEscaped = false;

  /** Makes ready for another value. */
  reset(): void {
    this.#kind = 'none';
    this.#depth = 0;
    this.#isInString = false;
    this.#isEscaped = false;
  }

  /**
   * Reads on, in `bytes` from `start` to `end`. The first byte ever given begins the value.
   * @returns the index behind the value, or -1 when it goes on. Numbers and names end before what separates them.
   */
  push(bytes: Buffer, start: number, end: number): number {
    if (start >= end) return -1;
    let at = start;
    if (this.#kind === 'none') {
      const first = bytes[at]!;
      this.#isInString = first === QUOTE;
      this.#depth = (first | BRACKET_BIT) === OPEN ? 1 : 0;
      this.#kind = this.#isInString || this.#depth === 1 ? 'structure' : 'token';
      if (this.#kind === 'structure') at++;
    }
    if (this.#kind === 'token') return skipToken(bytes, at, end);
    const near = Math.min(end, at + NEAR_BYTES);
    const found = this.#walk(bytes, at, near);
    if (found >= 0 || near === end) return found;
    return this.#leap(bytes, near, end);
  }

  #walk(bytes: Buffer, start: number, end: number): number {
    let depth = this.#depth;
    let isInString = this.#isInString;
    let isEscaped = this.#isEscaped;
    for (let at = start; at < end; at++) {
      const byte = bytes[at]!;
      if (byte === BACKSLASH) {
        isEscaped = !isEscaped;
        continue;
      }
      if (byte === QUOTE) {
        if (!isEscaped) {
          isInString = !isInString;
          if (depth === 0) return at + 1;
        }
      } else if (!isInString) {
        if ((byte | BRACKET_BIT) === OPEN) depth++;
        else if ((byte | BRACKET_BIT) === CLOSE && --depth === 0) return at + 1;
      }
      isEscaped = false;
    }
    this.#depth = depth;
    this.#isInString = isInString;
    this.#isEscaped = isEscaped;
    return -1;
  }

  // The further away the end turns out to be, the more is copied at once.
  #leap(bytes: Buffer, start: number, end: number): number {
    const native = loadProgram();
    if (native === undefined) return this.#walk(bytes, start, end);
    const { state, text } = native;
    const skip = this.#depth === 0 ? native.skipString : native.skipNested;
    state[STATE.depth / 4] = this.#depth;
    state[STATE.isEscaped / 4] = this.#isEscaped ? 1 : 0;
    state[STATE.isInString / 4] = this.#isInString ? 1 : 0;
    let at = start;
    for (let window = FIRST_WINDOW; end - at >= BLOCK_BYTES; window = Math.min(4 * window, TEXT_BYTES)) {
      const length = Math.min(window, end - at - ((end - at) % BLOCK_BYTES));
      bytes.copy(text, 0, at, at + length);
      const found = skip(TEXT_START, TEXT_START + length);
      if (found > 0) return at + found - TEXT_START;
      at += length;
    }
    this.#depth = state[STATE.depth / 4]!;
    this.#isEscaped = state[STATE.isEscaped / 4] === 1;
    this.#isInString = state[STATE.isInString / 4] === 1;
    return this.#walk(bytes, at, end);
  }
}

function skipToken(bytes: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end) {
    const byte = bytes[at]!;
    if (byte === 0x2c || byte === 0x7d || byte === 0x5d || byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) return at;
    at++;
  }
  return -1;
}

interface Program {
  readonly state: Int32Array;
  readonly text: Buffer;
  skipString(start: number, stop: number): number;
  skipNested(start: number, stop: number): number;
}

let program: Program | undefined | 'unknown' = 'unknown';

// Built when the first long value comes: most processes that only use a client never need it.
function loadProgram(): Program | undefined {
  if (program === 'unknown') program = buildProgram();
  return program;
}

// Node without its compiler (`--jitless`) has no WebAssembly either, and is slow anyway.
function buildProgram(): Program | undefined {
  if (typeof WebAssembly === 'undefined') return undefined;
  const { memory, skipString, skipNested } = new WebAssembly.Instance(new WebAssembly.Module(writeSkipProgram())).exports;
  return {
    state: new Int32Array(memory.buffer, 0, TEXT_START / 4),
    text: Buffer.from(memory.buffer, TEXT_START, TEXT_BYTES),
    skipString,
    skipNested,
  };
}

// Of the types for a language without a browser, these are missing.
declare const WebAssembly:
  | undefined
  | {
      readonly Module: new (bytes: Uint8Array) => object;
      readonly Instance: new (module: object) => {
        readonly exports: Pick<Program, 'skipString' | 'skipNested'> & { readonly memory: { readonly buffer: ArrayBuffer } };
      };
    };
