import { Cancellation, GatewayError, type RawJson } from '@signalbox/core';
import type { RequestId } from '../messages/message.ts';
import { FleetingTable } from './bag.ts';
import type { Reply } from './reply.ts';

/** A number for whole numbers, otherwise JSON text, which tells 1 from "1". */
type Key = number | string;

interface Pending {
  readonly key: Key;
  readonly cancellation: Cancellation;
  readonly reply: Reply;
}

/** The requests of one client that have no answer yet, by their id. */
export class PendingRequests {
  readonly #open = new FleetingTable<Key, Pending>();

  get size(): number {
    return this.#open.size;
  }

  /**
   * Takes a request in. `done` must be called when it is over, unless it was cancelled here.
   * @throws GatewayError `INVALID_REQUEST` when a request with this id is open already.
   */
  begin(id: RequestId, reply: Reply): { readonly cancellation: Cancellation; readonly done: () => void } {
    const key = toKey(id);
    if (this.#open.get(key) !== undefined) {
      throw new GatewayError(
        'INVALID_REQUEST',
        `Cannot accept a second request with the id ${String(key).slice(0, 80)} while the first is unanswered`,
      );
    }
    const pending = { key, cancellation: new Cancellation(), reply };
    this.#open.set(key, pending);
    return {
      cancellation: pending.cancellation,
      done: () => {
        if (this.#open.get(key) === pending) this.#open.delete(key);
      },
    };
  }

  /** Takes a request back: it gets no answer. An unknown id is passed over, as answer and cancellation may cross. */
  cancel(id: RawJson, reason: string): void {
    const key = toKey(id);
    const pending = this.#open.get(key);
    if (pending === undefined) return;
    this.#open.delete(key);
    pending.cancellation.cancel(reason);
    pending.reply.drop();
  }

  cancelAll(reason: string): void {
    for (const { key, cancellation, reply } of this.#open.list()) {
      this.#open.delete(key);
      cancellation.cancel(reason);
      reply.drop();
    }
  }
}

// One text may be escaped in several ways, so only escaped ones are brought to one form. Numbers may be larger than JavaScript
// can tell apart, and -0 is an id of its own.
function toKey(id: RawJson): Key {
  const { value } = id;
  if (Number.isSafeInteger(value) && value !== 0) return value as number;
  const text = id.bytes.toString('utf8');
  return text.includes('\\') ? JSON.stringify(value) : text;
}
