import { z } from 'zod';
import { upstreamResultsConfig } from './results-config.ts';
import { secretText } from './secret.ts';

const milliseconds = (fallback: number, about: string) =>
  z.int().min(1).max(86_400_000).default(fallback).describe(`${about} In milliseconds.`);
const names = (about: string) => z.array(z.string().min(1)).describe(about);

export const timeoutConfig = z.strictObject({
  spawnMs: milliseconds(15_000, 'Longest wait for the process to start or the connection to open.'),
  handshakeMs: milliseconds(30_000, 'Longest wait for the answer that opens the conversation.'),
  listMs: milliseconds(30_000, 'Longest wait for one page of a list.'),
  callMs: milliseconds(300_000, 'Longest wait for the answer to a call; progress starts it anew.'),
  stopMs: milliseconds(3_000, 'Time between asking a process to end and killing it with all its children.'),
});
export type TimeoutConfig = z.infer<typeof timeoutConfig>;

export const restartConfig = z.strictObject({
  backoffMs: milliseconds(500, 'Wait before the first restart; doubles after each failure, with jitter.'),
  maxBackoffMs: milliseconds(60_000, 'Longest wait between restarts. There is no last attempt.'),
  steadyMs: milliseconds(30_000, 'Uptime after which the wait starts from the beginning again.'),
});
export type RestartConfig = z.infer<typeof restartConfig>;

export const healthConfig = z.strictObject({
  intervalMs: milliseconds(30_000, 'An upstream without traffic for this long is pinged.'),
  timeoutMs: milliseconds(5_000, 'Longest wait for the answer to a ping.'),
  failures: z.int().min(1).max(100).default(3).describe('Pings in a row without an answer after which the upstream is restarted.'),
});
export type HealthConfig = z.infer<typeof healthConfig>;

export const retryConfig = z.strictObject({
  attempts: z.int().min(1).max(10).default(3).describe('Total attempts, the first included.'),
  backoffMs: milliseconds(100, 'Wait before the second attempt; doubles after each, with jitter.'),
});
export type RetryConfig = z.infer<typeof retryConfig>;

export const breakerConfig = z.strictObject({
  failures: z.int().min(1).max(1000).default(5).describe('Failures in a row that open the circuit breaker.'),
  openMs: milliseconds(5_000, 'Time until one trial call is let through again.'),
});
export type BreakerConfig = z.infer<typeof breakerConfig>;

export const exposureConfig = z.strictObject({
  prefix: z
    .enum(['on-collision', 'always'])
    .default('on-collision')
    .describe('When public names carry the upstream’s name in front: only if another upstream already has the bare name, or always.'),
  allow: names('Only these tools are exposed (`*` stands for any text). Default: all.').optional(),
  deny: names('These tools are not exposed (`*` stands for any text); wins over `allow`.').default([]),
  rename: z.record(z.string(), z.string()).default({}).describe('Public names by the upstream’s own tool names.'),
});
export type ExposureConfig = z.infer<typeof exposureConfig>;

export const upstreamCacheConfig = z.strictObject({
  ttlMs: milliseconds(60_000, 'How long an answer may be reused.'),
  tools: names('Tools whose answers depend on nothing but their arguments. Only these are cached (`*` stands for any text).'),
});
export type UpstreamCacheConfig = z.infer<typeof upstreamCacheConfig>;

const KEY_OF_TYPE = { stdio: 'command', http: 'url', 'streamable-http': 'url', streamableHttp: 'url', module: 'module' } as const;

export const upstreamConfig = z
  .strictObject({
    type: z
      .enum(['stdio', 'http', 'streamable-http', 'streamableHttp', 'module'])
      .optional()
      .describe('Kind of upstream, as other hosts write it. `command`, `url` or `module` says the same; the two must agree.'),
    command: z.string().min(1).optional().describe('Program to start; it speaks MCP on stdin and stdout. Run without a shell.'),
    args: z.array(z.string()).default([]).describe('Arguments of the program. `${env:NAME}` and `${configDir}` are replaced.'),
    env: z.record(z.string(), secretText).default({}).describe('Environment variables of the program beside the few every program gets.'),
    inheritEnv: names('Environment variables of the gateway handed on to the program.').default([]),
    cwd: z.string().optional().describe('Folder the program runs in. Relative to the configuration file. Default: the file’s folder.'),
    url: z.string().optional().describe('Address of a Streamable HTTP server.'),
    headers: z.record(z.string(), secretText).default({}).describe('Headers sent with each request to `url`.'),
    module: z
      .string()
      .min(1)
      .optional()
      .describe('Package name or file of a module written with @signalbox/tools, run inside the gateway.'),
    config: z
      .record(z.string(), z.unknown())
      .optional()
      .describe('Configuration of the `module`, as its documentation says. References to secrets are resolved.'),
    disabled: z.boolean().default(false).describe('Keep the entry but do not use it.'),
    description: z.string().optional().describe('For people; not used.'),
    tags: names('Words to select upstreams by, as in `signalbox list --tag`.').default([]),
    revision: z
      .enum(['auto', 'modern', 'handshake'])
      .default('auto')
      .describe(
        'Generation of the protocol to speak: found out by asking (`auto`), stateless 2026-07-28 (`modern`), or up to 2025-11-25 (`handshake`).',
      ),
    tools: exposureConfig.prefault({}).describe('Which tools are exposed and under which names.'),
    timeouts: timeoutConfig.prefault({}).describe('Time budgets, each for one phase.'),
    restart: restartConfig.prefault({}).describe('How a failed upstream is brought back.'),
    health: healthConfig.prefault({}).describe('How a quiet upstream is watched.'),
    retry: retryConfig
      .prefault({})
      .describe('When a call is repeated: only if it was never sent, or the tool says it is read-only or idempotent.'),
    breaker: breakerConfig.prefault({}).describe('When calls to a failing upstream are refused at once.'),
    cache: upstreamCacheConfig.optional().describe('Answers kept in memory. Default: none.'),
    results: upstreamResultsConfig
      .optional()
      .describe('Large results of this upstream. Keys that are left out are those of `results` of the gateway.'),
    fallback: names('Upstreams to ask for a tool of the same name while this one is unavailable.').default([]),
    maxConcurrent: z.int().min(1).max(10_000).default(64).describe('Calls in flight at once; more wait in line.'),
    maxQueued: z.int().min(0).max(100_000).default(1024).describe('Calls that may wait in line; more are refused as overloaded.'),
    sequential: z
      .union([z.boolean(), names('Tools.')])
      .default(false)
      .describe('One call at a time: of this upstream (`true`) or of each named tool (`*` stands for any text).'),
  })
  .superRefine((upstream, context) => {
    const given = (['command', 'url', 'module'] as const).filter((key) => upstream[key] !== undefined);
    if (given.length !== 1) {
      const found = given.length === 0 ? 'none of them' : given.map((key) => `"${key}"`).join(' and ');
      context.addIssue({ code: 'custom', message: `needs exactly one of "command", "url" or "module", and has ${found}` });
    }
    const key = upstream.type === undefined ? undefined : KEY_OF_TYPE[upstream.type];
    if (key !== undefined && given.length === 1 && given[0] !== key) {
      context.addIssue({ code: 'custom', path: ['type'], message: `"${upstream.type}" needs "${key}", and the entry has "${given[0]}"` });
    }
    if (upstream.url !== undefined && !isHttpUrl(upstream.url)) {
      context.addIssue({ code: 'custom', path: ['url'], message: 'must be an http:// or https:// address' });
    }
  });
export type UpstreamConfig = z.infer<typeof upstreamConfig>;

/** Which of the three kinds an entry is. */
export function kindOf(config: UpstreamConfig): 'stdio' | 'http' | 'module' {
  if (config.command !== undefined) return 'stdio';
  return config.url === undefined ? 'module' : 'http';
}

function isHttpUrl(text: string): boolean {
  const withoutReferences = text.replace(/\$\{[^}]*\}/g, 'x');
  return URL.canParse(withoutReferences) && /^https?:$/.test(new URL(withoutReferences).protocol);
}
