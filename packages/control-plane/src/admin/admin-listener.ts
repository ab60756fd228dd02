import type { AdminApi, AdminApiOptions } from './admin-api.ts';
import type { AdminListener } from './node-listener.ts';

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
