import { GatewayError } from './errors.ts';

/**
 * Member of `_meta` with which a caller names one wish, however often it has to send it. It goes on to the upstream as it
 * is, so that a gateway there can tell a repetition, too.
 */
export const IDEMPOTENCY_KEY = 'signalbox.dev/idempotencyKey';

/**
 * Experimental capability of a server that remembers keys also when it is restarted: a call with a key may be sent to it
 * again, whatever became of the first one.
 */
export const IDEMPOTENCY_CAPABILITY = 'signalbox.dev/idempotency';

const VISIBLE = /^[\x21-\x7e]{1,255}$/;

/** Reads a key. @throws GatewayError `INVALID_PARAMS` for anything but 1 to 255 visible ASCII characters. */
export function parseIdempotencyKey(value: unknown): string {
  if (typeof value === 'string' && VISIBLE.test(value)) return value;
  throw new GatewayError(
    'INVALID_PARAMS',
    'Cannot use this idempotency key: it must be text of 1 to 255 visible ASCII characters, without spaces; a UUID will do',
  );
}
