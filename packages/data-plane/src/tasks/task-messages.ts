import type { Notification } from '@signalbox/core';
import type { TaskCaller } from './task-ids.ts';

/** A message about a task that belongs to no call. */
export interface TaskMessage {
  readonly notification: Notification;
  /** The server's own id of the task. */
  readonly taskId: string;
  /** Whose the connection is that it came over, where it is not shared. */
  readonly caller?: TaskCaller | undefined;
}

/** What a connection does with what its server says of tasks. */
export interface TaskMessages {
  /** Brings a message to the owner of the task. */
  take(upstream: string, message: TaskMessage): void;
  /** The id by which this caller knows a task of that upstream. */
  name(upstream: string, taskId: string, caller: TaskCaller): string;
}
