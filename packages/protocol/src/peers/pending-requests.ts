import { Cancellation, GatewayError, type RawJson } from '@signalbox/core';
import type { RequestId } from '../messages/message.ts';
import { FleetingTable } from './bag.ts';
import type { Reply } from './reply.ts';

interface Pending {
  readonly key: string;
  readonly cancellation: Cancellation;
  readonly reply: Reply;
}

/** The requests of one client that have no answer yet, by their id. */
export class PendingRequests {
  readonly #open = new FleetingTable<string, Pending>();

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
        `Cannot accept a second request with the id ${key.slice(0, 80)} while the first is unanswered`,
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

// The JSON text tells 1 from "1". One text may be escaped in several ways, so only escaped ones are brought to one form.
function toKey(id: RawJson): string {
  const text = id.bytes.toString('utf8');
  return text.includes('\\') ? JSON.stringify(id.value) : text;
}
