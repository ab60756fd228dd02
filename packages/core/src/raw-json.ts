/**
 * A JSON value kept in the form it arrived in, bytes or parsed, and converted to the other form at most once.
 * Whoever only passes a value on never pays for parsing it; numbers beyond 2^53 survive untouched.
 */
export class RawJson {
  #bytes: Buffer | undefined;
  #parts: readonly Buffer[] | undefined;
  #value: unknown;
  #parsed: boolean;

  private constructor(bytes: Buffer | undefined, value: unknown, parsed: boolean) {
    this.#bytes = bytes;
    this.#value = value;
    this.#parsed = parsed;
  }

  /** Wraps the UTF-8 bytes of exactly one JSON value. The bytes must not change afterwards. */
  static fromBytes(bytes: Buffer): RawJson {
    return new RawJson(bytes, undefined, false);
  }

  /** Wraps a value that `JSON.stringify` can write. The value must not change afterwards. */
  static fromValue(value: unknown): RawJson {
    return new RawJson(undefined, value, true);
  }

  /** Wraps a value together with the bytes it was parsed from. */
  static fromParsed(bytes: Buffer, value: unknown): RawJson {
    return new RawJson(bytes, value, true);
  }

  /** Wraps the UTF-8 bytes of one JSON value in pieces, so that a large value need not be copied to be passed on. */
  static fromParts(parts: readonly Buffer[]): RawJson {
    const raw = new RawJson(undefined, undefined, false);
    raw.#parts = parts;
    return raw;
  }

  /** The bytes of the value, without surrounding white space. */
  get bytes(): Buffer {
    return (this.#bytes ??= this.#parts === undefined ? Buffer.from(JSON.stringify(this.#value) ?? 'null') : Buffer.concat(this.#parts));
  }

  /** The same bytes in one or more pieces, for writers that can send them one by one. */
  get parts(): readonly Buffer[] {
    return this.#bytes === undefined && this.#parts !== undefined ? this.#parts : [this.bytes];
  }

  /** Length of `bytes`. @throws TypeError when the value cannot be written. */
  get byteLength(): number {
    if (this.#bytes !== undefined || this.#parts === undefined) return this.bytes.length;
    return this.#parts.reduce((length, part) => length + part.length, 0);
  }

  /** The same, or `undefined` when the value would have to be written to know it. */
  get knownByteLength(): number | undefined {
    return this.#bytes === undefined && this.#parts === undefined ? undefined : this.byteLength;
  }

  /** The parsed value. @throws SyntaxError when the bytes are not JSON. */
  get value(): unknown {
    if (!this.#parsed) {
      this.#value = JSON.parse(this.bytes.toString('utf8'));
      this.#parsed = true;
    }
    return this.#value;
  }

  /** The parsed value if it is a plain object, otherwise `undefined`. */
  get object(): Readonly<Record<string, unknown>> | undefined {
    const value = this.value;
    return isObject(value) ? value : undefined;
  }

  /** The same where somebody has parsed it before, otherwise `undefined`. Never costs anything. */
  get knownObject(): Readonly<Record<string, unknown>> | undefined {
    return this.#parsed && isObject(this.#value) ? this.#value : undefined;
  }

  toJSON(): unknown {
    return this.value;
  }
}

/** Tells whether a value is an object that is neither `null` nor an array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
