import type { Clock, GatewayConfig, Logger, Snapshot, State, Store } from '@signalbox/core';
import type { LocatedProblem } from '../desired-state/config-source.ts';
import type { Precondition } from '../desired-state/desired-state.ts';
import type { ConfigDiff } from '../desired-state/diff-config.ts';
import type { AuditPart } from '../parts.ts';
import type { Actor, ConfigFile, RequestedOperation } from './plan-change.ts';
import type { OwnedEntry } from './read-state.ts';
import type { StateAction, StateEvent } from './state-event.ts';
import type { StateVerdict } from './state-log.ts';

export interface RecordedStateOptions {
  readonly store: Store;
  readonly file: ConfigFile;
  /** Begins with an empty configuration where there is no file yet, or one that is invalid. Default: refuses to begin. */
  readonly isFileOptional?: boolean;
  readonly audit?: Pick<AuditPart, 'change'>;
  readonly logger?: Logger;
  readonly clock?: Clock;
}

export interface ChangeRequest extends Precondition {
  readonly operations: readonly RequestedOperation[];
  /** Who is to own what is changed. Default `api`. */
  readonly target?: 'api' | 'file' | undefined;
  readonly reason?: string | undefined;
  /** Says what would happen, and changes nothing. */
  readonly dryRun?: boolean | undefined;
  /** SHA-256 of the text the file must have. */
  readonly ifFile?: string | undefined;
}

export interface RollbackRequest extends Precondition {
  readonly version: number;
  /** `api` leaves the file as it is. Default `all`. */
  readonly scope?: 'all' | 'api' | undefined;
  readonly reason?: string | undefined;
  readonly dryRun?: boolean | undefined;
}

/** What a change has done, or would do. */
export interface ChangeResult {
  /** Of the state after it. */
  readonly version: number;
  readonly isDryRun: boolean;
  readonly diff: ConfigDiff;
  /** What keeps it from being done; always empty for what was done. */
  readonly problems: readonly LocatedProblem[];
  /** What became of the file, when its text differs. */
  readonly file: { readonly path: string; readonly diff: string; readonly backup: string | undefined } | undefined;
}

export interface HistoryQuery {
  readonly limit: number;
  /** Only versions before this one. */
  readonly before?: number | undefined;
  readonly by?: string | undefined;
  readonly action?: StateAction | undefined;
}

/** One version with what it changed. */
export interface VersionDetail {
  readonly event: StateEvent;
  /** Against the version before. */
  readonly diff: ConfigDiff;
  readonly config: GatewayConfig;
}

export interface History {
  /** Newest first. */
  list(query: HistoryQuery): Promise<{ readonly events: readonly StateEvent[]; readonly next: number | undefined }>;
  get(version: number): Promise<VersionDetail>;
  diff(from: number, to: number): Promise<ConfigDiff>;
}

export type EventListener = (event: StateEvent, next: Snapshot, diff: ConfigDiff) => void;

/** Reads the configuration file again and applies it. Rejects, and changes nothing, when it is invalid or the precondition fails. */
export type Reload = (reason: string, options?: Precondition & { readonly by?: string }) => Promise<ConfigDiff>;

/** The wanted state with its history: every change is an event in a store before it is anything else. */
export interface RecordedState extends State {
  readonly reload: Reload;
  /**
   * Makes a change of what the API or the file owns.
   * @throws GatewayError `CONFLICT` where another owner stands, `INVALID_CONFIG` with problems and their places, `STALE`,
   * `FORBIDDEN`, `STORE_UNAVAILABLE`; nothing has changed then.
   */
  change(request: ChangeRequest, actor: Actor): Promise<ChangeResult>;
  /** Goes back to a version, which makes a new one. @throws GatewayError as `change`. */
  rollback(request: RollbackRequest, actor: Actor): Promise<ChangeResult>;
  /** Asks for a restart of one upstream although its configuration is unchanged. @returns its generation. */
  restart(name: string, actor: Actor, precondition?: Precondition): Promise<number>;
  readonly history: History;
  /** Everything that is wanted, with its owner. */
  owned(): readonly OwnedEntry[];
  /** Whether folding all events gives what is kept and what applies. */
  verify(): Promise<StateVerdict>;
  /** Writes the kept document anew from the events. */
  rebuild(): Promise<StateVerdict>;
  /** The state as text for another process to follow. */
  toText(): string;
  /** Calls `listener` after each change with the event that made it. Returns its own stop function. */
  watchEvents(listener: EventListener): () => void;
  /** Waits for changes under way and makes no more. */
  close(): Promise<void>;
}
