import type { ResultSource } from '@signalbox/core';
import { removeLineEnds } from '../messages/lines.ts';
import type { ResultWriter } from '../peers/reply.ts';
import { BLOCK_BYTES, giveBlock, takeBlock } from '../messages/blocks.ts';
import type { ResponseWriter } from './http-message.ts';

// So many blocks may wait for a client that reads slowly before its source has to wait as well.
const MAX_WAITING_BLOCKS = 2;
const SPACE = 0x20;

export interface AnswerWriterOptions {
  readonly response: ResponseWriter;
  /** What is told when there is room again, or nobody reads any more. */
  readonly source: ResultSource;
  /** Bytes that are promised for the result, if any. What is missing of them in the end is made up with spaces. */
  readonly maxBytes: number | undefined;
  /** Called before the first bytes leave. Tells what may carry the answer: line ends within `one line` become spaces, which JSON allows. */
  readonly onStart: () => 'one line' | 'any text';
}

/**
 * Writes an answer whose result arrives in pieces. They are gathered in blocks that are used again, and a block leaves when
 * it is full: a client can do nothing with half a result, and until then the answer can still become another.
 */
export class AnswerWriter implements ResultWriter {
  readonly #options: AnswerWriterOptions;
  #block = takeBlock();
  #used = 0;
  #waiting = 0;
  #left: number;
  #isStarted = false;
  #isOneLine = false;
  #isOver = false;

  /** @param head What stands in front of the result. */
  constructor(head: Buffer, options: AnswerWriterOptions) {
    this.#options = options;
    this.#left = options.maxBytes ?? 0;
    this.#append(head, 0, head.length);
    const { response, source } = options;
    response.on('drain', () => this.#drained());
    response.on('close', () => {
      if (this.#isOver) return;
      this.discard();
      source.stop();
    });
  }

  get isBegun(): boolean {
    return this.#isStarted;
  }

  get isFull(): boolean {
    return this.#waiting >= MAX_WAITING_BLOCKS && !this.#isOver;
  }

  write(bytes: Buffer, start: number, end: number): void {
    this.#left -= end - start;
    this.#append(bytes, start, end);
  }

  /** The result is whole: what stands behind it follows, and the answer ends. */
  end(tail: Buffer): void {
    if (this.#isOver) return;
    if (!this.#isStarted) this.#start();
    if (this.#options.maxBytes !== undefined && !this.#isOneLine) this.#pad();
    if (this.#used + tail.length > BLOCK_BYTES) this.#flush();
    this.#removeLineEnds();
    this.#append(tail, 0, tail.length);
    const { response } = this.#options;
    response.end(this.#block.subarray(0, this.#used));
    this.#isOver = true;
    if (response.writableLength === 0) giveBlock(this.#block);
  }

  /** Forgets what has not left yet. */
  discard(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    giveBlock(this.#block);
  }

  #append(bytes: Buffer, start: number, end: number): void {
    for (let at = start; at < end && !this.#isOver && !this.#options.response.destroyed;) {
      if (this.#used === BLOCK_BYTES) this.#flush();
      const length = Math.min(end - at, BLOCK_BYTES - this.#used);
      bytes.copy(this.#block, this.#used, at, at + length);
      this.#used += length;
      at += length;
    }
  }

  #start(): void {
    this.#isStarted = true;
    this.#isOneLine = this.#options.onStart() === 'one line';
  }

  #flush(): void {
    const { response } = this.#options;
    response.cork();
    if (!this.#isStarted) this.#start();
    this.#removeLineEnds();
    response.write(this.#block.subarray(0, this.#used));
    response.uncork();
    this.#used = 0;
    if (response.writableLength === 0) return;
    this.#waiting++;
    this.#block = takeBlock();
  }

  #drained(): void {
    if (this.#options.response.writableLength > 0) return;
    const wasFull = this.isFull;
    this.#waiting = 0;
    if (wasFull) this.#options.source.resume();
  }

  #removeLineEnds(): void {
    if (this.#isOneLine) removeLineEnds(this.#block.subarray(0, this.#used));
  }

  #pad(): void {
    const spaces = Buffer.alloc(Math.min(this.#left, BLOCK_BYTES), SPACE);
    for (; this.#left > 0; this.#left -= spaces.length) this.#append(spaces, 0, Math.min(spaces.length, this.#left));
  }
}
