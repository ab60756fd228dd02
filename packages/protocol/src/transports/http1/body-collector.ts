const MAX_TRUST_BYTES = 1_048_576;

/** Gathers a body from pieces that are only lent, and copies each byte once where its length is known. */
export class BodyCollector {
  #buffer: Buffer | undefined;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /**
   * Copies `bytes` from `start` to `end`.
   * @param announced Length of the whole body, if known. Memory is set aside for it only as far as is harmless if it is a lie.
   */
  push(bytes: Buffer, range: { readonly start: number; readonly end: number }, announced: number | undefined): void {
    const { start, end } = range;
    const needed = this.#length + end - start;
    if (this.#buffer === undefined) {
      this.#buffer = Buffer.allocUnsafe(announced === undefined ? needed : Math.max(needed, Math.min(announced, MAX_TRUST_BYTES)));
    } else if (needed > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, Math.min(announced ?? Infinity, 2 * this.#buffer.length)));
      this.#buffer.copy(larger, 0, 0, this.#length);
      this.#buffer = larger;
    }
    bytes.copy(this.#buffer, this.#length, start, end);
    this.#length = needed;
  }

  /** The body. What was set aside in vain is not kept. */
  take(): Buffer {
    const buffer = this.#buffer ?? Buffer.alloc(0);
    if (buffer.length === this.#length) return buffer;
    const body = buffer.subarray(0, this.#length);
    return buffer.length - this.#length > this.#length / 4 ? Buffer.from(body) : body;
  }
}
