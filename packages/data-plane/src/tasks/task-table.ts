import { Cancellation, LOCAL_PRINCIPAL, type CallerSession, type Clock } from '@signalbox/core';
import { ownerOf, type TaskCaller, type TaskIds, type TaskRef } from './task-ids.ts';

/** What is remembered of a task while it lasts. */
export interface KnownTask {
  readonly ref: TaskRef;
  readonly publicId: string;
  readonly owner: string;
  /** Where its owner is told of it: the session that spoke of it last. Absent for clients that ask for that themselves. */
  readonly session: CallerSession | undefined;
  /** Grows with each task. */
  readonly order: number;
  /** Happens when nothing more will be heard of it. */
  readonly end: Cancellation;
}

interface Entry extends KnownTask {
  session: CallerSession | undefined;
  stopWatching: () => void;
  /** On the monotonic clock, in milliseconds. */
  expiresAtMs: number;
}

/** What is known of a task beside its name. */
export interface TaskNote {
  readonly isOver?: boolean;
  readonly ttlMs?: number | undefined;
  /** The id it was asked for by. */
  readonly publicId?: string;
  /** What waits for the task's end. */
  readonly end?: Cancellation;
}

export interface TaskTableOptions {
  readonly ids: TaskIds;
  readonly clock: Clock;
  /** Tasks remembered for one owner, and for all; the oldest is forgotten beyond it. */
  readonly maxPerOwner?: number;
  readonly max?: number;
}

// For tasks whose server keeps them without saying how long.
const DEFAULT_TTL_MS = 24 * 3_600_000;
// A server's clock may be behind ours, and forgetting a task early is worse than late.
const GRACE_MS = 60_000;
const SWEEP_MS = 60_000;

/**
 * The tasks this process has seen: so that a task has one id, its owner can list it, and news of it find their way.
 * Nothing else depends on it: what is forgotten here is known again with its owner's next request about it.
 */
export class TaskTable {
  readonly #ids: TaskIds;
  readonly #clock: Clock;
  readonly #maxPerOwner: number;
  readonly #max: number;
  // Insertion order is the order in which they began.
  readonly #owners = new Map<string, Map<string, Entry>>();
  readonly #byTask = new Map<string, Set<Entry>>();
  #size = 0;
  #isSweeping = false;
  #count = 0;

  constructor({ ids, clock, maxPerOwner = 1_000, max = 10_000 }: TaskTableOptions) {
    this.#ids = ids;
    this.#clock = clock;
    this.#maxPerOwner = maxPerOwner;
    this.#max = max;
  }

  get size(): number {
    return this.#size;
  }

  /** Takes note of a task of this caller. One that is new gets an id, or keeps the one it was asked for by. */
  see(ref: TaskRef, caller: TaskCaller, { isOver = false, ttlMs, publicId, end }: TaskNote = {}): KnownTask {
    const owner = ownerOf(caller);
    const key = toKey(ref);
    let task = this.#owners.get(owner)?.get(key);
    if (task === undefined) {
      task = {
        ref,
        owner,
        publicId: publicId ?? this.#ids.publish(ref, caller),
        order: ++this.#count,
        session: undefined,
        end: end ?? new Cancellation(),
        stopWatching: () => undefined,
        expiresAtMs: this.#clock.monotonic() + DEFAULT_TTL_MS,
      };
      this.#add(key, task);
    }
    if (caller.session !== undefined && caller.session !== task.session) this.#attach(task, caller.session, caller);
    if (ttlMs !== undefined) task.expiresAtMs = this.#clock.monotonic() + ttlMs + GRACE_MS;
    if (end !== undefined && end !== task.end) task.end.watch((reason) => end.cancel(reason));
    if (isOver) task.end.cancel('the task is over');
    return task;
  }

  /** The one task of that upstream with that id. `undefined` when nobody here has it, or several do and the id does not tell whose it is. */
  find(upstream: string, id: string): KnownTask | undefined {
    const tasks = this.#byTask.get(toKey({ upstream, id }));
    return tasks?.size === 1 ? [...tasks][0] : undefined;
  }

  /** The tasks of this caller, oldest first. */
  list(caller: TaskCaller): readonly KnownTask[] {
    return [...(this.#owners.get(ownerOf(caller))?.values() ?? [])];
  }

  /** Its server does not know it any more. */
  forget({ ref, owner }: KnownTask): void {
    const task = this.#owners.get(owner)?.get(toKey(ref));
    if (task !== undefined) this.#forget(task);
  }

  #forget(task: Entry): void {
    const key = toKey(task.ref);
    const own = this.#owners.get(task.owner);
    if (own?.get(key) !== task) return;
    own.delete(key);
    if (own.size === 0) this.#owners.delete(task.owner);
    const same = this.#byTask.get(key)!;
    same.delete(task);
    if (same.size === 0) this.#byTask.delete(key);
    this.#size--;
    task.stopWatching();
    task.end.cancel('the task is forgotten');
  }

  // What was made without a credential goes with its session; what belongs to a principal waits for the next one.
  #attach(task: Entry, session: CallerSession, { principal }: TaskCaller): void {
    task.stopWatching();
    task.session = session;
    task.stopWatching = session.watchEnd(() => {
      if (principal === LOCAL_PRINCIPAL) this.#forget(task);
      else if (task.session === session) task.session = undefined;
    });
  }

  #add(key: string, task: Entry): void {
    let own = this.#owners.get(task.owner);
    if (own === undefined) this.#owners.set(task.owner, (own = new Map()));
    if (own.size >= this.#maxPerOwner) this.#forget(own.values().next().value!);
    if (this.#size >= this.#max) this.#forgetOldest();
    // Making room may have taken the owner's last one.
    if (!this.#owners.has(task.owner)) this.#owners.set(task.owner, own);
    own.set(key, task);
    const same = this.#byTask.get(key) ?? new Set();
    this.#byTask.set(key, same.add(task));
    this.#size++;
    if (!this.#isSweeping) this.#planSweep();
  }

  #planSweep(): void {
    this.#isSweeping = this.#size > 0;
    if (this.#isSweeping) this.#clock.after(SWEEP_MS, () => this.#sweep());
  }

  #sweep(): void {
    const now = this.#clock.monotonic();
    for (const own of this.#owners.values()) for (const task of own.values()) if (task.expiresAtMs <= now) this.#forget(task);
    this.#planSweep();
  }

  // The owner who has been known for longest gives way first.
  #forgetOldest(): void {
    const [own] = this.#owners.values();
    if (own !== undefined) this.#forget(own.values().next().value!);
  }
}

function toKey({ upstream, id }: TaskRef): string {
  return `${upstream}\n${id}`;
}
