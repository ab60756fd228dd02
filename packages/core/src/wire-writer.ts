// The wire format of Protocol Buffers: https://protobuf.dev/programming-guides/encoding/
const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;
const LONGEST_VARINT = 10;
const TWO_32 = 4_294_967_296;

const encoder = new TextEncoder();

/** Writes fields one behind the other into a buffer that grows as needed and is used again. Default values are left out, as proto3 has it. */
export class WireWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #end = 0;

  constructor(bytes = 1024) {
    this.#bytes = new Uint8Array(bytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** What was written since the last `reset`. Valid until more is written. */
  get written(): Uint8Array {
    return this.#bytes.subarray(0, this.#end);
  }

  get length(): number {
    return this.#end;
  }

  reset(): void {
    this.#end = 0;
  }

  /** A whole number from 0 to 2^53 - 1. */
  uint(field: number, value: number): void {
    if (value === 0) return;
    this.#reserve(LONGEST_VARINT * 2);
    this.#tag(field, VARINT);
    this.#varint(value);
  }

  bool(field: number, value: boolean): void {
    if (value) this.uint(field, 1);
  }

  double(field: number, value: number): void {
    if (value === 0 && !Object.is(value, -0)) return;
    this.#reserve(LONGEST_VARINT + 8);
    this.#tag(field, FIXED64);
    this.#view.setFloat64(this.#end, value, true);
    this.#end += 8;
  }

  /** A double that is written even if it is zero: one of several kinds of value, of which one must be there. */
  oneDouble(field: number, value: number): void {
    this.#reserve(LONGEST_VARINT + 8);
    this.#tag(field, FIXED64);
    this.#view.setFloat64(this.#end, value, true);
    this.#end += 8;
  }

  /** The same of a whole number from 0 to 2^53 - 1. */
  oneUint(field: number, value: number): void {
    this.#reserve(LONGEST_VARINT * 2);
    this.#tag(field, VARINT);
    this.#varint(value);
  }

  fixed32(field: number, value: number): void {
    this.#reserve(LONGEST_VARINT + 4);
    this.#tag(field, FIXED32);
    this.#view.setUint32(this.#end, value, true);
    this.#end += 4;
  }

  /** A time as 64 bits of nanoseconds. @param ms Since 1970, with a fraction. */
  nanoseconds(field: number, ms: number): void {
    this.#reserve(LONGEST_VARINT + 8);
    this.#tag(field, FIXED64);
    const seconds = Math.floor(ms / 1_000);
    // A thousand million is 2^9 × 1,953,125, and the product with seconds is still exact.
    const blocks = seconds * 1_953_125;
    const low = (blocks % 8_388_608) * 512 + Math.round((ms - seconds * 1_000) * 1e6);
    this.#view.setUint32(this.#end, low % TWO_32, true);
    this.#view.setUint32(this.#end + 4, Math.floor(blocks / 8_388_608) + (low < TWO_32 ? 0 : 1), true);
    this.#end += 8;
  }

  /** Bytes that are given in hexadecimal. */
  hex(field: number, value: string): void {
    const length = value.length >>> 1;
    this.#reserve(2 * LONGEST_VARINT + length);
    this.#tag(field, BYTES);
    this.#varint(length);
    for (let index = 0; index < 2 * length; index += 2)
      this.#bytes[this.#end++] = (digitOf(value.charCodeAt(index)) << 4) | digitOf(value.charCodeAt(index + 1));
  }

  /** Fields that are written already. */
  raw(fields: Uint8Array): void {
    this.#reserve(fields.length);
    this.#bytes.set(fields, this.#end);
    this.#end += fields.length;
  }

  /** Begins a field of bytes or a message of which only the length is known; its bytes have to follow. */
  lengthOf(field: number, length: number): void {
    this.#reserve(2 * LONGEST_VARINT);
    this.#tag(field, BYTES);
    this.#varint(length);
  }

  text(field: number, value: string): void {
    if (value !== '') this.element(field, value);
  }

  /** One element of a repeated field, also an empty one. */
  element(field: number, value: string): void {
    this.#reserve(2 * LONGEST_VARINT + 3 * value.length);
    this.#tag(field, BYTES);
    const { length } = value;
    // Nearly all texts are short ASCII: one byte for the length, and no encoder.
    if (length < 128) {
      const start = this.#end + 1;
      let index = 0;
      for (; index < length; index++) {
        const code = value.charCodeAt(index);
        if (code > 127) break;
        this.#bytes[start + index] = code;
      }
      if (index === length) {
        this.#bytes[this.#end] = length;
        this.#end = start + length;
        return;
      }
    }
    this.#lengthFirst(encoder.encode(value));
  }

  bytes(field: number, value: Uint8Array): void {
    if (value.length === 0) return;
    this.#reserve(2 * LONGEST_VARINT + value.length);
    this.#tag(field, BYTES);
    this.#lengthFirst(value);
  }

  /** Packed, each as an unsigned number of 32 bits. */
  fixed32s(field: number, values: readonly number[]): void {
    if (values.length === 0) return;
    this.#reserve(2 * LONGEST_VARINT + 4 * values.length);
    this.#tag(field, BYTES);
    this.#varint(4 * values.length);
    for (const value of values) {
      this.#view.setUint32(this.#end, value, true);
      this.#end += 4;
    }
  }

  /** Packed. */
  doubles(field: number, values: readonly number[]): void {
    if (values.length === 0) return;
    this.#reserve(2 * LONGEST_VARINT + 8 * values.length);
    this.#tag(field, BYTES);
    this.#varint(8 * values.length);
    for (const value of values) {
      this.#view.setFloat64(this.#end, value, true);
      this.#end += 8;
    }
  }

  /** A message within this one. */
  message(field: number, write: (writer: WireWriter) => void): void {
    const start = this.begin(field);
    write(this);
    this.end(start);
  }

  /** Begins a message within this one. @returns its place, for `end`. */
  begin(field: number): number {
    this.#reserve(LONGEST_VARINT);
    this.#tag(field, BYTES);
    return this.#end;
  }

  /** Ends the message that `begin` has begun. */
  end(start: number): void {
    const length = this.#end - start;
    const head = varintLength(length);
    this.#reserve(head);
    this.#bytes.copyWithin(start + head, start, this.#end);
    this.#end = start;
    this.#varint(length);
    this.#end += length;
  }

  #lengthFirst(value: Uint8Array): void {
    this.#varint(value.length);
    this.#bytes.set(value, this.#end);
    this.#end += value.length;
  }

  #tag(field: number, type: number): void {
    this.#varint(field * 8 + type);
  }

  #varint(value: number): void {
    let rest = value;
    while (rest > 127) {
      // Bit operations know 32 bits only.
      this.#bytes[this.#end++] = (rest % 128) | 128;
      rest = rest < TWO_32 ? rest >>> 7 : Math.floor(rest / 128);
    }
    this.#bytes[this.#end++] = rest;
  }

  #reserve(length: number): void {
    if (this.#end + length <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(2 * this.#bytes.length, this.#end + length));
    larger.set(this.#bytes.subarray(0, this.#end));
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

// 0 to 9 have 3 in their upper half, letters have 4 or 6.
function digitOf(code: number): number {
  return (code & 15) + (code >> 6) * 9;
}

function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) length++;
  return length;
}
