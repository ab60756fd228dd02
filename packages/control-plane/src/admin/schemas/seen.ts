import { ROLES } from '@signalbox/core';
import { next, z } from './common.ts';
import { callRecord } from './observed.ts';

const amount = z.number().min(0);

const changeRecord = z
  .strictObject({
    atMs: z.number(),
    by: z.string(),
    action: z.string(),
    reason: z.string().optional(),
    stateVersion: z.int().optional(),
    lines: z.array(z.string()),
  })
  .openapi('ChangeRecord');

export const auditEntry = z
  .strictObject({
    chain: z.string(),
    sequence: z.int().min(1),
    hash: z.string(),
    kind: z.enum(['call', 'change']),
    record: z.union([callRecord, changeRecord]),
    hasPayload: z.boolean(),
  })
  .openapi('AuditEntry');

export const auditBody = z.strictObject({ entries: z.array(auditEntry).describe('Newest first.'), next }).openapi('Audit');

export const auditVerdictBody = z
  .strictObject({
    isSound: z.boolean(),
    chains: z.array(
      z
        .strictObject({
          chain: z.string(),
          first: z.int(),
          last: z.int(),
          head: z.string(),
          broken: z.strictObject({ sequence: z.int(), reason: z.string() }).optional(),
        })
        .openapi('AuditChain'),
    ),
  })
  .openapi('AuditVerdict');

export const payloadBody = z.strictObject({ arguments: z.string().nullable(), result: z.string().nullable() }).openapi('AuditPayload');

const latency = z.strictObject({ count: amount, p50Ms: amount, p90Ms: amount, p99Ms: amount, maxMs: amount }).openapi('Latency');

const workerReading = z
  .strictObject({
    worker: z.int().min(1).describe('Its number.'),
    pid: z.int(),
    eventLoop: z.strictObject({ delayP50Ms: amount, delayP99Ms: amount, delayMaxMs: amount, utilization: amount }),
    cpu: z.strictObject({ userSeconds: amount, systemSeconds: amount }),
    memory: z.strictObject({ rssBytes: amount, heapUsedBytes: amount, heapTotalBytes: amount, externalBytes: amount }),
    gc: z.strictObject({ count: amount, totalMs: amount, maxMs: amount }),
    calls: latency,
  })
  .openapi('WorkerReading');

export const monitorBody = z
  .strictObject({
    workers: z.array(workerReading).describe('Each process that answered; a gateway without workers is one.'),
    silent: z.array(z.int()).describe('Workers that are being started or did not answer in time. Their calls are in none of the figures.'),
    upstreams: z.record(z.string(), latency).describe('Calls of each upstream within the last minutes, in all workers.'),
    all: latency,
  })
  .openapi('Monitor');

export const cachesBody = z
  .strictObject({
    tiers: z.array(
      z
        .strictObject({ tier: z.string(), entries: amount, bytes: amount, maxBytes: amount, hits: amount, misses: amount })
        .openapi('CacheTier'),
    ),
    hits: amount,
    staleHits: amount,
    misses: amount,
    savedMs: amount,
    similar: z
      .strictObject({
        hits: amount.describe('Calls that were answered with the result of a similar one.'),
        checked: amount.describe('Calls that would have been, and were made to check it.'),
        wrong: amount.describe('Among those that were checked, the ones that would have been wrong.'),
        compared: amount.describe('Calls compared with a similar one, to learn from it.'),
        bound: z.number().min(0).max(1).describe('Greatest bound on the share of wrong answers that one was given with.'),
      })
      .openapi('SimilarAnswers'),
    ahead: z
      .strictObject({
        made: amount.describe('Calls that nobody had asked for, made to have their answers at hand.'),
        used: amount.describe('Among those, the ones that somebody asked for then.'),
      })
      .openapi('CallsAhead'),
  })
  .openapi('Caches');

export const clearedBody = z
  .strictObject({ cleared: z.string().describe('Name of the upstream, or `*` for all.') })
  .openapi('ClearedCache');

export const storageBody = z
  .strictObject({ kind: z.string(), state: z.enum(['ok', 'read-only', 'away']), reason: z.string().optional() })
  .openapi('Storage');

export const backupBody = z.strictObject({ path: z.string(), bytes: amount, sha256: z.string() }).openapi('Backup');

export const whoBody = z
  .strictObject({
    name: z.string(),
    role: z.enum(ROLES),
    may: z.array(z.string()).describe('Operations that are open to it, by `operationId`.'),
  })
  .openapi('WhoAmI');

export const accessBody = z
  .strictObject({
    principals: z.array(
      z
        .strictObject({
          name: z.string(),
          role: z.enum(ROLES),
          isUsable: z.boolean().describe('Whether its token is in the environment of the gateway.'),
        })
        .openapi('AdminPrincipal'),
    ),
  })
  .openapi('Access');

export const profileRequest = z
  .strictObject({
    seconds: z.int().min(1).max(60).optional().describe('Default 10.'),
    worker: z.int().min(1).optional().describe('Number of the worker. Default 1, the one that leads.'),
  })
  .openapi('ProfileRequest');
