import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { GatewayError, type ByteSeal, type Seal } from '@signalbox/core';

/** Length of the key a seal is made from. */
export const SEAL_KEY_BYTES = 32;

const CIPHER = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;
// Tells our texts, and the form they have, from those of others and of later forms.
const MARK = 's1.';

/**
 * Creates a seal from a secret key: AES-256-GCM with a key of its own for each purpose, so that a text sealed for one
 * purpose cannot pass for another.
 * @param options.key 32 random bytes. Whoever has them can open and forge every text.
 * @throws GatewayError `INVALID_CONFIG` when the key has another length.
 */
export function createSeal(options: { readonly key: Buffer }): Seal {
  if (options.key.length !== SEAL_KEY_BYTES)
    throw new GatewayError('INVALID_CONFIG', `Cannot seal with a key of ${options.key.length} bytes: it must have ${SEAL_KEY_BYTES}`);
  const keys = new Map<string, Buffer>();
  const keyFor = (purpose: string): Buffer => {
    let key = keys.get(purpose);
    if (key === undefined)
      keys.set(purpose, (key = Buffer.from(hkdfSync('sha256', options.key, '', `signalbox ${purpose}`, SEAL_KEY_BYTES))));
    return key;
  };
  return {
    seal(purpose, value, { context = '' } = {}) {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv(CIPHER, keyFor(purpose), iv);
      cipher.setAAD(Buffer.from(context));
      const text = Buffer.concat([iv, cipher.update(JSON.stringify(value), 'utf8'), cipher.final(), cipher.getAuthTag()]);
      return `${MARK}${text.toString('base64url')}`;
    },
    open(purpose, text, { context = '' } = {}) {
      if (!text.startsWith(MARK)) return undefined;
      const bytes = Buffer.from(text.slice(MARK.length), 'base64url');
      // One value has one text: what decodes to the same bytes in another spelling is not ours.
      if (bytes.length < IV_BYTES + TAG_BYTES || bytes.toString('base64url') !== text.slice(MARK.length)) return undefined;
      const decipher = createDecipheriv(CIPHER, keyFor(purpose), bytes.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES });
      decipher.setAAD(Buffer.from(context));
      decipher.setAuthTag(bytes.subarray(bytes.length - TAG_BYTES));
      try {
        const opened = decipher.update(bytes.subarray(IV_BYTES, bytes.length - TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
        return JSON.parse(opened) as unknown;
      } catch {
        return undefined;
      }
    },
  };
}

/**
 * Creates a seal for bytes from the same key, for one purpose.
 * @param options.key As for `createSeal`.
 */
export function createByteSeal({ key, purpose }: { readonly key: Buffer; readonly purpose: string }): ByteSeal {
  const own = Buffer.from(hkdfSync('sha256', key, '', `signalbox ${purpose}`, SEAL_KEY_BYTES));
  return {
    seal: (bytes, place) => {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv(CIPHER, own, iv);
      cipher.setAAD(Buffer.from(place));
      return Buffer.concat([iv, cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
    },
    open: (bytes, place) => {
      if (bytes.length < IV_BYTES + TAG_BYTES) return undefined;
      const decipher = createDecipheriv(CIPHER, own, bytes.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES });
      decipher.setAAD(Buffer.from(place));
      decipher.setAuthTag(bytes.subarray(bytes.length - TAG_BYTES));
      try {
        const opened = decipher.update(bytes.subarray(IV_BYTES, bytes.length - TAG_BYTES));
        return Buffer.concat([opened, decipher.final()]);
      } catch {
        return undefined;
      }
    },
  };
}
