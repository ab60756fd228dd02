import { hash } from 'node:crypto';

/** Turns what must not be kept into something that only tells the same from the other. */
export interface KeyedHash {
  /** Of a name; remembered for names that come again. Empty for an empty one. */
  text(name: string): string;
  /** Of bytes; empty for more than `MAX_HASHED_BYTES` of them, which would take longer than it is worth. */
  bytes(bytes: Uint8Array): string;
}

export const MAX_HASHED_BYTES = 16_384;
/** Bytes that decide whether something is in the sample. */
const SAMPLED_BYTES = 256;
const KEY_BYTES = 32;
const KEPT_CHARS = 16;
const MAX_NAMES = 10_000;

/** @param key Secret and the same after a restart, so that what was learned of a name is found again. */
export function createKeyedHash(key: Uint8Array): KeyedHash {
  // One place to join key and bytes, as two updates of a hash object cost four times a single one.
  const scratch = Buffer.alloc(KEY_BYTES + MAX_HASHED_BYTES);
  scratch.set(key.subarray(0, KEY_BYTES));
  const ofBytes = (bytes: Uint8Array): string => {
    if (bytes.length > MAX_HASHED_BYTES) return '';
    scratch.set(bytes, KEY_BYTES);
    return hash('sha256', scratch.subarray(0, KEY_BYTES + bytes.length), 'hex').slice(0, KEPT_CHARS);
  };
  const names = new Map<string, string>();
  return {
    bytes: ofBytes,
    text: (name) => {
      if (name === '') return '';
      let known = names.get(name);
      if (known === undefined) {
        if (names.size >= MAX_NAMES) names.clear();
        names.set(name, (known = ofBytes(Buffer.from(name.slice(0, 1_000)))));
      }
      return known;
    },
  };
}

/** Whether bytes are among one in four, always the same ones: told in a tenth of the time that a hash takes. */
export function isSampled(bytes: Uint8Array): boolean {
  // FNV-1a, https://datatracker.ietf.org/doc/html/draft-eastlake-fnv.
  let value = 0x81_1c_9d_c5 ^ bytes.length;
  const end = Math.min(SAMPLED_BYTES, bytes.length);
  for (let index = 0; index < end; index++) value = Math.imul(value ^ bytes[index]!, 0x01_00_01_93);
  return ((value ^ (value >>> 15)) & 3) === 0;
}
