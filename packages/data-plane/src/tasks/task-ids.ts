import { LOCAL_PRINCIPAL, type Request, type Seal } from '@signalbox/core';

/** A task by the server it runs on. */
export interface TaskRef {
  readonly upstream: string;
  /** The upstream's own id of it; our own when only its result is kept here. */
  readonly id: string;
  /** Set when the call was answered at once and its result is kept here. */
  readonly kept?: Kept | undefined;
}

export interface Kept {
  /** Wall clock, milliseconds since 1970. */
  readonly sinceMs: number;
  readonly ttlMs: number;
}

/** Who asks, as far as it decides whose a task is. */
export type TaskCaller = Pick<Request, 'principal' | 'session'>;

const PURPOSE = 'task';

/**
 * Turns tasks of upstreams into ids for clients, and back. An id says itself whose task of which upstream it is, and opens
 * for its owner alone, so it needs no table, outlives the process and works on every replica with the same key.
 */
export class TaskIds {
  readonly #seal: Seal;

  constructor(seal: Seal) {
    this.#seal = seal;
  }

  /** A new id for a task. Each time it is another one, so it is made once for a task and remembered. */
  publish({ upstream, id, kept }: TaskRef, caller: TaskCaller): string {
    const value = kept === undefined ? [upstream, id] : [upstream, id, kept.sinceMs, kept.ttlMs];
    return this.#seal.seal(PURPOSE, value, { context: ownerOf(caller) });
  }

  /** @returns `undefined` for a text that is no id of ours, was changed, or belongs to somebody else. */
  find(publicId: string, caller: TaskCaller): TaskRef | undefined {
    const value = this.#seal.open(PURPOSE, publicId, { context: ownerOf(caller) });
    if (!Array.isArray(value)) return undefined;
    const [upstream, id, sinceMs, ttlMs] = value as unknown[];
    if (typeof upstream !== 'string' || typeof id !== 'string') return undefined;
    return typeof sinceMs === 'number' && typeof ttlMs === 'number' ? { upstream, id, kept: { sinceMs, ttlMs } } : { upstream, id };
  }
}

/** Whose a task is: the principal's who showed a credential, otherwise that of the session it was made in, if there is one. */
export function ownerOf({ principal, session }: TaskCaller): string {
  return JSON.stringify(principal === LOCAL_PRINCIPAL && session !== undefined ? [principal, session.id] : [principal]);
}
