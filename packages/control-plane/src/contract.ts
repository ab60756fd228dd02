import type { ErrorCode, GatewayConfig, Record as CallRecord, UpstreamStatus, VirtualServerStatus } from '@signalbox/core';
import type { LocatedProblem } from './desired-state/config-source.ts';
import type { ConfigDiff } from './desired-state/diff-config.ts';
import type { Path } from './recorded-state/state-entry.ts';
import type { StateAction } from './recorded-state/state-event.ts';
import type { StateVerdict } from './recorded-state/state-log.ts';
import type { AuditEntry, AuditVerdict, CachePart, MonitorReading, StoragePart } from './parts.ts';

/** Where the admin API begins on its listener. */
export const ADMIN_PREFIX = '/api/v1';

/** `GET /status` */
export interface StatusBody {
  readonly version: string;
  readonly pid: number;
  readonly uptimeSeconds: number;
  /** Where clients reach the gateway; `null` while it serves a single client over stdio. */
  readonly address: string | null;
  /** Version of the wanted state, raised by each change. */
  readonly stateVersion: number;
  readonly sessions: { readonly open: number; readonly streams: number };
  /** In configuration order. */
  readonly upstreams: readonly UpstreamStatus[];
  readonly virtualServers: readonly VirtualServerStatus[];
}

/** `GET /upstreams?kind=&tag=&capability=`; `tag` may be repeated. */
export interface UpstreamsBody {
  readonly upstreams: readonly UpstreamStatus[];
}

/** `GET /upstreams/:name` */
export type UpstreamBody = UpstreamStatus;

/** `GET /upstreams/:name/logs?lines=` */
export interface LogsBody {
  readonly name: string;
  /** The last lines on stderr, oldest first. */
  readonly lines: readonly string[];
}

/** `POST /upstreams/:name/restart`; the restart itself follows. */
export interface RestartBody {
  readonly name: string;
  readonly generation: number;
}

/** `POST /reload` */
export interface ReloadBody {
  readonly diff: ConfigDiff;
  /** The difference as lines for people; none when nothing changed. */
  readonly lines: readonly string[];
}

/** One entry of the state with its owner. */
export interface OwnedEntryBody {
  readonly path: Path;
  readonly owner: 'file' | 'api';
  readonly line: number | undefined;
  readonly state: 'applied' | 'shadowed' | 'unfit';
  readonly reason: string | undefined;
}

/** `GET /config`: secrets read `***`. */
export interface ConfigBody {
  readonly version: number;
  readonly config: GatewayConfig;
  readonly entries: readonly OwnedEntryBody[];
}

/** `POST /changes`, `POST /versions/:version/rollback` */
export interface ChangeBody {
  /** Of the state after it. */
  readonly version: number;
  readonly dryRun: boolean;
  readonly diff: ConfigDiff;
  readonly lines: readonly string[];
  /** What keeps it from being done; only a dry run has any. */
  readonly problems: readonly LocatedProblem[];
  readonly file: { readonly path: string; readonly diff: string; readonly backup: string | undefined } | undefined;
}

export interface VersionSummary {
  readonly version: number;
  readonly atMs: number;
  readonly by: string;
  readonly action: StateAction;
  readonly reason?: string;
  readonly restarts?: readonly string[];
  readonly target?: number;
  readonly isFileChanged: boolean;
  readonly paths: readonly string[];
}

/** `GET /versions?limit=&cursor=&by=&action=` */
export interface VersionsBody {
  /** Newest first. */
  readonly versions: readonly VersionSummary[];
  readonly next: string | undefined;
}

/** `GET /versions/:version` */
export interface VersionBody extends VersionSummary {
  readonly diff: ConfigDiff;
  readonly lines: readonly string[];
  readonly config: GatewayConfig;
}

/** `GET /versions/:version/diff/:to` */
export interface VersionDiffBody {
  readonly from: number;
  readonly to: number;
  readonly diff: ConfigDiff;
  readonly lines: readonly string[];
}

/** `GET /state/verify`, `POST /state/rebuild` */
export type StateVerdictBody = StateVerdict;

/** `GET /calls?limit=&cursor=&upstream=&name=&status=` */
export interface CallsBody {
  /** Newest first. */
  readonly calls: readonly CallRecord[];
  readonly next: string | undefined;
}

/** `GET /audit?limit=&cursor=&kind=&upstream=&name=&principal=&status=&sinceMs=&untilMs=` */
export interface AuditBody {
  /** Newest first. */
  readonly entries: readonly AuditEntry[];
  readonly next: string | undefined;
}

/** `GET /audit/verify` */
export type AuditVerdictBody = AuditVerdict;

/** `GET /audit/:chain/:sequence/payload` */
export interface AuditPayloadBody {
  readonly arguments: string | null;
  readonly result: string | null;
}

/** `GET /monitor` */
export type MonitorBody = MonitorReading;

/** `GET /caches` */
export type CachesBody = Awaited<ReturnType<CachePart['read']>>;

/** `DELETE /caches?upstream=` */
export interface ClearedBody {
  /** Name of the upstream, or `*` for all. */
  readonly cleared: string;
}

/** `GET /storage` */
export type StorageBody = ReturnType<StoragePart['read']>;

/** `POST /storage/backup` */
export type BackupBody = Awaited<ReturnType<StoragePart['backup']>>;

/** Every answer that is an error, as `application/problem+json` (RFC 9457). */
export interface ProblemBody {
  readonly type: 'about:blank';
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  /** What is wrong with the configuration, for `INVALID_CONFIG`. */
  readonly problems?: readonly LocatedProblem[];
}
