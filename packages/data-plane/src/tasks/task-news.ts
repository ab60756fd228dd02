import type { Notification } from '@signalbox/core';
import { changeTaskIdIn, readTaskNotification, serverTaskForm, type TaskWish } from '@signalbox/protocol';
import type { Upstream } from '../upstreams/upstream.ts';
import type { TaskCaller, TaskIds } from './task-ids.ts';
import type { TaskMessage, TaskMessages } from './task-messages.ts';
import type { TaskTable } from './task-table.ts';

export interface TaskNewsOptions {
  readonly upstream: (name: string) => Upstream | undefined;
  readonly ids: TaskIds;
  readonly table: TaskTable;
}

/** The news of the extension, which clients ask for; what the core sends comes unasked. */
const EXTENSION_NEWS = 'notifications/tasks';

interface Watcher {
  readonly publicId: string;
  readonly listener: (notification: Notification) => void;
}

/**
 * Brings what upstreams say of tasks outside of any call to the owner of the task and to nobody else. News stay within one
 * generation: each can do without them, and in the other form they would take requests to the upstream of their own.
 */
export class TaskNews implements TaskMessages {
  readonly #options: TaskNewsOptions;
  readonly #watchers = new Map<string, Set<Watcher>>();

  constructor(options: TaskNewsOptions) {
    this.#options = options;
  }

  /** A client of the extension wants to hear of a task. @returns what ends the wish; `undefined` when there is nothing it could hear. */
  watch(publicId: string, { listener, ...caller }: TaskWish): (() => void) | undefined {
    const ref = this.#options.ids.find(publicId, caller);
    const upstream = ref && this.#options.upstream(ref.upstream);
    if (ref === undefined || ref.kept !== undefined || upstream?.manifest === undefined) return undefined;
    if (serverTaskForm(upstream.manifest) !== 'extension') return undefined;
    const key = toKey(ref.upstream, ref.id);
    const watcher = { publicId, listener };
    const watchers = this.#watchers.get(key) ?? new Set();
    this.#watchers.set(key, watchers.add(watcher));
    const release = upstream.wishes.watchTask(ref.id);
    return () => {
      release();
      watchers.delete(watcher);
      if (watchers.size === 0) this.#watchers.delete(key);
    };
  }

  name(upstream: string, taskId: string, caller: TaskCaller): string {
    return this.#options.table.see({ upstream, id: taskId }, caller).publicId;
  }

  take(upstream: string, { notification, taskId: id, caller }: TaskMessage): void {
    const { table } = this.#options;
    if (notification.method === EXTENSION_NEWS) {
      for (const { publicId, listener } of this.#watchers.get(toKey(upstream, id)) ?? [])
        listener(changeTaskIdIn(notification, () => publicId));
      return;
    }
    // Over a shared connection only the id tells whose it is.
    const task = caller === undefined ? table.find(upstream, id) : table.see({ upstream, id }, caller);
    if (task === undefined) return;
    task.session?.notify(changeTaskIdIn(notification, () => task.publicId));
    if (readTaskNotification(notification)?.isOver === true) task.end.cancel('the task is over');
  }
}

function toKey(upstream: string, id: string): string {
  return `${upstream}\n${id}`;
}
