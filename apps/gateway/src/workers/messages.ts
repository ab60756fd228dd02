import type { ErrorCode, Record as CallRecord, Status, UpstreamStatus, VirtualServerStatus } from '@signalbox/core';
import type { MetricsSnapshot } from '../seen/metrics-snapshot.ts';

/** Tells a process that it is a worker. */
export const WORKER_VARIABLE = 'SIGNALBOX_WORKER';

/** What a worker is told before it begins. */
export interface Setup {
  readonly kind: 'setup';
  /** Its place among the others, from 0. The worker in place 0 leads: it alone decides what is listed and under which names. */
  readonly slot: number;
  readonly slots: number;
  readonly host: string;
  readonly port: number;
  /** Where workers reach each other, in front of their names. */
  readonly socketPrefix: string;
  readonly adminToken: string;
  /** The process that started it. */
  readonly pid: number;
  readonly startedAgoMs: number;
  /** Documents the leader has written since the start, by key. */
  readonly documents: readonly (readonly [key: string, text: string])[];
  /** What the leader wants, once it has said so. */
  readonly state: string | undefined;
}

/** A connection that belongs to another worker; its handle travels beside the message. */
export interface Move {
  readonly kind: 'move';
  readonly to: string;
  /** In base64. */
  readonly unread: string;
  readonly moves: number;
}

/** What a worker observes. */
export interface Observed {
  readonly sessions: ReturnType<Status['sessions']>;
  readonly upstreams: readonly UpstreamStatus[];
  readonly virtualServers: readonly VirtualServerStatus[];
  /** Calls that have ended since the last time, not all of them if there were many. */
  readonly calls: readonly CallRecord[];
}

/** A server of a worker says that a list of its changed; for the leader. */
export interface ListChanged {
  readonly kind: 'list-changed';
  readonly upstream: string;
  readonly method: string;
}

/** What the leader does that the others have to do, too. */
export type Follow =
  | { readonly kind: 'document'; readonly key: string; readonly text: string }
  /** What is wanted, as `RecordedState.toText` gives it. */
  | { readonly kind: 'state'; readonly text: string };

/** From a worker to the process that started it. */
export type Report =
  | { readonly kind: 'hello' }
  | { readonly kind: 'ready'; readonly url: string; readonly observed: Observed }
  | { readonly kind: 'settled' }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string }
  | { readonly kind: 'observed'; readonly observed: Observed }
  | { readonly kind: 'metrics'; readonly snapshot: MetricsSnapshot }
  | { readonly kind: 'log'; readonly line: string }
  /** Where does it live that was at `home`? */
  | { readonly kind: 'ask'; readonly number: number; readonly id: string; readonly home: string | undefined }
  | { readonly kind: 'ended'; readonly id: string }
  | ListChanged
  | Move
  | Follow;

/** To a worker. */
export type Order =
  | Setup
  | { readonly kind: 'living'; readonly workers: readonly (readonly [slot: number, name: string])[] }
  | { readonly kind: 'answer'; readonly number: number; readonly home: string | undefined }
  | { readonly kind: 'observed'; readonly name: string; readonly observed: Observed }
  | { readonly kind: 'stop'; readonly graceMs: number; readonly delayMs: number }
  /** After `stop`: everybody who connects from now on is refused. */
  | { readonly kind: 'last' }
  | { readonly kind: 'metrics'; readonly name: string; readonly slot: number; readonly snapshot: MetricsSnapshot }
  | ListChanged
  | Move
  | Follow;
