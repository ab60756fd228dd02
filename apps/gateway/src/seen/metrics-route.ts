import { createHash, timingSafeEqual } from 'node:crypto';
import { toMessage, type Logger } from '@signalbox/core';
import type { Route } from '../admin.ts';
import type { MetricFamily } from './metric-families.ts';

const PATH = '/metrics';

export interface MetricsRouteOptions {
  readonly families: () => Promise<readonly MetricFamily[]>;
  /** What a scrape must carry; `undefined` to show metrics to whoever reaches the listener. */
  readonly token: string | undefined;
  readonly logger: Logger;
}

/** Tells whether a request is one for metrics. */
export function isMetricsPath(url: string): boolean {
  return url === PATH || url.startsWith(`${PATH}?`);
}

/** Shows metrics to Prometheus. What writes them is loaded with the first scrape. */
export function createMetricsRoute({ families, token, logger }: MetricsRouteOptions): Route {
  const expected = token === undefined ? undefined : digest(token);
  return ({ url, method, headers }, response) => {
    if (url === undefined || !isMetricsPath(url)) return false;
    if (method !== 'GET' && method !== 'HEAD') response.writeHead(405, { allow: 'GET, HEAD' }).end();
    else if (expected !== undefined && !carries(headers.authorization, expected))
      response.writeHead(401, { 'www-authenticate': 'Bearer' }).end();
    else
      render(families).then(
        ({ contentType, text }) =>
          response.writeHead(200, { 'content-type': contentType, 'cache-control': 'no-store' }).end(method === 'HEAD' ? undefined : text),
        (error: unknown) => {
          logger.error('metrics could not be written', { error: toMessage(error) });
          response.writeHead(500).end();
        },
      );
    return true;
  };
}

async function render(families: MetricsRouteOptions['families']): Promise<{ readonly contentType: string; readonly text: string }> {
  const { renderPrometheus } = await import('../telemetry.ts');
  return renderPrometheus(await families());
}

function carries(authorization: string | undefined, expected: Buffer): boolean {
  const given = authorization === undefined ? undefined : /^bearer +(\S+) *$/i.exec(authorization)?.[1];
  return given !== undefined && timingSafeEqual(digest(given), expected);
}

// Digests have one length, so comparing them tells nothing of the token's.
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
