import type { IncomingMessage, ServerResponse } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import type { AdminApi } from './admin-api.ts';

export type AdminListener = (request: IncomingMessage, response: ServerResponse) => void;

/** Serves the admin API on a `node:http` server. */
export function createNodeListener(api: AdminApi): AdminListener {
  // The library would replace the global Request and Response for the whole process.
  const listener = getRequestListener((request) => api.fetch(request), { overrideGlobalObjects: false });
  return (request, response) => void listener(request, response);
}
