import type { ErrorCode, GatewayConfig, Record as CallRecord, UpstreamStatus, VirtualServerStatus } from '@signalbox/core';
import type { LocatedProblem } from './desired-state/config-source.ts';
import type { ConfigDiff } from './desired-state/diff-config.ts';

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

/** `GET /config`: secrets read `***`. */
export interface ConfigBody {
  readonly version: number;
  readonly config: GatewayConfig;
}

/** `GET /calls?limit=` */
export interface CallsBody {
  /** Newest first. */
  readonly calls: readonly CallRecord[];
}

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
