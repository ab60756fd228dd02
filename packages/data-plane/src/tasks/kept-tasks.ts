import { randomBytes } from 'node:crypto';
import { GatewayError, type Cache, type Clock, type Outcome, type RawJson, type ResultOutcome } from '@signalbox/core';
import { clientTaskForm, createdKeptTask, keptTaskResult, keptTaskState } from '@signalbox/protocol';
import type { TargetedCall } from '../stages/call-stages.ts';
import type { TaskTable } from './task-table.ts';

export interface KeptTasksOptions {
  readonly cache: Cache<ResultOutcome>;
  readonly table: TaskTable;
  readonly clock: Clock;
}

const DEFAULT_TTL_MS = 300_000;
const MAX_TTL_MS = 3_600_000;

/**
 * Results of calls that a client wanted as tasks, and whose server answered at once. They are kept in memory for a while:
 * such a task does not outlive the process, and is forgotten early when memory is needed.
 */
export class KeptTasks {
  readonly #options: KeptTasksOptions;

  constructor(options: KeptTasksOptions) {
    this.#options = options;
  }

  /**
   * Keeps a result and answers the call with a task in its place.
   * @param wish What the client said of the task it wants.
   * @throws GatewayError `TOO_LARGE` when it is larger than all there is room for.
   */
  keep(outcome: ResultOutcome, call: TargetedCall, wish: RawJson | undefined): Outcome {
    const { cache, table, clock } = this.#options;
    const ttlMs = readTtl(wish);
    const id = randomBytes(16).toString('base64url');
    cache.set(toKey(id), outcome, { ttlMs, bytes: outcome.result.byteLength });
    if (cache.get(toKey(id)) === undefined)
      throw new GatewayError('TOO_LARGE', 'Cannot keep the result of this call for a task: it is too large; make the call without a task');
    const kept = { sinceMs: clock.now(), ttlMs };
    const ref = { upstream: call.trace.upstream ?? call.target.upstream, id, kept };
    const { publicId } = table.see(ref, call, { isOver: true, ttlMs });
    return createdKeptTask({ id: publicId, createdAtMs: kept.sinceMs, ttlMs });
  }

  /** Answers a request about such a task. @throws GatewayError `UNKNOWN_NAME` when it is kept no longer. */
  answer(call: TargetedCall): Outcome {
    const { ref, publicId } = call.task!;
    const result = this.#options.cache.get(toKey(ref.id));
    // Only a client that decides by itself what becomes a task can have got one of these.
    if (result === undefined || clientTaskForm(call.client) !== 'core') throw unknownTask();
    const task = { id: publicId, createdAtMs: ref.kept!.sinceMs, ttlMs: ref.kept!.ttlMs };
    switch (call.method) {
      case 'tasks/get':
        return keptTaskState(task, result);
      case 'tasks/result':
        return keptTaskResult(task, result);
      default:
        throw new GatewayError('INVALID_PARAMS', 'Cannot cancel a task that is over');
    }
  }
}

/** The refusal for every id that names no task of the caller, whatever the reason. */
export function unknownTask(): GatewayError {
  return new GatewayError('UNKNOWN_NAME', 'Unknown task: there is none with this id, or it has expired');
}

function readTtl(wish: RawJson | undefined): number {
  const ttl = wish?.object?.['ttl'];
  return typeof ttl === 'number' && ttl > 0 ? Math.min(ttl, MAX_TTL_MS) : DEFAULT_TTL_MS;
}

function toKey(id: string): string {
  return `task ${id}`;
}
