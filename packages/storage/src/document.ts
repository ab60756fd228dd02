import { GatewayError, toMessage } from '@signalbox/core';

const KEY = /^[a-z0-9._-]{1,200}$/;

/**
 * Refuses keys that could not be a file name everywhere.
 * @throws GatewayError `INTERNAL`: keys come from our own code, never from a caller.
 */
export function checkKey(key: string): void {
  if (KEY.test(key)) return;
  throw new GatewayError(
    'INTERNAL',
    `Cannot use "${key}" as a document key: it must be 1 to 200 of the characters a-z, 0-9, ".", "_" and "-"`,
  );
}

/** Writes a document as JSON text. @throws GatewayError `INTERNAL` when it is not JSON. */
export function toDocumentText(key: string, document: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(document);
  } catch (cause) {
    throw new GatewayError('INTERNAL', `Cannot keep document "${key}": ${toMessage(cause)}`, { cause });
  }
  if (text === undefined) throw new GatewayError('INTERNAL', `Cannot keep document "${key}": ${typeof document} is not JSON`);
  return text;
}
