import { RawJson, type ResultChange, type ResultHead, type ResultSink, type ResultSource } from '@signalbox/core';

/** Passes a result on to the sink of its caller and keeps the beginning of it. */
export class CapturingSink implements ResultSink {
  readonly #sink: ResultSink;
  readonly #maxBytes: number;
  #pieces: Buffer[] = [];
  #length = 0;

  constructor(sink: ResultSink, maxBytes: number) {
    this.#sink = sink;
    this.#maxBytes = maxBytes;
  }

  get isBegun(): boolean {
    return this.#sink.isBegun;
  }

  get isFull(): boolean {
    return this.#sink.isFull;
  }

  /** What has been kept, which need not be whole. */
  get captured(): RawJson {
    return RawJson.fromParts(this.#pieces);
  }

  begin(head: ResultHead, source: ResultSource): ResultChange | undefined {
    this.#pieces = [];
    this.#length = 0;
    return this.#sink.begin(head, source);
  }

  write(bytes: Buffer, start: number, end: number): void {
    const room = this.#maxBytes - this.#length;
    if (room > 0) {
      const piece = Buffer.from(bytes.subarray(start, Math.min(end, start + room)));
      this.#pieces.push(piece);
      this.#length += piece.length;
    }
    this.#sink.write(bytes, start, end);
  }
}
