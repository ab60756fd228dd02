import { GatewayError } from '@signalbox/core';

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
    this.#reserve(LONGEST_VARINT);
    this.#tag(field, BYTES);
    const start = this.#end;
    write(this);
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

function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) length++;
  return length;
}

/** Reads fields as they come. Every method throws GatewayError `INTERNAL` on bytes that are none of this format. */
export class WireReader {
  readonly #bytes: Buffer;
  #at = 0;
  #end: number;
  #type = VARINT;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#end = bytes.byteLength;
  }

  /** @returns the number of the next field; 0 at the end. */
  next(): number {
    if (this.#at >= this.#end) return 0;
    const tag = this.#varint();
    this.#type = tag % 8;
    const field = Math.floor(tag / 8);
    if (field === 0) throw broken('a field without a number');
    return field;
  }

  uint(): number {
    this.#expect(VARINT);
    return this.#varint();
  }

  bool(): boolean {
    return this.uint() !== 0;
  }

  double(): number {
    this.#expect(FIXED64);
    this.#need(8);
    this.#at += 8;
    return this.#bytes.readDoubleLE(this.#at - 8);
  }

  text(): string {
    const length = this.#length();
    this.#at += length;
    return this.#bytes.toString('utf8', this.#at - length, this.#at);
  }

  /** A view on the bytes, not a copy. */
  bytes(): Uint8Array {
    const length = this.#length();
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** Reads a message within this one with the same reader. */
  message(read: (reader: WireReader) => void): void {
    const length = this.#length();
    const outerEnd = this.#end;
    this.#end = this.#at + length;
    read(this);
    this.#at = this.#end;
    this.#end = outerEnd;
  }

  fixed32s(): number[] {
    return this.#packed(4, (bytes, at) => bytes.readUInt32LE(at));
  }

  doubles(): number[] {
    return this.#packed(8, (bytes, at) => bytes.readDoubleLE(at));
  }

  /** Passes over a field that is not known. */
  skip(): void {
    if (this.#type === VARINT) this.#varint();
    else if (this.#type === BYTES) this.bytes();
    else if (this.#type === FIXED64 || this.#type === FIXED32) {
      const length = this.#type === FIXED64 ? 8 : 4;
      this.#need(length);
      this.#at += length;
    } else throw broken(`the wire type ${this.#type}`);
  }

  #packed(size: number, read: (bytes: Buffer, at: number) => number): number[] {
    const length = this.#length();
    if (length % size !== 0) throw broken(`${length} bytes of numbers of ${size} bytes each`);
    const values: number[] = [];
    for (const end = this.#at + length; this.#at < end; this.#at += size) values.push(read(this.#bytes, this.#at));
    return values;
  }

  /** Of what follows, checked to be there. */
  #length(): number {
    this.#expect(BYTES);
    const length = this.#varint();
    this.#need(length);
    return length;
  }

  #varint(): number {
    let value = 0;
    let scale = 1;
    for (let index = 0; index < LONGEST_VARINT; index++) {
      this.#need(1);
      const byte = this.#bytes[this.#at++]!;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
    throw broken('a number that does not end');
  }

  #expect(type: number): void {
    if (this.#type !== type) throw broken(`the wire type ${this.#type} rather than ${type}`);
  }

  #need(length: number): void {
    if (this.#at + length > this.#end) throw broken(`an end ${this.#at + length - this.#end} bytes too early`);
  }
}

function broken(what: string): GatewayError {
  return new GatewayError('INTERNAL', `Cannot read what learning has written: found ${what}`);
}
