import { GatewayError, type Awaitable, type Outcome, type Request, type Seal } from '@signalbox/core';
import { checkTaskMethod, toParams, writeTaskList } from '@signalbox/protocol';
import { ownerOf } from '../tasks/task-ids.ts';
import type { KnownTask, TaskTable } from '../tasks/task-table.ts';

export interface ListTasksOptions {
  readonly table: TaskTable;
  readonly seal: Seal;
  /** Makes a request about one task as the caller would. */
  readonly ask: (request: Request) => Awaitable<Outcome>;
  /** Tasks on one page. */
  readonly pageSize?: number;
}

const PURPOSE = 'task cursor';

/**
 * Answers `tasks/list`: the caller's tasks on all upstreams, newest first, each as its server describes it now. One whose
 * server does not know it any more is left out, and so is one whose server cannot be asked.
 * @throws GatewayError `METHOD_NOT_FOUND` for clients that have no such method; `INVALID_PARAMS` for a cursor that is not ours.
 */
export async function listTasks({ table, seal, ask, pageSize = 25 }: ListTasksOptions, request: Request): Promise<Outcome> {
  checkTaskMethod(request.method, request.client);
  const before = readCursor(seal, request);
  const left = table
    .list(request)
    .filter(({ order }) => order < before)
    .toReversed();
  const page = left.slice(0, pageSize);
  const settled = await Promise.all(page.map((task) => describe(ask, request, task)));
  const nextCursor = left.length > pageSize ? seal.seal(PURPOSE, page.at(-1)!.order, { context: ownerOf(request) }) : undefined;
  const tasks = settled.filter((outcome) => outcome?.kind === 'result').map(({ result }) => result);
  return writeTaskList(tasks, nextCursor);
}

async function describe(ask: ListTasksOptions['ask'], request: Request, { publicId }: KnownTask): Promise<Outcome | undefined> {
  try {
    return await ask({ ...request, method: 'tasks/get', params: toParams({ taskId: publicId }), emit: undefined, wantsProgress: false });
  } catch (error) {
    if (error instanceof GatewayError && error.code !== 'INTERNAL' && error.code !== 'CANCELLED') return undefined;
    throw error;
  }
}

// A cursor names the place of the last task that was shown, so that what begins or ends meanwhile moves nothing.
function readCursor(seal: Seal, request: Request): number {
  const cursor = request.params.get('cursor')?.value;
  if (cursor === undefined) return Number.POSITIVE_INFINITY;
  const order = typeof cursor === 'string' ? seal.open(PURPOSE, cursor, { context: ownerOf(request) }) : undefined;
  if (typeof order !== 'number') throw new GatewayError('INVALID_PARAMS', 'Cannot continue tasks/list: unknown cursor');
  return order;
}
