import { RawJson, type ResultOutcome } from '@signalbox/core';
import { HANDSHAKE_REVISIONS } from '../revisions/revisions.ts';
import { withRelatedTask } from './task-objects.ts';

/** A task that was over when it began, because its server answered the call at once. */
export interface KeptTask {
  readonly id: string;
  /** Wall clock, milliseconds since 1970. */
  readonly createdAtMs: number;
  /** How long its result is kept, in milliseconds. */
  readonly ttlMs: number;
}

const POLL_MS = 100;

/** The answer to the call that became a task, for a client of the core. A task begins as `working`, whatever became of it since. */
export function createdKeptTask(task: KeptTask): ResultOutcome {
  return toOutcome({ task: toTask(task, 'working') });
}

/** The state of such a task, for a client of the core. */
export function keptTaskState(task: KeptTask, { isError }: ResultOutcome): ResultOutcome {
  return toOutcome(toTask(task, isError ? 'failed' : 'completed'));
}

/** Its result, for a client of the core. */
export function keptTaskResult({ id }: KeptTask, outcome: ResultOutcome): ResultOutcome {
  return { ...outcome, result: withRelatedTask(outcome.result, id), modernMembers: undefined };
}

function toTask({ id, createdAtMs, ttlMs }: KeptTask, status: string): object {
  const createdAt = new Date(createdAtMs).toISOString();
  return { taskId: id, status, createdAt, lastUpdatedAt: createdAt, ttl: ttlMs, pollInterval: POLL_MS };
}

function toOutcome(result: object): ResultOutcome {
  return {
    kind: 'result',
    result: RawJson.fromValue(result),
    resultType: 'complete',
    isError: false,
    revision: HANDSHAKE_REVISIONS[0],
  };
}
