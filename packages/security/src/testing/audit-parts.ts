import {
  GatewayError,
  silentLogger,
  systemClock,
  type AuditConfig,
  type Logger,
  type Record as CallRecord,
  type Store,
  type StoreOperation,
} from '@signalbox/core';
import { createMemoryStore } from '@signalbox/storage';
import { createAudit, type Audit } from '../audit/audit.ts';

export const AUDIT_CONFIG: AuditConfig = {
  enabled: true,
  durable: false,
  required: false,
  payloads: 'none',
  maxPayloadBytes: 256,
  keepDays: 365,
};

export const CHAIN = 'audit.test.0';

/** The record of a call, told apart by its id. */
export function createCallRecord(callId: string, more: Partial<CallRecord> = {}): CallRecord {
  return {
    callId,
    method: 'tools/call',
    name: 'echo',
    server: undefined,
    principal: 'local',
    upstream: 'everything',
    upstreamName: 'echo',
    client: 'test',
    revision: 'modern',
    startedAtMs: Date.now(),
    durationMs: 1.5,
    queuedMs: 0,
    upstreamMs: 1,
    sentAfterMs: 0.1,
    paramsBytes: 100,
    resultBytes: 200,
    status: 'ok',
    error: undefined,
    attempts: 1,
    cached: false,
    cacheTier: undefined,
    trace: undefined,
    ...more,
  };
}

/** An audit over a store in memory, unless another one is given. */
export function createTestAudit(
  config: Partial<AuditConfig> = {},
  {
    store = createMemoryStore(),
    logger = silentLogger,
    slot = 0,
    maxRecords,
  }: { store?: Store; logger?: Logger; slot?: number; maxRecords?: number } = {},
): { audit: Audit; store: Store } {
  const audit = createAudit({
    store,
    writer: { instance: 'test', slot },
    config: { ...AUDIT_CONFIG, ...config },
    clock: systemClock,
    logger,
    ...(maxRecords !== undefined && { maxRecords }),
  });
  return { audit, store };
}

/** What becomes of a commit: made; refused; made although it is reported as failed; never answered. */
export type Fate = 'made' | 'refused' | 'made-unheard';

/** A store whose commits to a log meet the fates given for them, in order. */
export function createFaultyStore(fate: (commit: number) => Fate): Store & { readonly commits: number; readonly kept: Store } {
  const kept = createMemoryStore();
  let commits = 0;
  return {
    ...kept,
    kept,
    get commits() {
      return commits;
    },
    commit: async (operations: readonly StoreOperation[]) => {
      const away = new GatewayError('STORE_UNAVAILABLE', 'the disk is full');
      const becomes = fate(++commits);
      if (becomes === 'refused') throw away;
      const results = await kept.commit(operations);
      if (becomes === 'made-unheard') throw away;
      return results;
    },
  };
}

/** Copies a log as someone with access to the store could have changed it. */
export async function rewriteLog(store: Store, change: (values: Buffer[]) => Buffer[]): Promise<Store> {
  const changed = createMemoryStore();
  const values = change((await store.read(CHAIN, { limit: 100_000 })).map(({ value }) => value));
  if (values.length > 0) await changed.commit([{ kind: 'append', log: CHAIN, values }]);
  return changed;
}
