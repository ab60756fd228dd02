import { GatewayError } from '@signalbox/core';

// The wire format of Protocol Buffers: https://protobuf.dev/programming-guides/encoding/
const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;
const LONGEST_VARINT = 10;

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
