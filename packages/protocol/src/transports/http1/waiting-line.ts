import type { Exchange, ExchangeHolder } from './exchange.ts';

/**
 * Exchanges that wait for a connection, first come, first served. Any of them can leave at once.
 * Whoever leaves lets go of its neighbours: one that has grown old would otherwise keep all later ones from the collector.
 */
export class WaitingLine implements ExchangeHolder {
  #first: Exchange | undefined;
  #last: Exchange | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(exchange: Exchange): void {
    exchange.heldBy(this, false);
    exchange.previous = this.#last;
    if (this.#last === undefined) this.#first = exchange;
    else this.#last.next = exchange;
    this.#last = exchange;
    this.#size++;
  }

  /** Takes the one that has waited longest. */
  shift(): Exchange | undefined {
    const first = this.#first;
    if (first !== undefined) this.drop(first);
    return first;
  }

  drop(exchange: Exchange): void {
    const { previous, next } = exchange;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    exchange.previous = undefined;
    exchange.next = undefined;
    this.#size--;
  }
}
