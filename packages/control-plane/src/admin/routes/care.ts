import { unknownUpstream } from '../../desired-state/desired-state.ts';
import type { BackupBody, CachesBody, StorageBody } from '../../contract.ts';
import type { ProfileKind } from '../../parts.ts';
import { recordAction } from '../actor.ts';
import { defineRoute, type AdminParts, type AdminRoute } from '../route.ts';
import { z } from '../schemas/common.ts';
import { backupBody, cachesBody, clearedBody, profileRequest, storageBody } from '../schemas/seen.ts';
import { required } from './required.ts';

const DEFAULT_SECONDS = 10;

/** Caches, the store, and profiles of the processes. */
export function careRoutes(parts: AdminParts): AdminRoute[] {
  return [...cacheRoutes(parts), ...storageRoutes(parts), profileRoute(parts, 'cpu'), profileRoute(parts, 'heap')];
}

function cacheRoutes(parts: AdminParts): AdminRoute[] {
  const caches = () => required(parts.caches, 'The cache');
  const tag = 'Caches';
  return [
    defineRoute({
      id: 'getCaches',
      method: 'get',
      path: '/caches',
      tag,
      summary: 'What the cache holds and saves',
      answer: { description: 'The reading', schema: cachesBody },
      problems: [404],
      run: async () => (await caches().read()) satisfies CachesBody,
    }),
    defineRoute({
      id: 'clearCaches',
      method: 'delete',
      path: '/caches',
      tag,
      summary: 'Forget the answers of one upstream, or all',
      query: z.strictObject({ upstream: z.string().min(1).optional().describe('Default: all.') }),
      answer: { description: 'What was forgotten', schema: clearedBody },
      problems: [404],
      run: async ({ query: { upstream }, principal }) => {
        const known = parts.state.current.upstreams;
        if (upstream !== undefined && !known.has(upstream)) throw unknownUpstream(upstream, known.keys());
        await caches().clear(upstream);
        await recordAction(parts, principal, { action: 'cache.clear', lines: [upstream ?? 'all'] });
        return { cleared: upstream ?? '*' };
      },
    }),
  ];
}

function storageRoutes(parts: AdminParts): AdminRoute[] {
  const storage = () => required(parts.storage, 'Storage');
  const tag = 'Storage';
  return [
    defineRoute({
      id: 'getStorage',
      method: 'get',
      path: '/storage',
      tag,
      summary: 'How the store is',
      answer: { description: 'The store', schema: storageBody },
      problems: [404],
      run: () => storage().read() satisfies StorageBody,
    }),
    defineRoute({
      id: 'backUpStorage',
      method: 'post',
      path: '/storage/backup',
      tag,
      summary: 'Write a copy of the store beside the running one',
      answer: { status: 201, description: 'The copy', schema: backupBody },
      problems: [404, 409, 503],
      run: async ({ principal }) => {
        const backup = await storage().backup();
        await recordAction(parts, principal, { action: 'backup', lines: [backup.path] });
        return backup satisfies BackupBody;
      },
    }),
  ];
}

function profileRoute(parts: AdminParts, kind: ProfileKind): AdminRoute {
  return defineRoute({
    id: kind === 'cpu' ? 'takeCpuProfile' : 'takeHeapProfile',
    method: 'post',
    path: `/profiles/${kind}`,
    tag: 'Profiles',
    summary: kind === 'cpu' ? 'Where a process spends its time' : 'Where a process takes its memory',
    description: 'Answers after the given time, with a profile that the developer tools of browsers open.',
    body: profileRequest,
    isBodyOptional: true,
    answer: { description: 'The profile', mediaType: 'application/json' },
    problems: [404, 409, 413, 415, 503],
    run: async ({ body: { seconds = DEFAULT_SECONDS, worker = 1 }, principal }) => {
      const text = await required(parts.monitor, 'The monitor').profile(kind, { seconds, worker });
      await recordAction(parts, principal, { action: 'profile', lines: [`${kind}, ${seconds} s, worker ${worker}`] });
      const headers = { 'content-type': 'application/json', 'content-disposition': `attachment; filename="gateway.${kind}profile"` };
      return new Response(text, { headers });
    },
  });
}
