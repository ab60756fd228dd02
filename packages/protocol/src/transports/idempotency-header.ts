import { GatewayError, IDEMPOTENCY_KEY, RawJson, parseIdempotencyKey } from '@signalbox/core';
import { withParams } from '../messages/encode.ts';
import { withMember } from '../messages/members.ts';
import type { Message } from '../messages/message.ts';

const QUOTED = /^"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"$/;

/**
 * A call with the key of its `Idempotency-Key` header where callers over other transports put theirs, in `_meta`. The
 * header's value is a string in quotes, as the draft says, or the bare key, as most clients send it.
 * @throws GatewayError `INVALID_PARAMS` for what is no key, `HEADER_MISMATCH` when `_meta` names another one.
 * @see https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
 */
export function adoptIdempotencyKey(message: Message, header: string): Message {
  if (message.kind !== 'request' || message.method !== 'tools/call') return message;
  const text = header.trim();
  const key = parseIdempotencyKey(QUOTED.test(text) ? text.slice(1, -1).replaceAll(/\\(.)/g, '$1') : text);
  const meta = message.params.get('_meta');
  const given: unknown = meta?.object?.[IDEMPOTENCY_KEY];
  if (given === key) return message;
  if (given !== undefined) {
    throw new GatewayError(
      'HEADER_MISMATCH',
      `Cannot accept a request whose Idempotency-Key header is not the "${IDEMPOTENCY_KEY}" of its body`,
    );
  }
  return { ...message, params: withParams(message.params, { _meta: withMember(meta, IDEMPOTENCY_KEY, RawJson.fromValue(key)) }) };
}
