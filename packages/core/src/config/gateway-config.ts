import { z } from 'zod';
import { GATEWAY_LOG_LEVELS } from '../log-level.ts';
import { secretReference } from './secret.ts';
import { upstreamConfig } from './upstream-config.ts';
import { checkVirtualServers, surfaceKind, virtualServerConfig } from './virtual-server-config.ts';

export const listenConfig = z.strictObject({
  host: z.string().default('127.0.0.1').describe('Address to listen on. Anything but loopback needs `token`.'),
  port: z.int().min(0).max(65_535).default(7420).describe('Port to listen on; 0 takes any free one.'),
  token: secretReference.optional().describe('Bearer token every request must carry. Required when `host` is not loopback.'),
  allowedHosts: z.array(z.string().min(1)).default([]).describe('Host names accepted in the Host header beside loopback and `host`.'),
  allowedOrigins: z
    .array(z.string().min(1))
    .default([])
    .describe('Web origins accepted in the Origin header beside those on loopback at our own port.'),
});
export type ListenConfig = z.infer<typeof listenConfig>;

export const logConfig = z.strictObject({
  level: z.enum(GATEWAY_LOG_LEVELS).default('info').describe('Least severe level that is written.'),
  file: z.string().optional().describe('File to write to instead of stderr, one JSON object a line. Relative to the data folder.'),
  maxBytes: z.int().min(4096).default(10_485_760).describe('Size at which the file is rotated.'),
  keep: z.int().min(1).max(1000).default(5).describe('Rotated files that are kept.'),
});
export type LogConfig = z.infer<typeof logConfig>;

export const sessionConfig = z.strictObject({
  idleSeconds: z.int().min(1).default(1800).describe('A session without a request or an open stream for this long is ended.'),
  max: z.int().min(1).default(10_000).describe('Open sessions at each address; beyond it the one idle longest is ended.'),
});
export type SessionConfig = z.infer<typeof sessionConfig>;

export const limitConfig = z.strictObject({
  maxMessageBytes: z.int().min(1024).default(4_194_304).describe('Largest message accepted from a client.'),
  maxResultBytes: z.int().min(1024).default(67_108_864).describe('Largest message accepted from an upstream.'),
  maxDepth: z.int().min(8).max(10_000).default(64).describe('Deepest nesting of arrays and objects accepted in a message from a client.'),
  maxInFlight: z.int().min(1).default(10_000).describe('Calls in the gateway at once; more are refused as overloaded.'),
  startConcurrency: z.int().min(1).default(16).describe('Upstreams started at the same time.'),
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
    instructions: z.string().optional().describe('Text clients receive as the server’s instructions, in front of those of the upstreams.'),
  })
  .superRefine(checkVirtualServers);
export type GatewayConfig = z.infer<typeof gatewayConfig>;
export type { UpstreamConfig } from './upstream-config.ts';
