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

const similarConfig = z.strictObject({
  tools: names(
    'Of the cached tools, those for which that is done (`*` stands for any text). A tool that says it is not read-only is left out.',
  ),
  maxWrong: z
    .number()
    .min(0.001)
    .max(0.2)
    .default(0.02)
    .describe('Largest share of wrong answers among those given; calls are made until enough of them have shown that it is less.'),
});

export const upstreamCacheConfig = z.strictObject({
  ttlMs: milliseconds(60_000, 'How long an answer may be reused.'),
  staleMs: z
    .int()
    .min(0)
    .max(86_400_000)
    .default(0)
    .describe('How long after that it may still be given while a new one is fetched behind it.'),
  tools: names(
    'Tools whose answers depend on nothing but their arguments. Only these are cached (`*` stands for any text, and passes over tools that say they are not read-only).',
  ),
  scope: z
    .enum(['caller', 'shared'])
    .default('caller')
    .describe('Who is given an answer again: the principal who caused it, or everyone who may call the tool.'),
  similar: similarConfig
    .optional()
    .describe(
      'Answers a call also with what the same principal was answered to a similar one, such as another spelling, once learning has seen that such differences leave the answer as it is. Does nothing without `learning.enabled`. Default: not done.',
    ),
});
export type UpstreamCacheConfig = z.infer<typeof upstreamCacheConfig>;

export const isolationConfig = z.strictObject({
  mode: z
    .enum(['auto', 'shared', 'session', 'principal'])
    .default('auto')
    .describe(
      'Who shares a connection to a server of a handshake revision. `auto`: all, but clients that can be asked (sampling, elicitation, roots) get their own, as the protocol demands. `shared`: all; the server cannot ask anything. `session`: each session its own, for servers that keep state. `principal`: each principal its own.',
    ),
  max: z
    .int()
    .min(1)
    .max(10_000)
    .optional()
    .describe(
      'Connections for single clients at once; beyond it one that is idle is closed, or a call waits. Default: 16 where each is a process (`command`), 1,024 where each is a session at an address (`url`).',
    ),
  idleSeconds: z.int().min(1).max(86_400).default(300).describe('A connection for a single client without a call for this long is closed.'),
});
export type IsolationConfig = z.infer<typeof isolationConfig>;

const HTTP = { key: 'url', scheme: /^https?:/i, needs: 'an http:// or https:// address' } as const;
const WEB_SOCKET = { key: 'url', scheme: /^wss?:/i, needs: 'a ws:// or wss:// address' } as const;

/** What an entry that names its type must have. */
const TYPES = {
  stdio: { key: 'command' },
  http: HTTP,
  'streamable-http': HTTP,
  streamableHttp: HTTP,
  sse: HTTP,
  websocket: WEB_SOCKET,
  ws: WEB_SOCKET,
  module: { key: 'module' },
} as const satisfies Record<string, { key: string; scheme?: RegExp; needs?: string }>;

export const upstreamConfig = z
  .strictObject({
    type: z
      .enum(Object.keys(TYPES) as [keyof typeof TYPES])
      .optional()
      .describe(
        'Kind of upstream, as other hosts write it. It must agree with `command`, `url` or `module`, which say the same. Two say more: `sse` asks for the older HTTP+SSE transport at once, `streamable-http` never does.',
      ),
    command: z.string().min(1).optional().describe('Program to start; it speaks MCP on stdin and stdout. Run without a shell.'),
    args: z.array(z.string()).default([]).describe('Arguments of the program. `${env:NAME}` and `${configDir}` are replaced.'),
    env: z.record(z.string(), secretText).default({}).describe('Environment variables of the program beside the few every program gets.'),
    inheritEnv: names('Environment variables of the gateway handed on to the program.').default([]),
    cwd: z.string().optional().describe('Folder the program runs in. Relative to the configuration file. Default: the file’s folder.'),
    url: z
      .string()
      .optional()
      .describe(
        'Address of a server: `http://` or `https://` for Streamable HTTP, or HTTP+SSE where the server refuses that, `ws://` or `wss://` for WebSocket.',
      ),
    headers: z
      .record(z.string(), secretText)
      .default({})
      .describe('Headers sent with each request to `url`; over WebSocket with each upgrade.'),
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
    isolation: isolationConfig.prefault({}).describe('Which clients share a connection.'),
    fallback: names(
      'Upstreams to ask for a tool of the same name while this one is unavailable. One that asks for input in turn gets the answer.',
    ).default([]),
    maxConcurrent: z.int().min(1).max(10_000).default(512).describe('Calls in flight at once; more wait in line.'),
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
    const { type, url } = upstream;
    const wanted: { key: string; scheme?: RegExp; needs?: string } | undefined = type === undefined ? undefined : TYPES[type];
    if (wanted !== undefined && given.length === 1 && given[0] !== wanted.key) {
      context.addIssue({ code: 'custom', path: ['type'], message: `"${type}" needs "${wanted.key}", and the entry has "${given[0]}"` });
    }
    if (url === undefined) return;
    if (!isAddress(url)) {
      context.addIssue({ code: 'custom', path: ['url'], message: 'must be an http://, https://, ws:// or wss:// address' });
    } else if (wanted?.scheme?.test(url) === false) {
      context.addIssue({ code: 'custom', path: ['url'], message: `must be ${wanted.needs} for an upstream of type "${type}"` });
    }
    if (type === 'sse' && upstream.revision === 'modern') {
      context.addIssue({ code: 'custom', path: ['revision'], message: 'cannot be "modern" with type "sse", which came before it' });
    }
  });
export type UpstreamConfig = z.infer<typeof upstreamConfig>;

/** How an upstream is reached. `http` is Streamable HTTP, or HTTP+SSE where the server refuses that; `sse` is HTTP+SSE at once. */
export const UPSTREAM_KINDS = ['stdio', 'http', 'sse', 'websocket', 'module'] as const;
export type UpstreamKind = (typeof UPSTREAM_KINDS)[number];

/** Connections for single clients that an upstream may have at once. A process is dear, and a session at a server cheap. */
export function isolatedMaxOf({ command, isolation }: UpstreamConfig): number {
  return isolation.max ?? (command === undefined ? 1024 : 16);
}

/** Which kind an entry is. */
export function kindOf({ command, url, type }: UpstreamConfig): UpstreamKind {
  if (command !== undefined) return 'stdio';
  if (url === undefined) return 'module';
  if (type === 'sse') return 'sse';
  return WEB_SOCKET.scheme.test(url) ? 'websocket' : 'http';
}

function isAddress(text: string): boolean {
  const withoutReferences = text.replace(/\$\{[^}]*\}/g, 'x');
  return URL.canParse(withoutReferences) && /^(?:https?|wss?):$/.test(new URL(withoutReferences).protocol);
}
