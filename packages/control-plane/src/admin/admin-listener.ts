import type { AdminApi, AdminApiOptions } from './admin-api.ts';
import type { AdminListener } from './node-listener.ts';
import type { AdminDocument } from './openapi.ts';

/** The admin API for a `node:http` server. Its HTTP layer is loaded now, so that programs without it start faster. */
export async function createAdminListener(options: AdminApiOptions): Promise<AdminListener> {
  const [api, { createNodeListener }] = await Promise.all([loadAdminApi(options), import('./node-listener.ts')]);
  return createNodeListener(api);
}

/** The admin API for callers in this process. */
export async function loadAdminApi(options: AdminApiOptions): Promise<AdminApi> {
  const { createAdminApi } = await import('./admin-api.ts');
  return createAdminApi(options);
}

/** The contract of the admin API as OpenAPI 3.1. Needs no running gateway. */
export async function loadAdminDocument(): Promise<AdminDocument> {
  const { createAdminDocument } = await import('./openapi.ts');
  return createAdminDocument();
}
