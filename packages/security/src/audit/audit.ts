import {
  GatewayError,
  toMessage,
  type AuditConfig,
  type Clock,
  type Journal,
  type Logger,
  type Record as CallRecord,
  type RecordPayload,
  type Store,
} from '@signalbox/core';
import { CHAIN_PREFIX, type AuditChange, type ChainHead } from './audit-entry.ts';
import { ChainWriter } from './chain-writer.ts';
import { listEntries, type AuditPage, type AuditQuery } from './list-entries.ts';
import { readPayload, toPayloadText, type ShownPayload } from './payloads.ts';
import { trimChain } from './trim-chain.ts';
import { verifyChain, type ChainVerdict } from './verify-chain.ts';

export interface AuditOptions {
  /** Keeps `audit-payloads` sealed. */
  readonly store: Store;
  /** Whose chain this process writes: the same after a restart, another for each process that serves at the same time. */
  readonly writer: { readonly instance: string; readonly slot: number };
  readonly config: AuditConfig;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Records kept of each chain, for stores that are small. */
  readonly maxRecords?: number;
}

export interface AuditVerdict {
  readonly isSound: boolean;
  readonly chains: readonly ChainVerdict[];
}

/** A record that someone has remembered, to compare a chain with. */
export interface KnownRecord extends ChainHead {
  readonly chain: string;
}

/** Who did what: a chain of records in which each one holds the hash of the one before. Whoever created it closes it. */
export interface Audit extends Required<Pick<Journal, 'check' | 'payloadBytes' | 'isDurable'>> {
  write(record: CallRecord, payload?: RecordPayload): Promise<void> | undefined;
  /** Of all chains in the store, newest first. @throws GatewayError `INVALID_PARAMS` for a cursor that is none of ours. */
  list(query: AuditQuery): Promise<AuditPage>;
  /** @param known Records that must be there, from earlier verdicts: they tell when the end of a chain was cut off. */
  verify(known?: readonly KnownRecord[]): Promise<AuditVerdict>;
  /** What was kept beside a record. @throws GatewayError `CONFLICT` when it was changed since. */
  payload(chain: string, sequence: number): Promise<ShownPayload | undefined>;
  /** Resolves once it is kept, or, when the audit is not required, waits for the store. */
  change(record: AuditChange): Promise<void>;
  /** Why records cannot be kept now. */
  readonly obstacle: string | undefined;
  /** Records that wait to be written. */
  readonly queued: number;
  /** Records that were lost since the start. */
  readonly lost: number;
  close(): Promise<void>;
}

/** What nobody waits for is written with what comes this much later, in milliseconds. */
const LINGER_MS = 25;
const CLOSE_MS = 5_000;
const DAY_MS = 86_400_000;
const TRIM_EVERY_MS = DAY_MS / 24;
/** Chains of a small store are looked at this often, and trimmed when they have this share more than may stay. */
const TRIM_SMALL_EVERY_MS = 1_000;
const SMALL_EXCESS = 0.1;

/** Keeps the audit of this process in a chain of its own, and reads those of all. */
export function createAudit(options: AuditOptions): Audit {
  const {
    store,
    writer: { instance, slot },
    config,
    clock,
    logger,
    maxRecords = Number.POSITIVE_INFINITY,
  } = options;
  const { durable: isDurable, required: isRequired, maxPayloadBytes } = config;
  const chain = `${CHAIN_PREFIX}${instance}.${slot}`;
  const writer = new ChainWriter({ store, chain, clock, logger, lingerMs: isDurable ? 0 : LINGER_MS });
  const payloadBytes = config.payloads === 'sealed' ? maxPayloadBytes : 0;
  const chains = async () => (await store.names()).logs.filter((log) => log.startsWith(CHAIN_PREFIX));
  writer.open();
  const stopTrimming = trimRegularly(options, {
    chain,
    maxRecords,
    onTrimmed: (anchor) => void change(trimmed(anchor, clock)).catch(() => undefined),
  });

  // Not being able to keep a record is an error only to those who said that it is.
  const settle = (kept: Promise<void>): Promise<void> => (isRequired ? kept : kept.catch(() => undefined));
  const change = (record: AuditChange): Promise<void> => settle(writer.keep({ kind: 'change', record, payload: undefined }));
  return {
    payloadBytes,
    isDurable,
    check: () => {
      const obstacle = isRequired ? writer.obstacle : undefined;
      if (obstacle !== undefined) throw refusal(obstacle);
    },
    write: (record, payload) => {
      // It was refused for want of a place for its record.
      if (record.error === 'AUDIT_UNAVAILABLE' && record.attempts === 0) return undefined;
      const fact = {
        kind: 'call' as const,
        record,
        payload: payload && payloadBytes > 0 ? toPayloadText(payload, payloadBytes) : undefined,
      };
      if (!isDurable || (!isRequired && writer.obstacle !== undefined)) return writer.add(fact) as undefined;
      return settle(writer.keep(fact));
    },
    list: async (query) => {
      await writer.flush();
      return listEntries(store, await chains(), query);
    },
    verify: async (known = []) => {
      await writer.flush();
      const verdicts: ChainVerdict[] = [];
      const own = writer.head;
      const wanted = own === undefined || own.sequence === 0 ? known : [...known, { chain, ...own }];
      const names = new Set([...(await chains()), ...wanted.map((record) => record.chain)]);
      for (const name of names)
        verdicts.push(
          await verifyChain(
            store,
            name,
            wanted.filter((record) => record.chain === name),
          ),
        );
      return { isSound: verdicts.every(({ broken }) => broken === undefined), chains: verdicts };
    },
    payload: async (name, sequence) => {
      await writer.flush();
      return readPayload(store, name, sequence);
    },
    change,
    get obstacle() {
      return writer.obstacle;
    },
    get queued() {
      return writer.queued;
    },
    get lost() {
      return writer.lost;
    },
    close: () => {
      stopTrimming();
      return writer.close(CLOSE_MS);
    },
  };
}

function refusal(obstacle: string): GatewayError {
  return new GatewayError(
    'AUDIT_UNAVAILABLE',
    `Cannot make calls while their records cannot be kept: ${obstacle}; try again later, or set "audit.required" to false to go on without`,
    { data: { sent: false } },
  );
}

function trimmed({ sequence, hash }: ChainHead, clock: Clock): AuditChange {
  const lines = [`records up to ${sequence} were let go; the hash of the last one is ${hash}`];
  return { atMs: clock.now(), by: 'gateway', action: 'audit.trim', reason: undefined, stateVersion: undefined, lines };
}

interface Trimming {
  readonly chain: string;
  readonly maxRecords: number;
  readonly onTrimmed: (anchor: ChainHead) => void;
}

function trimRegularly({ store, config, clock, logger }: AuditOptions, { chain, maxRecords, onTrimmed }: Trimming): () => void {
  const isSmall = Number.isFinite(maxRecords);
  let isStopped = false;
  const trim = async (): Promise<void> => {
    try {
      const { first, last } = await store.span(chain);
      if (isSmall && last - first < maxRecords * (1 + SMALL_EXCESS)) return;
      const anchor = await trimChain(store, chain, { beforeMs: clock.now() - config.keepDays * DAY_MS, maxRecords });
      // A small store loses records all the time, which need not be told each time.
      if (anchor !== undefined && !isSmall) onTrimmed(anchor);
    } catch (error) {
      logger.debug('could not let old audit records go', { chain, reason: toMessage(error) });
    } finally {
      if (!isStopped) stop = clock.after(isSmall ? TRIM_SMALL_EVERY_MS : TRIM_EVERY_MS, () => void trim());
    }
  };
  let stop = clock.after(isSmall ? TRIM_SMALL_EVERY_MS : 0, () => void trim());
  return () => {
    isStopped = true;
    stop();
  };
}
