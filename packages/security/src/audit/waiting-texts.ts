/** A text as bytes, within a larger piece of memory. */
export interface TextPlace {
  readonly memory: Buffer;
  readonly start: number;
  readonly end: number;
}

const PIECE_BYTES = 512 * 1024;
/** A unit of UTF-16 has at most this many bytes in UTF-8. */
const MAX_UNIT_BYTES = 3;

/**
 * Keeps texts that wait for a moment outside of the heap, so that the collector need not copy thousands of them from one
 * generation to the next.
 */
export class WaitingTexts {
  #memory = Buffer.allocUnsafeSlow(PIECE_BYTES);
  #used = 0;

  put(text: string): TextPlace {
    const most = MAX_UNIT_BYTES * text.length;
    if (this.#used + most > this.#memory.length) {
      // Whoever has a place in the old piece keeps it alive.
      this.#memory = Buffer.allocUnsafeSlow(Math.max(PIECE_BYTES, most));
      this.#used = 0;
    }
    const start = this.#used;
    this.#used += this.#memory.write(text, start);
    return { memory: this.#memory, start, end: this.#used };
  }

  /** Begins anew: nothing that was put is needed any more. */
  clear(): void {
    this.#used = 0;
  }
}
