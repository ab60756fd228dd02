import type { ByteSeal } from '@signalbox/core';

/** What stands in a tier below memory. */
export interface TierEntry {
  /** Wall clock, milliseconds since 1970: it must mean the same in another process. */
  readonly storedAtMs: number;
  readonly ttlMs: number;
  readonly staleMs: number;
  readonly tookMs: number;
  readonly body: Buffer;
}

export interface Compression {
  compressSync(data: Buffer): Buffer;
  uncompressSync(data: Buffer): Buffer;
}

export interface EntryTextOptions {
  readonly seal: ByteSeal;
  readonly compression: Compression;
  /** Bodies of this size and more are compressed. */
  readonly compressFromBytes: number;
}

const FORMAT = 1;
const COMPRESSED = 0x80;
const HEADER_BYTES = 1 + 4 * 8;

/** Writes and reads entries: compressed where it pays, sealed for the place they are kept at. */
export function createEntryText({ seal, compression, compressFromBytes }: EntryTextOptions) {
  return {
    write: (place: string, entry: TierEntry): Buffer => {
      const small = entry.body.length < compressFromBytes ? entry.body : compression.compressSync(entry.body);
      const isSmaller = small.length < entry.body.length;
      const header = Buffer.allocUnsafe(HEADER_BYTES);
      header.writeUInt8(isSmaller ? FORMAT | COMPRESSED : FORMAT, 0);
      header.writeDoubleBE(entry.storedAtMs, 1);
      header.writeDoubleBE(entry.ttlMs, 9);
      header.writeDoubleBE(entry.staleMs, 17);
      header.writeDoubleBE(entry.tookMs, 25);
      return seal.seal(Buffer.concat([header, isSmaller ? small : entry.body]), place);
    },
    /** @returns `undefined` for bytes that are not ours, were changed, or were written for another place. */
    read: (place: string, sealed: Buffer): TierEntry | undefined => {
      const bytes = seal.open(sealed, place);
      if (bytes === undefined || bytes.length < HEADER_BYTES) return undefined;
      const format = bytes.readUInt8(0);
      if ((format & ~COMPRESSED) !== FORMAT) return undefined;
      const body = bytes.subarray(HEADER_BYTES);
      return {
        storedAtMs: bytes.readDoubleBE(1),
        ttlMs: bytes.readDoubleBE(9),
        staleMs: bytes.readDoubleBE(17),
        tookMs: bytes.readDoubleBE(25),
        body: (format & COMPRESSED) === 0 ? body : compression.uncompressSync(body),
      };
    },
  };
}
