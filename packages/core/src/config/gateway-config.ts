import { z } from 'zod';
import { GATEWAY_LOG_LEVELS } from '../log-level.ts';
import { learningConfig } from './learning-config.ts';
import { resultsConfig } from './results-config.ts';
import { searchConfig } from './search-config.ts';
import { secretReference } from './secret.ts';
import { adminConfig, auditConfig, telemetryConfig } from './seen-config.ts';
import { cacheConfig, storageConfig } from './storage-config.ts';
import { upstreamConfig } from './upstream-config.ts';
import { checkVirtualServers, surfaceKind, virtualServerConfig } from './virtual-server-config.ts';

export const listenConfig = z.strictObject({
  host: z.string().default('127.0.0.1').describe('Address to listen on. Anything but loopback needs `token`.'),
  port: z.int().min(0).max(65_535).default(7420).describe('Port to listen on; 0 takes any free one.'),
  workers: z
    .int()
    .min(1)
    .max(64)
    .default(1)
    .describe('Processes that serve the port. Each runs every stdio server once; see docs/workers.md.'),
  token: secretReference.optional().describe('Bearer token every request must carry. Required when `host` is not loopback.'),
  allowedHosts: z.array(z.string().min(1)).default([]).describe('Host names accepted in the Host header beside loopback and `host`.'),
  allowedOrigins: z
    .array(z.string().min(1))
    .default([])
    .describe('Web origins accepted in the Origin header beside those on loopback at our own port.'),
  legacySse: z
    .boolean()
    .default(true)
    .describe('Also serve clients that know only the HTTP+SSE transport of revision 2024-11-05, at `/sse`, behind the same checks.'),
  drain: z
    .strictObject({
      delaySeconds: z
        .int()
        .min(0)
        .max(600)
        .default(0)
        .describe('At the end, time to go on as before while `/readyz` says no, so that a load balancer sends its clients elsewhere.'),
      graceSeconds: z.int().min(0).max(3_600).default(10).describe('Longest wait for calls in flight at the end.'),
    })
    .prefault({})
    .describe('How the gateway ends.'),
});
export type ListenConfig = z.infer<typeof listenConfig>;

export const logConfig = z.strictObject({
  level: z.enum(GATEWAY_LOG_LEVELS).default('info').describe('Least severe level that is written.'),
  file: z.string().optional().describe('File to write to instead of stderr, one JSON object a line. Relative to the data folder.'),
  maxBytes: z.int().min(4096).default(10_485_760).describe('Size at which the file is rotated.'),
  keep: z.int().min(1).max(1000).default(5).describe('Rotated files that are kept.'),
  calls: z.boolean().default(false).describe('Write a line for each call, at level `info`.'),
});
export type LogConfig = z.infer<typeof logConfig>;

export const sessionConfig = z.strictObject({
  idleSeconds: z
    .int()
    .min(1)
    .default(1800)
    .describe('What is kept of a session without a request or an open stream for this long is let go. Its client may still go on with it.'),
  max: z.int().min(1).default(10_000).describe('Sessions kept at once at each address; beyond it the one idle longest is let go.'),
  maxAgeSeconds: z
    .int()
    .min(60)
    .max(31_536_000)
    .default(604_800)
    .describe('How long a client may go on with a session that was let go, or was opened before a restart. Counted from its beginning.'),
  inputSeconds: z
    .int()
    .min(1)
    .max(86_400)
    .default(600)
    .describe('Longest wait for what a server asks of a client, or its user, during a call.'),
});
export type SessionConfig = z.infer<typeof sessionConfig>;

export const idempotencyConfig = z.strictObject({
  ttlSeconds: z.int().min(1).max(2_592_000).default(86_400).describe('How long a key and the outcome of its call are remembered.'),
  maxKeys: z
    .int()
    .min(1)
    .max(10_000_000)
    .default(100_000)
    .describe('Keys remembered at once; beyond it the oldest are forgotten before their time, and the log says so.'),
  maxBytes: z
    .int()
    .min(0)
    .default(67_108_864)
    .describe('Outcomes kept for a replay, all together; beyond it a call sent again is refused instead of replayed.'),
  durable: z
    .boolean()
    .default(false)
    .describe(
      'Write to the data folder that a call with a key begins, before it is sent, so that it is not run again after a restart either. Costs one wait for the disk a call.',
    ),
});
export type IdempotencyConfig = z.infer<typeof idempotencyConfig>;

export const limitConfig = z.strictObject({
  maxMessageBytes: z.int().min(1024).default(4_194_304).describe('Largest message accepted from a client.'),
  maxResultBytes: z.int().min(1024).default(67_108_864).describe('Largest message accepted from an upstream.'),
  maxDepth: z.int().min(8).max(1_000).default(64).describe('Deepest nesting of arrays and objects accepted in a message from a client.'),
  maxInFlight: z.int().min(1).default(10_000).describe('Calls in the gateway at once; more are refused as overloaded.'),
  startConcurrency: z.int().min(1).default(16).describe('Upstreams started at the same time.'),
  idempotency: idempotencyConfig.prefault({}).describe('What is remembered of calls with an idempotency key.'),
});
export type LimitConfig = z.infer<typeof limitConfig>;

export const gatewayConfig = z
  .strictObject({
    $schema: z.string().optional().describe('Address of the JSON Schema, for editors.'),
    mcpServers: z
      .record(
        z
          .string()
          .regex(
            /^[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}$/,
            'must start with a letter or digit and hold at most 64 letters, digits, spaces, dots, dashes and underscores',
          ),
        upstreamConfig,
      )
      .default({})
      .describe('The servers behind this address, by name, in the form other MCP hosts use.'),
    virtualServers: z
      .record(
        z
          .string()
          .regex(
            /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
            'must start with a letter or digit and hold at most 64 letters, digits, dots, dashes and underscores',
          ),
        virtualServerConfig,
      )
      .default({})
      .describe('Further servers that clients see on the same listener, each with a choice of what is here, by name.'),
    surface: surfaceKind
      .default('all')
      .describe('What clients of `/mcp` see: all tools, or three tools to find, describe and call the others by (`search`).'),
    listen: listenConfig.prefault({}).describe('Where clients reach the gateway. Read at start.'),
    log: logConfig.prefault({}).describe('What is logged and where. Read at start.'),
    sessions: sessionConfig.prefault({}).describe('Sessions of clients that speak a handshake revision. Read at start.'),
    limits: limitConfig.prefault({}).describe('Bounds that keep the gateway up. Read at start.'),
    storage: storageConfig.prefault({}).describe('Where things rest. Read at start.'),
    cache: cacheConfig.prefault({}).describe('Answers that are used again. Read at start.'),
    audit: auditConfig.prefault({}).describe('Who did what. Read at start.'),
    telemetry: telemetryConfig.prefault({}).describe('Traces and metrics. Read at start.'),
    search: searchConfig.optional().describe('How tools are found where they are searched for. Read at start.'),
    learning: learningConfig.prefault({}).describe('What is learned from calls. Read at start.'),
    admin: adminConfig.prefault({}).describe('Who may steer the gateway.'),
    results: resultsConfig
      .optional()
      .describe('When large results become handles with a preview. Default: never; `{}` takes the defaults.'),
    instructions: z.string().optional().describe('Text clients receive as the server’s instructions, in front of those of the upstreams.'),
  })
  .superRefine(checkVirtualServers);
export type GatewayConfig = z.infer<typeof gatewayConfig>;
export type { UpstreamConfig } from './upstream-config.ts';
