import type { AdminParts, AdminRoute } from '../route.ts';
import { auditRoutes } from './audit.ts';
import { callRoutes } from './calls.ts';
import { careRoutes } from './care.ts';
import { configRoutes } from './config.ts';
import { experimentRoutes } from './experiments.ts';
import { learningRoutes } from './learning.ts';
import { statusRoutes } from './status.ts';
import { upstreamRoutes } from './upstreams.ts';
import { versionRoutes } from './versions.ts';

/** Every route but the one that describes them. */
export function allRoutes(parts: AdminParts): AdminRoute[] {
  return [
    statusRoutes,
    upstreamRoutes,
    configRoutes,
    versionRoutes,
    callRoutes,
    auditRoutes,
    careRoutes,
    learningRoutes,
    experimentRoutes,
  ].flatMap((routes) => routes(parts));
}
