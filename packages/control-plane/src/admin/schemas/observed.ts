import { UPSTREAM_KINDS, UPSTREAM_STATES } from '@signalbox/core';
import { next, z } from './common.ts';

const amount = z.int().min(0);
const implementation = z.looseObject({ name: z.string(), version: z.string() }).openapi('Implementation');

export const upstreamBody = z
  .strictObject({
    name: z.string(),
    kind: z.enum(UPSTREAM_KINDS),
    state: z.enum(UPSTREAM_STATES),
    reason: z.string().describe('Why it is in this state.'),
    since: z.string().describe('ISO 8601.'),
    revision: z.string().optional(),
    server: implementation.optional(),
    pid: z.int().optional(),
    tags: z.array(z.string()),
    capabilities: z.array(z.string()),
    tools: amount,
    resources: amount,
    prompts: amount,
    leftOut: z.array(
      z
        .strictObject({ kind: z.enum(['tool', 'prompt', 'resource', 'template']), name: z.string(), reason: z.string() })
        .openapi('LeftOutEntry'),
    ),
    starts: amount,
    calls: amount,
    failures: amount,
    isolated: amount,
    openedAhead: amount,
    usedAhead: amount,
    inFlight: amount,
    queued: amount,
    breaker: z.enum(['closed', 'open', 'half-open']),
    stderr: z.array(z.string()),
  })
  .openapi('UpstreamStatus');

const virtualServer = z
  .strictObject({
    name: z.string(),
    path: z.string(),
    surface: z.enum(['all', 'hot', 'search']),
    upstreams: z.array(z.string()),
    tools: amount,
    resources: amount,
    prompts: amount,
  })
  .openapi('VirtualServerStatus');

export const statusBody = z
  .strictObject({
    version: z.string(),
    pid: z.int(),
    uptimeSeconds: amount,
    address: z.string().nullable(),
    stateVersion: amount,
    sessions: z.strictObject({ open: amount, streams: amount }),
    upstreams: z.array(upstreamBody),
    virtualServers: z.array(virtualServer),
  })
  .openapi('Status');

export const upstreamsBody = z.strictObject({ upstreams: z.array(upstreamBody) }).openapi('Upstreams');
export const logsBody = z.strictObject({ name: z.string(), lines: z.array(z.string()) }).openapi('UpstreamLogs');
export const restartBody = z.strictObject({ name: z.string(), generation: amount }).openapi('Restart');

export const callRecord = z
  .looseObject({
    callId: z.string(),
    method: z.string(),
    name: z.string().optional(),
    upstream: z.string().optional(),
    client: z.string().optional(),
    revision: z.string(),
    startedAtMs: z.number(),
    durationMs: z.number(),
    status: z.enum(['ok', 'tool-error', 'rpc-error', 'gateway-error', 'cancelled']),
    error: z.string().optional(),
    attempts: amount,
    cached: z.boolean(),
    isAhead: z.literal(true).optional().describe('Nobody had asked for it: the gateway made it, to have the answer at hand.'),
    isApproved: z
      .literal(true)
      .optional()
      .describe('The person at the client was asked about it, because it was abnormal, and let it be made.'),
  })
  .openapi('CallRecord');

export const callsBody = z.strictObject({ calls: z.array(callRecord).describe('Newest first.'), next }).openapi('Calls');
