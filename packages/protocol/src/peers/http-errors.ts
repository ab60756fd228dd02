import type { GatewayError } from '@signalbox/core';
import { preview } from '../messages/message.ts';
import { protocolFault, unavailable } from './upstream-errors.ts';

/** Says what an HTTP answer that is no MCP message means. Names the host, never a header's value. */
export function httpFailure(
  upstream: string,
  host: string,
  answer: { readonly status: number; readonly mediaType: string; readonly body: Buffer },
): GatewayError {
  const { status, mediaType, body } = answer;
  const fail = (reason: string) => unavailable(upstream, reason, { sent: true, data: { host, status } });
  if (status === 401)
    return fail(`${host} wants credentials, and they are missing or not valid (HTTP 401); check "headers" of this upstream`);
  if (status === 403) return fail(`${host} refused the credentials (HTTP 403); check "headers" of this upstream`);
  if (status === 404 || status === 405) return fail(`${host} has no MCP server at this address (HTTP ${status}); check the path of "url"`);
  if (status >= 300 && status < 400)
    return fail(`${host} redirects elsewhere (HTTP ${status}), which is not followed; put the final address into "url"`);
  if (status === 429) return fail(`${host} gets too many requests (HTTP 429)`);
  if (status >= 500) return fail(`${host} failed (HTTP ${status})`);
  if (status >= 400) return fail(`${host} refused the request (HTTP ${status}): ${preview(body)}`);
  const kind = mediaType === '' ? 'no content type' : `"${mediaType}"`;
  return protocolFault(
    upstream,
    `${host} answered with ${kind} instead of JSON or an event stream; the body begins with ${preview(body)}`,
    { host, status },
  );
}
