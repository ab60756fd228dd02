import type { Record as CallRecord } from '@signalbox/core';

/** A change of what is wanted, or of the gateway itself, as the audit keeps it. */
export interface ChangeRecord {
  /** Wall clock, milliseconds since 1970. */
  readonly atMs: number;
  /** Name of the admin principal; `file` for a change of the configuration file found by watching it. */
  readonly by: string;
  /** What was done: `config.change`, `config.reload`, `config.rollback`, `upstream.restart`, `cache.clear`, `backup`, `profile`… */
  readonly action: string;
  readonly reason: string | undefined;
  /** Version of the wanted state after it, where it has one. */
  readonly stateVersion: number | undefined;
  /** What changed as lines for people, secrets masked. */
  readonly lines: readonly string[];
}

/** One record of the audit as it is read. */
export interface AuditEntry {
  /** Who wrote it: each process that serves has a chain of its own. */
  readonly chain: string;
  /** Its place in that chain, from 1. */
  readonly sequence: number;
  /** SHA-256 of this record and the one before, in hexadecimal. */
  readonly hash: string;
  readonly kind: 'call' | 'change';
  readonly record: CallRecord | ChangeRecord;
  readonly hasPayload: boolean;
}

export interface AuditQuery {
  readonly limit: number;
  /** From `next` of the answer before. */
  readonly cursor?: string | undefined;
  readonly kind?: 'call' | 'change' | undefined;
  readonly upstream?: string | undefined;
  readonly name?: string | undefined;
  readonly principal?: string | undefined;
  readonly status?: string | undefined;
  /** Wall clock, milliseconds since 1970; inclusive. */
  readonly sinceMs?: number | undefined;
  readonly untilMs?: number | undefined;
}

export interface AuditVerdict {
  readonly isSound: boolean;
  readonly chains: readonly {
    readonly chain: string;
    readonly first: number;
    readonly last: number;
    /** Of the last record: kept elsewhere, it tells later whether the end was cut off. */
    readonly head: string;
    /** The first record that is not as it was written, and what is wrong with it. */
    readonly broken: { readonly sequence: number; readonly reason: string } | undefined;
  }[];
}

/** The audit, as the admin API reads it and writes its own changes to it. */
export interface AuditPart {
  /** Newest first. */
  list(query: AuditQuery): Promise<{ readonly entries: readonly AuditEntry[]; readonly next: string | undefined }>;
  verify(): Promise<AuditVerdict>;
  /** For auditors alone. */
  payload(chain: string, sequence: number): Promise<{ readonly arguments: string | null; readonly result: string | null } | undefined>;
  /** Resolves once it is kept. */
  change(record: ChangeRecord): Promise<void>;
}

export type ProfileKind = 'cpu' | 'heap';

export interface ProfileOptions {
  readonly seconds: number;
  /** Its number, from 1. */
  readonly worker: number;
}

/** How the processes that serve fare, and profiles of them on demand. */
export interface MonitorPart {
  read(): Promise<MonitorReading>;
  /**
   * Takes a profile of what the processor does, or a sampling one of allocations.
   * @returns the text of a `.cpuprofile` or `.heapprofile`.
   * @throws GatewayError `CONFLICT` while another one of that worker is taken, `INVALID_PARAMS` for a time out of bounds,
   * `UNKNOWN_NAME` where there is no such worker, `OVERLOADED` while it is being started or does not answer.
   */
  profile(kind: ProfileKind, options: ProfileOptions): Promise<string>;
}

export interface LatencyReading {
  readonly count: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** How one process fares. */
export interface ProcessReading {
  readonly pid: number;
  readonly eventLoop: {
    readonly delayP50Ms: number;
    readonly delayP99Ms: number;
    readonly delayMaxMs: number;
    readonly utilization: number;
  };
  readonly cpu: { readonly userSeconds: number; readonly systemSeconds: number };
  readonly memory: {
    readonly rssBytes: number;
    readonly heapUsedBytes: number;
    readonly heapTotalBytes: number;
    readonly externalBytes: number;
  };
  readonly gc: { readonly count: number; readonly totalMs: number; readonly maxMs: number };
}

export interface WorkerReading extends ProcessReading {
  /** Its number, from 1. */
  readonly worker: number;
  /** Calls it has served, over the last minutes. */
  readonly calls: LatencyReading;
}

export interface MonitorReading {
  /** Each that answered, by number; a gateway of one process has the first alone. */
  readonly workers: readonly WorkerReading[];
  /** Numbers of workers that are being started or did not answer in time, whose calls are in none of the figures. */
  readonly silent: readonly number[];
  /** Calls of each upstream by name, over the last minutes, in all workers. */
  readonly upstreams: Readonly<Record<string, LatencyReading>>;
  readonly all: LatencyReading;
}

/** One tier of the cache. */
export interface CacheTierReading {
  readonly tier: string;
  readonly entries: number;
  readonly bytes: number;
  readonly maxBytes: number;
  readonly hits: number;
  readonly misses: number;
}

/** Answers given to similar calls, since the start. */
export interface SimilarReading {
  readonly hits: number;
  readonly checked: number;
  /** Of those that were checked. */
  readonly wrong: number;
  readonly compared: number;
  /** The greatest bound on the share of wrong answers that one was given with. */
  readonly bound: number;
}

/** Calls that nobody had asked for, since the start. */
export interface AheadReading {
  readonly made: number;
  /** Of those, the ones that somebody asked for then. */
  readonly used: number;
}

export interface CachePart {
  read(): Promise<{
    readonly tiers: readonly CacheTierReading[];
    readonly hits: number;
    readonly staleHits: number;
    readonly misses: number;
    /** Time that callers did not wait, by what the same answers took when they were fetched. */
    readonly savedMs: number;
    readonly similar: SimilarReading;
    readonly ahead: AheadReading;
  }>;
  /** Forgets the answers of one upstream, or all. */
  clear(upstream: string | undefined): Promise<void>;
}

export interface StoragePart {
  read(): { readonly kind: string; readonly state: 'ok' | 'read-only' | 'away'; readonly reason: string | undefined };
  /** Writes a copy of the store beside the running one. */
  backup(): Promise<{ readonly path: string; readonly bytes: number; readonly sha256: string }>;
}
