import type { MonitorBody, StatusBody } from '../../contract.ts';
import { operationsOf } from '../access.ts';
import { defineRoute, type AdminParts, type AdminRoute } from '../route.ts';
import { monitorBody, accessBody, whoBody } from '../schemas/seen.ts';
import { statusBody } from '../schemas/observed.ts';
import { required } from './required.ts';

/** How the gateway is, and who may look. */
export function statusRoutes(parts: AdminParts): AdminRoute[] {
  return [
    defineRoute({
      id: 'getStatus',
      method: 'get',
      path: '/status',
      tag: 'Gateway',
      summary: 'How the gateway and everything behind it is',
      isTagged: true,
      answer: { description: 'The status', schema: statusBody },
      run: () => {
        const { state, status, about } = parts;
        return {
          ...about(),
          stateVersion: state.current.version,
          sessions: status.sessions(),
          upstreams: status.upstreams(),
          virtualServers: status.virtualServers(),
        } satisfies StatusBody;
      },
    }),
    defineRoute({
      id: 'getMonitor',
      method: 'get',
      path: '/monitor',
      tag: 'Gateway',
      summary: 'How each process fares: event loop, memory, garbage collection; and how long calls take',
      answer: { description: 'The reading', schema: monitorBody },
      problems: [404],
      run: async () => (await required(parts.monitor, 'The monitor').read()) satisfies MonitorBody,
    }),
    defineRoute({
      id: 'whoAmI',
      method: 'get',
      path: '/access/me',
      tag: 'Access',
      summary: 'Who the bearer of the token is, and what is open to them',
      answer: { description: 'The principal', schema: whoBody },
      run: ({ principal: { name, role } }) => ({ name, role, may: operationsOf(role) }),
    }),
    defineRoute({
      id: 'listAccess',
      method: 'get',
      path: '/access',
      tag: 'Access',
      summary: 'Everyone who may use this API, with their role',
      answer: { description: 'The principals', schema: accessBody },
      run: () => ({ principals: parts.principals.list() }),
    }),
  ];
}
