import { createHash } from 'node:crypto';
import { GatewayError } from '@signalbox/core';
import { homeOf, type Homes, type MovedConnection, type PassedRequest } from '@signalbox/protocol';
import type { Order, Report } from './messages.ts';
import type { Relay } from './relay.ts';

// The end of a sealed text is its tag, which tells one from any other.
const TAG_LENGTH = 22;
const MAX_REMEMBERED = 100_000;
/** A worker that was just lost is known as lost everywhere after this many milliseconds, times as many. */
const TRY_AGAIN_MS = 50;
const MAX_TRIES = 40;

export interface WorkerHomesOptions {
  readonly own: string;
  readonly slots: number;
  readonly relay: Relay;
  readonly send: (report: Report, handle?: object) => void;
}

/** Where sessions, states and keys live among the workers, as one worker knows it. */
export class WorkerHomes implements Homes {
  readonly own: string;
  readonly #options: WorkerHomesOptions;
  #living = new Set<string>();
  #bySlot = new Map<number, string>();
  /** Where that lives now whose first home is gone, by tag. Oldest first. */
  readonly #moved = new Map<string, string>();
  readonly #questions = new Map<number, (home: string | undefined) => void>();
  #asked = 0;

  constructor(options: WorkerHomesOptions) {
    this.#options = options;
    this.own = options.own;
  }

  /** The worker that leads, unless it is this one or away. */
  get leader(): string | undefined {
    const leader = this.#bySlot.get(0);
    return leader === this.own ? undefined : leader;
  }

  /** The worker that serves in a place. */
  inSlot(slot: number): string | undefined {
    return this.#bySlot.get(slot);
  }

  find(id: string): string | undefined | Promise<string | undefined> {
    const home = homeOf(id);
    if (home === this.own) return undefined;
    if (home !== undefined && this.#living.has(home)) return home;
    const tag = id.slice(-TAG_LENGTH);
    const moved = this.#moved.get(tag);
    if (moved === this.own) return undefined;
    return moved !== undefined && this.#living.has(moved) ? moved : this.#ask(tag, home);
  }

  findKey(key: string): string | undefined {
    const slot = createHash('sha256').update(key).digest().readUInt32BE(0) % this.#options.slots;
    const home = this.#bySlot.get(slot);
    if (home !== undefined) return home === this.own ? undefined : home;
    throw new GatewayError('OVERLOADED', 'Cannot serve a call with this idempotency key now: the worker that knows of it is being started');
  }

  relay(home: string, passed: PassedRequest): void {
    this.#relay(home, passed, MAX_TRIES);
  }

  move(home: string, { handle, unread, moves }: MovedConnection): void {
    this.#options.send({ kind: 'move', to: home, unread: unread.toString('base64'), moves }, handle);
  }

  ended(id: string): void {
    this.#options.send({ kind: 'ended', id: id.slice(-TAG_LENGTH) });
  }

  /** Takes an order that concerns it. */
  follow(order: Order): void {
    if (order.kind === 'answer') {
      this.#questions.get(order.number)?.(order.home);
      this.#questions.delete(order.number);
    } else if (order.kind === 'living') {
      this.#bySlot = new Map(order.workers);
      this.#living = new Set(this.#bySlot.values());
    }
  }

  async #ask(tag: string, home: string | undefined): Promise<string | undefined> {
    const number = ++this.#asked;
    const found = await new Promise<string | undefined>((resolve) => {
      this.#questions.set(number, resolve);
      this.#options.send({ kind: 'ask', number, id: tag, home });
    });
    if (found === undefined)
      throw new GatewayError('SESSION_NOT_FOUND', 'Cannot find this session: it has ended; send "initialize" to begin another');
    if (found === home) return found;
    this.#moved.set(tag, found);
    if (this.#moved.size > MAX_REMEMBERED) this.#moved.delete(this.#moved.keys().next().value!);
    return found === this.own ? undefined : found;
  }

  #relay(home: string, passed: PassedRequest, tries: number): void {
    this.#options.relay.pass(home, passed, () => {
      // Nobody is there any more, but not everyone knows it yet.
      if (tries === 0) passed.response.destroy();
      else setTimeout(() => void this.#relayAgain(home, passed, tries - 1), TRY_AGAIN_MS).unref();
    });
  }

  async #relayAgain(home: string, passed: PassedRequest, tries: number): Promise<void> {
    try {
      const found = passed.id === undefined ? home : await this.find(passed.id);
      if (found === undefined) passed.serve();
      else this.#relay(found, passed, tries);
    } catch {
      passed.response.destroy();
    }
  }
}
