import { Scanner } from '@signalbox/protocol';
import { ContainerWalk, isContainer } from './container-walk.ts';
import { TURN_BYTES, type Gentle } from './gently.ts';

/** A value of at most this many bytes stands on one line. */
const ONE_LINE = 160;
/** Deeper values stand on one line, however long. */
const MAX_DEPTH = 32;
const INDENT = '  ';

/** JSON text in lines: small values, a record of a list say, on one line each, larger ones broken up. Every token stays as it was written. */
export function* writeLines(bytes: Buffer): Gentle<Buffer> {
  const writer = new LineWriter(bytes);
  yield* writer.write(new Scanner(bytes).skipSpace(0), '', 0);
  return writer.finish();
}

class LineWriter {
  readonly #scanner: Scanner;
  readonly #finished: Buffer[] = [];
  /** Pieces not yet joined. */
  #pieces: (string | Buffer)[] = [];
  #pending = 0;

  constructor(bytes: Buffer) {
    this.#scanner = new Scanner(bytes);
  }

  finish(): Buffer {
    this.#join();
    return Buffer.concat(this.#finished);
  }

  /** Writes the value that begins at `start` and returns where it ends. */
  *write(start: number, indent: string, depth: number): Gentle<number> {
    const { bytes } = this.#scanner;
    if (!isContainer(bytes[start]) || depth >= MAX_DEPTH) return this.#copy(start, this.#scanner.skipValue(start));
    const end = this.#endIfShort(start);
    if (end !== undefined) return this.#copy(start, end);
    const walk = new ContainerWalk(this.#scanner, start);
    const inner = indent + INDENT;
    this.#put(walk.isObject ? '{' : '[');
    while (walk.next()) {
      this.#put(`${walk.index === 0 ? '' : ','}\n${inner}${walk.isObject ? `${walk.writtenKey}: ` : ''}`);
      walk.end = yield* this.write(walk.start, inner, depth + 1);
      if (this.#pending < TURN_BYTES) continue;
      this.#join();
      yield;
    }
    this.#put(`\n${indent}${walk.isObject ? '}' : ']'}`);
    return walk.end;
  }

  // Bounded, so that the look ahead costs little where the value is long. An unfinished piece never balances.
  #endIfShort(start: number): number | undefined {
    const { bytes } = this.#scanner;
    const limit = Math.min(bytes.length, start + ONE_LINE);
    let depth = 0;
    let isInString = false;
    for (let position = start; position < limit; position++) {
      const byte = bytes[position];
      if (isInString) {
        if (byte === 0x5c) position++;
        else if (byte === 0x22) isInString = false;
      } else if (byte === 0x22) isInString = true;
      else if (byte === 0x7b || byte === 0x5b) depth++;
      else if ((byte === 0x7d || byte === 0x5d) && --depth === 0) return position + 1;
    }
    return undefined;
  }

  #copy(start: number, end: number): number {
    const value = this.#scanner.bytes.subarray(start, end);
    // A short value may have been written in several lines.
    this.#put(value.length <= ONE_LINE && value.includes(0x0a) ? value.toString().replaceAll(/\s*[\r\n]\s*/g, ' ') : value);
    return end;
  }

  #put(piece: string | Buffer): void {
    this.#pieces.push(piece);
    this.#pending += piece.length;
  }

  #join(): void {
    this.#finished.push(Buffer.concat(this.#pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : piece))));
    this.#pieces = [];
    this.#pending = 0;
  }
}
