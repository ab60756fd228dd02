import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

// A sealed value: format (1 byte), key id (12), nonce (12), tag (16), then what AES-256-GCM made of it.
const FORMAT = 1;
const ALGORITHM = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const TAG_AT = 1 + 12 + NONCE_BYTES;
const BODY_AT = TAG_AT + TAG_BYTES;

export const KEY_BYTES = 32;
export const KEY_ID_BYTES = 12;

/** A key that values are encrypted with. */
export interface DataKey {
  readonly id: Buffer;
  readonly key: Buffer;
}

/**
 * Encrypts a value under a key, bound to the place it is meant for. Nonces are random, so one key must not seal more than
 * 2^32 values (NIST SP 800-38D §8.3).
 */
export function seal(value: Buffer, { id, key, place }: DataKey & { readonly place: readonly string[] }): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(boundTo(place, id));
  const body = cipher.update(value);
  cipher.final();
  return Buffer.concat([Buffer.from([FORMAT]), id, nonce, cipher.getAuthTag(), body]);
}

/** The id of the key a value was sealed with, or `undefined` when it is no sealed value. */
export function keyIdOf(sealed: Buffer): Buffer | undefined {
  return sealed.length >= BODY_AT && sealed[0] === FORMAT ? sealed.subarray(1, 1 + KEY_ID_BYTES) : undefined;
}

/** Decrypts a value, or returns `undefined` when it was changed, or sealed for another place or under another key. */
export function unseal(sealed: Buffer, { key, place }: { readonly key: Buffer; readonly place: readonly string[] }): Buffer | undefined {
  const id = keyIdOf(sealed);
  if (id === undefined) return undefined;
  const decipher = createDecipheriv(ALGORITHM, key, sealed.subarray(1 + KEY_ID_BYTES, TAG_AT), { authTagLength: TAG_BYTES });
  decipher.setAAD(boundTo(place, id));
  decipher.setAuthTag(sealed.subarray(TAG_AT, BODY_AT));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(BODY_AT)), decipher.final()]);
  } catch {
    return undefined;
  }
}

/** A key of its own for a purpose, so that one master key may serve several. */
export function deriveKey(master: Buffer, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', master, Buffer.alloc(0), `signalbox ${purpose}`, KEY_BYTES));
}

// JSON, because it keeps apart what joined texts would not: ["a","bc"] and ["ab","c"].
function boundTo(place: readonly string[], id: Buffer): Buffer {
  return Buffer.from(JSON.stringify([FORMAT, ...place, id.toString('hex')]));
}
