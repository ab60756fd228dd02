import { GatewayError } from '@signalbox/core';

/** A number as a cursor: text that says nothing to its reader. */
export function toCursor(list: string, number: number | undefined): string | undefined {
  return number === undefined ? undefined : Buffer.from(JSON.stringify([list, number])).toString('base64url');
}

/** @throws GatewayError `INVALID_PARAMS` for a cursor that is not one of this list. */
export function parseCursor(list: string, cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined;
  try {
    const [name, number] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[];
    if (name === list && Number.isSafeInteger(number)) return number as number;
  } catch {
    // It is none of ours.
  }
  throw new GatewayError('INVALID_PARAMS', '"cursor" must be "next" of the page before', {
    data: { problems: [{ path: 'query.cursor', message: 'must be "next" of the page before' }] },
  });
}
