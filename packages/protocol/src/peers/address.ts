import { GatewayError } from '@signalbox/core';

/** Reads the address of an upstream. @throws GatewayError `INVALID_CONFIG`, without the text, which may hold a secret. */
export function toAddress(upstream: string, url: string): URL {
  if (URL.canParse(url)) return new URL(url);
  throw new GatewayError('INVALID_CONFIG', `Cannot open upstream "${upstream}": its "url" is no address`, { data: { upstream } });
}
