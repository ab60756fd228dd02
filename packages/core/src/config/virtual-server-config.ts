import { z } from 'zod';
import { nearestOf } from '../nearest.ts';
import { exposureConfig, type UpstreamConfig } from './upstream-config.ts';

/** Where everything is served. */
export const DEFAULT_PATH = '/mcp';

/** First steps of paths that belong, or by custom belong, to something else on a listener. */
const RESERVED = new Set(['.well-known', 'api', 'message', 'messages', 'sse', 'ws']);

export const surfaceKind = z.enum(['all', 'hot', 'search']);
export type SurfaceKind = z.infer<typeof surfaceKind>;

const names = (about: string) => z.array(z.string().min(1)).describe(about);

export const virtualServerConfig = z.strictObject({
  path: z
    .string()
    .max(200)
    .regex(
      /^(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._~-]+)+$/,
      'must be a path such as "/mcp/work": slashes, each followed by letters, digits, dots, dashes, underscores or tildes',
    )
    .optional()
    .describe('Where clients reach it on the listener. Default: `/mcp/` and its name.'),
  title: z.string().min(1).optional().describe('What clients show as the name of the server. Default: its name.'),
  instructions: z.string().optional().describe('Text clients receive as the server’s instructions, in front of those of its upstreams.'),
  surface: surfaceKind
    .default('all')
    .describe(
      'What clients see: all of its tools; three tools to find, describe and call the others by (`search`); or those three and the few that are used most (`hot`, which needs `learning`).',
    ),
  upstreams: names('Only these upstreams, in this order. Default: all.').min(1).optional(),
  tags: names('Only upstreams with all of these tags.').default([]),
  tools: exposureConfig
    .extend({
      prefix: exposureConfig.shape.prefix
        .unwrap()
        .optional()
        .describe('When names carry the upstream’s name in front. Default: as each upstream says.'),
      allow: names('Only these tools (`*` stands for any text): an upstream’s own name, or `upstream/name`. Default: all.').optional(),
      deny: names('Not these tools, written the same way; wins over `allow`.').default([]),
      rename: z
        .record(z.string(), z.string().min(1))
        .default({})
        .describe('Names of its own, by the upstream’s own tool name or `upstream/name`. Others are as each upstream says.'),
    })
    .prefault({})
    .describe('Which of their tools it has and under which names, beyond what each upstream exposes.'),
  resources: z.boolean().default(true).describe('Whether it has the resources of its upstreams.'),
  prompts: z.boolean().default(true).describe('Whether it has the prompts of its upstreams.'),
});
export type VirtualServerConfig = z.infer<typeof virtualServerConfig>;

/** Where a virtual server is reached. */
export function pathOf(name: string, { path }: VirtualServerConfig): string {
  return path ?? `${DEFAULT_PATH}/${name}`;
}

/** The upstreams a virtual server is made of, in its order. */
export function servedBy(
  { upstreams, tags }: VirtualServerConfig,
  mcpServers: Readonly<Record<string, UpstreamConfig>>,
): readonly string[] {
  const candidates = [...new Set(upstreams ?? Object.keys(mcpServers))];
  return candidates.filter((name) => tags.every((tag) => mcpServers[name]?.tags.includes(tag) === true));
}

interface Served {
  readonly mcpServers: Readonly<Record<string, UpstreamConfig>>;
  readonly virtualServers: Readonly<Record<string, VirtualServerConfig>>;
}

/** Checks what no virtual server can say alone: that paths are free and different, and that upstreams exist. */
export function checkVirtualServers({ mcpServers, virtualServers }: Served, context: z.RefinementCtx): void {
  const refuse = (path: PropertyKey[], message: string) => context.addIssue({ code: 'custom', path: ['virtualServers', ...path], message });
  const owners = new Map<string, string>();
  for (const [name, server] of Object.entries(virtualServers)) {
    const path = pathOf(name, server);
    const place = server.path === undefined ? [name] : [name, 'path'];
    const first = path.split('/')[1]!;
    const owner = owners.get(path);
    if (path === DEFAULT_PATH) refuse(place, `cannot be "${path}": everything is served there`);
    else if (RESERVED.has(first)) refuse(place, `cannot be "${path}": what begins with "/${first}" is reserved`);
    else if (owner !== undefined) refuse(place, `cannot be "${path}": virtualServers.${owner} is served there`);
    else owners.set(path, name);
    for (const [index, upstream] of (server.upstreams ?? []).entries()) {
      if (Object.hasOwn(mcpServers, upstream)) continue;
      const nearest = nearestOf(upstream, Object.keys(mcpServers));
      const hint = nearest === undefined ? 'add it to "mcpServers"' : `did you mean "${nearest}"?`;
      refuse([name, 'upstreams', index], `names "${upstream}", which is not in "mcpServers"; ${hint}`);
    }
  }
}
