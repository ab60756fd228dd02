import type { Scanner } from '@signalbox/protocol';
import { TURN_BYTES, type Gentle } from './gently.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

export function isContainer(byte: number | undefined): boolean {
  return byte === OPEN_BRACE || byte === OPEN_BRACKET;
}

/**
 * A walk over the entries of one JSON array or object, step by step, so that the walker may rest in between. Whoever has
 * looked inside an entry says where it ends with `end`; the others are passed over.
 */
export class ContainerWalk {
  readonly isObject: boolean;
  /** Where the container begins. */
  readonly container: number;
  /** Of the present entry, from 0; afterwards of the last one. */
  index = -1;
  /** Where the present entry's value begins. */
  start = 0;
  /** Where the present entry's value ends, if that is known; after the walk where the container ends. */
  end: number;
  readonly #scanner: Scanner;
  #keyStart = 0;
  #keyEnd = 0;

  /** @throws SyntaxError when no array or object begins there. */
  constructor(scanner: Scanner, start: number) {
    this.#scanner = scanner;
    this.container = start;
    const first = scanner.bytes[start];
    if (!isContainer(first)) throw new SyntaxError(`No array or object at byte ${start}`);
    this.isObject = first === OPEN_BRACE;
    this.end = start + 1;
  }

  /** The present member's name. */
  get key(): string {
    return JSON.parse(this.#scanner.bytes.toString('utf8', this.#keyStart, this.#keyEnd)) as string;
  }

  /** The same as it is written, quotes included. */
  get writtenKey(): string {
    return this.#scanner.bytes.toString('utf8', this.#keyStart, this.#keyEnd);
  }

  /** Passes over the present value and returns where it ends. */
  skip(): number {
    if (this.end < 0) this.end = this.#scanner.skipValue(this.start);
    return this.end;
  }

  /** Goes to the next entry. @returns whether there is one. @throws SyntaxError where the text is no JSON. */
  next(): boolean {
    const { bytes } = this.#scanner;
    let position = this.#scanner.skipSpace(this.skip());
    const close = this.isObject ? CLOSE_BRACE : CLOSE_BRACKET;
    if (bytes[position] === close) {
      this.end = position + 1;
      return false;
    }
    if (this.index >= 0) {
      if (bytes[position] !== COMMA) throw unexpected(position);
      position = this.#scanner.skipSpace(position + 1);
    }
    if (this.isObject) position = this.#passKey(position);
    this.start = position;
    this.end = -1;
    this.index++;
    return true;
  }

  #passKey(start: number): number {
    const { bytes } = this.#scanner;
    if (bytes[start] !== QUOTE) throw unexpected(start);
    this.#keyStart = start;
    this.#keyEnd = this.#scanner.skipValue(start);
    const colon = this.#scanner.skipSpace(this.#keyEnd);
    if (bytes[colon] !== COLON) throw unexpected(colon);
    return this.#scanner.skipSpace(colon + 1);
  }
}

/** Passes over a value of any size and returns where it ends. @throws SyntaxError where the text ends before it. */
export function* skipGently(scanner: Scanner, start: number): Gentle<number> {
  const { bytes } = scanner;
  if (bytes[start] === QUOTE) return yield* skipString(bytes, start);
  if (!isContainer(bytes[start])) return scanner.skipValue(start);
  let position = start;
  let restedAt = start;
  let depth = 0;
  do {
    const byte = bytes[position];
    if (byte === QUOTE) position = scanner.skipValue(position);
    else {
      if (byte === undefined) throw unexpected(position);
      if (isContainer(byte)) depth++;
      else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth--;
      position++;
    }
    if (position - restedAt < TURN_BYTES) continue;
    restedAt = position;
    yield;
  } while (depth > 0);
  return position;
}

function* skipString(bytes: Buffer, start: number): Gentle<number> {
  let restedAt = start;
  for (let position = start + 1; ;) {
    const quote = bytes.indexOf(QUOTE, position);
    if (quote < 0) throw unexpected(bytes.length);
    let slashes = 0;
    while (quote - 1 - slashes > start && bytes[quote - 1 - slashes] === BACKSLASH) slashes++;
    // An odd number of backslashes escapes the quote; an even one escapes itself.
    if (slashes % 2 === 0) return quote + 1;
    position = quote + 1;
    if (position - restedAt < TURN_BYTES) continue;
    restedAt = position;
    yield;
  }
}

function unexpected(index: number): SyntaxError {
  return new SyntaxError(`Unexpected text at byte ${index}`);
}
