import type { IncomingMessage, ServerResponse } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import type { AdminApi } from './admin-api.ts';

export interface AdminListener {
  /** Answers a request to a `node:http` server. */
  answer(request: IncomingMessage, response: ServerResponse): void;
  /** Ends the streams that are open. */
  close(): void;
}

/** Serves the admin API on a `node:http` server. */
export function createNodeListener(api: AdminApi): AdminListener {
  // The library would replace the global Request and Response for the whole process.
  const listener = getRequestListener((request) => api.fetch(request), { overrideGlobalObjects: false });
  return { answer: (request, response) => void listener(request, response), close: () => api.close() };
}
