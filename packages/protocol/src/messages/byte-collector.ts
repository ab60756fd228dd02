const MAX_TRUST_BYTES = 1_048_576;
const EMPTY = Buffer.alloc(0);

/** Gathers bytes from pieces that are only lent, and copies each once where their number is known beforehand. */
export class ByteCollector {
  #buffer = EMPTY;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** What there is so far; lent until the next piece. */
  get collected(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  /**
   * Copies `bytes` from `start` to `end`.
   * @param announced How many there will be, if known. Memory is set aside for them only as far as is harmless if it is a lie.
   */
  push(bytes: Buffer, range: { readonly start: number; readonly end: number }, announced?: number): void {
    const { start, end } = range;
    const needed = this.#length + end - start;
    if (this.#length === 0) {
      this.#buffer = Buffer.allocUnsafe(announced === undefined ? needed : Math.max(needed, Math.min(announced, MAX_TRUST_BYTES)));
    } else if (needed > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, Math.min(announced ?? Infinity, 2 * this.#buffer.length)));
      this.#buffer.copy(larger, 0, 0, this.#length);
      this.#buffer = larger;
    }
    bytes.copy(this.#buffer, this.#length, start, end);
    this.#length = needed;
  }

  /** Gives away what there is and begins anew. What was set aside in vain is not kept. */
  take(): Buffer {
    const buffer = this.#buffer;
    const bytes = this.collected;
    this.#buffer = EMPTY;
    this.#length = 0;
    return buffer.length - bytes.length > bytes.length / 4 ? Buffer.from(bytes) : bytes;
  }
}
