import type { IncomingMessage, ServerResponse } from 'node:http';
import { GatewayError, toMessage } from '@signalbox/core';
import { ADMIN_PREFIX, createAdminListener, type AdminApiOptions, type AdminListener } from '@signalbox/control-plane';

/** Answers a request and says so, or leaves it to others. */
export type Route = (request: IncomingMessage, response: ServerResponse) => boolean;

export interface LazyAdmin {
  readonly route: Route;
  /** Ends the streams that are open. */
  close(): void;
}

/** The admin API as a route. Its code is loaded with the first request, because most starts never see one. */
export function createLazyAdmin(options: AdminApiOptions): LazyAdmin {
  let loading: Promise<AdminListener> | undefined;
  const route: Route = (request, response) => {
    if (!isAdmin(request)) return false;
    loading ??= createAdminListener(options);
    loading.then(
      (listener) => listener.answer(request, response),
      (error: unknown) => {
        options.logger?.error('the admin API could not be loaded', { error: toMessage(error) });
        response.writeHead(500).end();
      },
    );
    return true;
  };
  return { route, close: () => void loading?.then((listener) => listener.close()).catch(() => undefined) };
}

/** Stands for the admin API where another process answers it, while that one is away. */
export const AWAY_ADMIN: LazyAdmin = {
  route: (request, response) => {
    if (!isAdmin(request)) return false;
    const {
      httpStatus: status,
      code,
      message: detail,
    } = new GatewayError('OVERLOADED', 'The worker that leads is being started; try again');
    response.writeHead(status, { 'content-type': 'application/problem+json', 'cache-control': 'no-store', 'retry-after': '1' });
    response.end(JSON.stringify({ type: 'about:blank', title: 'Service Unavailable', status, detail, code }));
    return true;
  },
  close: () => undefined,
};

function isAdmin({ url }: IncomingMessage): boolean {
  return url?.startsWith(`${ADMIN_PREFIX}/`) === true;
}
