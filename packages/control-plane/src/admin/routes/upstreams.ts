import { selectUpstreams, UPSTREAM_KINDS, type UpstreamStatus } from '@signalbox/core';
import type { LogsBody, RestartBody, UpstreamsBody } from '../../contract.ts';
import { unknownUpstream } from '../../desired-state/desired-state.ts';
import { toActor } from '../actor.ts';
import { defineRoute, type AdminParts, type AdminRoute } from '../route.ts';
import { count, z } from '../schemas/common.ts';
import { logsBody, restartBody, upstreamBody, upstreamsBody } from '../schemas/observed.ts';

const params = z.strictObject({ name: z.string().min(1).openapi({ example: 'github' }) });

/** What stands behind the gateway. */
export function upstreamRoutes(parts: AdminParts): AdminRoute[] {
  const find = (name: string): UpstreamStatus => {
    const upstreams = parts.status.upstreams();
    const found = upstreams.find((upstream) => upstream.name === name);
    if (found !== undefined) return found;
    throw unknownUpstream(
      name,
      upstreams.map((upstream) => upstream.name),
    );
  };
  const tag = 'Upstreams';
  return [
    defineRoute({
      id: 'listUpstreams',
      method: 'get',
      path: '/upstreams',
      tag,
      summary: 'Every upstream, in configuration order',
      query: z.strictObject({
        kind: z.enum(UPSTREAM_KINDS).optional(),
        tag: z
          .union([z.string(), z.array(z.string())])
          .optional()
          .describe('A tag it has; may be repeated.'),
        capability: z.string().optional().describe('Something its server announced, such as `prompts`.'),
      }),
      answer: { description: 'The upstreams', schema: upstreamsBody },
      run: ({ query: { kind, capability, tag: tags = [] } }) => {
        const selection = { kind, capability, tags: typeof tags === 'string' ? [tags] : tags };
        return { upstreams: selectUpstreams(parts.status.upstreams(), selection) } satisfies UpstreamsBody;
      },
    }),
    defineRoute({
      id: 'getUpstream',
      method: 'get',
      path: '/upstreams/{name}',
      tag,
      summary: 'One upstream',
      params,
      answer: { description: 'The upstream', schema: upstreamBody },
      problems: [404],
      run: ({ params: { name } }) => find(name),
    }),
    defineRoute({
      id: 'getUpstreamLogs',
      method: 'get',
      path: '/upstreams/{name}/logs',
      tag,
      summary: 'What an upstream last wrote to stderr',
      params,
      query: z.strictObject({ lines: count({ max: 10_000, fallback: 100 }) }),
      answer: { description: 'The last lines, oldest first', schema: logsBody },
      problems: [404],
      run: ({ params: { name }, query: { lines } }) => ({ name, lines: find(name).stderr.slice(-lines) }) satisfies LogsBody,
    }),
    defineRoute({
      id: 'restartUpstream',
      method: 'post',
      path: '/upstreams/{name}/restart',
      tag,
      summary: 'Restart an upstream',
      params,
      isTagged: true,
      answer: { status: 202, description: 'The restart follows', schema: restartBody },
      problems: [404, 409, 412, 503],
      run: async ({ params: { name }, principal, precondition }) => {
        const generation = await parts.state.restart(name, toActor(principal), precondition);
        return { name, generation } satisfies RestartBody;
      },
    }),
  ];
}
