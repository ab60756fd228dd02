import { GatewayError } from '@signalbox/core';
import { BLOCK_BYTES, giveBlock, takeBlock } from './blocks.ts';
import { ByteCollector } from './byte-collector.ts';

const NEWLINE = 0x0a;
const RETURN = 0x0d;

/** Splits bytes that are only lent into lines that are only lent. A line may arrive in any number of pieces. */
export class LentLines {
  readonly #maxBytes: number;
  readonly #onLine: (line: Buffer) => void;
  // The beginning of a line whose end has not come yet: in a block while it fits there.
  #block: Buffer | undefined;
  #used = 0;
  readonly #long = new ByteCollector();

  /** @param options.onLine Gets each line without its end, to be dealt with before it returns; empty lines are passed over. */
  constructor(options: { readonly maxBytes: number; readonly onLine: (line: Buffer) => void }) {
    this.#maxBytes = options.maxBytes;
    this.#onLine = options.onLine;
  }

  /** @throws GatewayError `TOO_LARGE` when a line exceeds the bound; the splitter is of no use afterwards. */
  push(chunk: Buffer): void {
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(NEWLINE, start);
      if (end < 0) break;
      if (this.#used + this.#long.length === 0) this.#endLine(this.#checked(chunk.subarray(start, end), 0));
      else {
        this.#keep(chunk, start, end);
        this.#endKept();
      }
      start = end + 1;
    }
    if (start < chunk.length) this.#keep(chunk, start, chunk.length);
  }

  #keep(chunk: Buffer, start: number, end: number): void {
    this.#checked(chunk.subarray(start, end), this.#used + this.#long.length);
    if (this.#long.length === 0 && this.#used + end - start <= BLOCK_BYTES) {
      this.#block ??= takeBlock();
      this.#used += chunk.copy(this.#block, this.#used, start, end);
      return;
    }
    if (this.#used > 0) this.#long.push(this.#block!, { start: 0, end: this.#used });
    this.#giveBlock();
    this.#long.push(chunk, { start, end });
  }

  #endKept(): void {
    const block = this.#block;
    if (block === undefined) return this.#endLine(this.#long.take());
    const line = block.subarray(0, this.#used);
    this.#block = undefined;
    this.#used = 0;
    this.#endLine(line);
    giveBlock(block);
  }

  #endLine(line: Buffer): void {
    const end = line[line.length - 1] === RETURN ? line.length - 1 : line.length;
    if (end > 0) this.#onLine(end === line.length ? line : line.subarray(0, end));
  }

  #checked(piece: Buffer, before: number): Buffer {
    if (before + piece.length <= this.#maxBytes) return piece;
    this.#giveBlock();
    this.#long.take();
    throw new GatewayError('TOO_LARGE', `Cannot read a line of more than ${this.#maxBytes} bytes`, { data: { maxBytes: this.#maxBytes } });
  }

  #giveBlock(): void {
    if (this.#block !== undefined) giveBlock(this.#block);
    this.#block = undefined;
    this.#used = 0;
  }
}
