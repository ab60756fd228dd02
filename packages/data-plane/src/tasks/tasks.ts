import type { Cache, Clock, ResultOutcome, Seal } from '@signalbox/core';
import type { Upstream } from '../upstreams/upstream.ts';
import { KeptTasks } from './kept-tasks.ts';
import { TaskIds } from './task-ids.ts';
import { TaskNews } from './task-news.ts';
import { TaskTable } from './task-table.ts';

/** What the rooms of the data plane know of tasks. */
export interface Tasks {
  readonly ids: TaskIds;
  readonly table: TaskTable;
  readonly kept: KeptTasks;
  readonly news: TaskNews;
}

export interface TasksOptions {
  readonly seal: Seal;
  readonly cache: Cache<ResultOutcome>;
  readonly clock: Clock;
  readonly upstream: (name: string) => Upstream | undefined;
}

/** Joins the parts that carry tasks. */
export function createTasks({ seal, cache, clock, upstream }: TasksOptions): Tasks {
  const ids = new TaskIds(seal);
  const table = new TaskTable({ ids, clock });
  return { ids, table, kept: new KeptTasks({ cache, table, clock }), news: new TaskNews({ ids, table, upstream }) };
}
