import type { ServerResponse } from 'node:http';
import type { Route } from '../admin.ts';

/** Tells whoever looks after the process how it is, without asking who that is. */
export interface Health {
  /** Set once the gateway is about to end: from then on nobody should be sent here. */
  isDraining: boolean;
  /** Set once clients are answered. */
  isListening: boolean;
  readonly route: Route;
}

/** @param options.obstacles What else keeps the gateway from serving, in words that may leave the house. */
export function createHealth({ obstacles }: { readonly obstacles: () => readonly string[] }): Health {
  const health: Health = {
    isDraining: false,
    isListening: false,
    route: ({ url, method }, response) => {
      const path = url?.replace(/\?.*$/s, '');
      if (path !== '/healthz' && path !== '/readyz') return false;
      if (method !== 'GET' && method !== 'HEAD') {
        response.writeHead(405, { allow: 'GET, HEAD' }).end();
        return true;
      }
      const reasons = path === '/healthz' ? [] : findReasons(health, obstacles);
      answer(response, reasons, method);
      return true;
    },
  };
  return health;
}

function findReasons({ isDraining, isListening }: Health, obstacles: () => readonly string[]): string[] {
  return [...(isListening ? [] : ['starting']), ...(isDraining ? ['draining'] : []), ...obstacles()];
}

function answer(response: ServerResponse, reasons: readonly string[], method: string): void {
  const body = JSON.stringify(reasons.length === 0 ? { status: 'ok' } : { status: 'unavailable', reasons });
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), 'cache-control': 'no-store' };
  response.writeHead(reasons.length === 0 ? 200 : 503, headers).end(method === 'HEAD' ? undefined : body);
}
