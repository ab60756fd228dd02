import type { AdminApiOptions } from './admin-api.ts';
import type { AdminListener } from './node-listener.ts';

/** The admin API for a `node:http` server. Its HTTP layer is loaded now, so that programs without it start faster. */
export async function createAdminListener(options: AdminApiOptions): Promise<AdminListener> {
  const [{ createAdminApi }, { createNodeListener }] = await Promise.all([import('./admin-api.ts'), import('./node-listener.ts')]);
  return createNodeListener(createAdminApi(options));
}
