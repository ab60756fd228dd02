import type { IncomingMessage, ServerResponse } from 'node:http';
import { toMessage } from '@signalbox/core';
import { ADMIN_PREFIX, createAdminListener, type AdminApiOptions, type AdminListener } from '@signalbox/control-plane';

/** Answers a request and says so, or leaves it to others. */
export type Route = (request: IncomingMessage, response: ServerResponse) => boolean;

/** The admin API as a route. Its code is loaded with the first request, because most starts never see one. */
export function createLazyAdmin(options: AdminApiOptions): Route {
  let loading: Promise<AdminListener> | undefined;
  return (request, response) => {
    if (!request.url?.startsWith(`${ADMIN_PREFIX}/`)) return false;
    loading ??= createAdminListener(options);
    loading.then(
      (listener) => listener(request, response),
      (error: unknown) => {
        options.logger?.error('the admin API could not be loaded', { error: toMessage(error) });
        response.writeHead(500).end();
      },
    );
    return true;
  };
}
