import { createHmac, randomBytes } from 'node:crypto';
import type { Seal } from '@signalbox/core';

/** A seal that keeps nothing secret but cannot be forged. `key` makes two of them open each other's texts. */
export function createTestSeal(key: Buffer = randomBytes(32)): Seal {
  const sign = (purpose: string, context: string, body: string) =>
    createHmac('sha256', key)
      .update(JSON.stringify([purpose, context, body]))
      .digest('base64url');
  return {
    seal(purpose, value, { context = '' } = {}) {
      const body = Buffer.from(JSON.stringify([value, randomBytes(6).toString('hex')])).toString('base64url');
      return `${body}.${sign(purpose, context, body)}`;
    },
    open(purpose, text, { context = '' } = {}) {
      const [body = '', signature] = text.split('.');
      if (signature !== sign(purpose, context, body)) return undefined;
      return (JSON.parse(Buffer.from(body, 'base64url').toString('utf8')) as unknown[])[0];
    },
  };
}
