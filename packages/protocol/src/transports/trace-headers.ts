import type { IncomingHttpHeaders } from 'node:http';
import { RawJson } from '@signalbox/core';
import { withParams } from '../messages/encode.ts';
import { withMember } from '../messages/members.ts';
import type { Message } from '../messages/message.ts';

const MEMBERS = ['traceparent', 'tracestate', 'baggage'] as const;

/**
 * A request with the trace of its HTTP headers where callers over other transports put theirs, in `_meta`. What stands
 * there goes before them: whoever wrote the body is nearer to the call than what passed it on.
 * @see https://www.w3.org/TR/trace-context/
 */
export function adoptTrace(message: Message, headers: IncomingHttpHeaders): Message {
  if (message.kind !== 'request' || typeof headers['traceparent'] !== 'string') return message;
  let meta = message.params.get('_meta');
  const found = meta?.object;
  if ((meta !== undefined && found === undefined) || found?.['traceparent'] !== undefined) return message;
  for (const name of MEMBERS) {
    const value = headers[name];
    if (typeof value === 'string' && found?.[name] === undefined) meta = withMember(meta, name, RawJson.fromValue(value));
  }
  return { ...message, params: withParams(message.params, { _meta: meta }) };
}
