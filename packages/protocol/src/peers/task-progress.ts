import type { Notification } from '@signalbox/core';
import { readInteger } from '../messages/integer.ts';
import { readMember } from '../messages/members.ts';
import { FleetingTable } from './bag.ts';
import type { OutgoingRequest } from './peer.ts';

/** Calls that were answered with a task of a handshake server: their progress goes on under its token until the task is over. */
export class TaskProgress {
  readonly #calls = new FleetingTable<number, OutgoingRequest>();

  get size(): number {
    return this.#calls.size;
  }

  /** Takes note of a call that has been answered. One that cannot have become a task is passed over. */
  keep(id: number, request: OutgoingRequest): void {
    const { taskEnd, wantsProgress } = request;
    if (taskEnd === undefined || taskEnd.isCancelled || !wantsProgress) return;
    this.#calls.set(id, request);
    taskEnd.watch(() => this.#calls.delete(id));
  }

  /** Passes progress on to the call it belongs to. Returns false when it belongs to none of these. */
  deliver({ method, params }: Notification): boolean {
    if (this.#calls.size === 0 || method !== 'notifications/progress' || params === undefined) return false;
    const token = readInteger(readMember(params, 'progressToken'));
    const request = token === undefined ? undefined : this.#calls.get(token);
    request?.emit?.({ method, params });
    return request !== undefined;
  }
}
