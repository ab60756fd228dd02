import { GatewayError, type Clock, type IdempotencyConfig, type Logger, type Outcome } from '@signalbox/core';
import { Holdings, type Holding } from '../holdings.ts';
import type { Flight } from '../stages/flight.ts';

/**
 * `running` · `open`: it waits for its caller's next round · `ended`: it ran; its outcome is at hand or, for the reason
 * given, is not · `lost`: it may have run, and why nobody knows its outcome.
 */
export type KeyState =
  | { readonly kind: 'running'; readonly flight: Flight }
  | { readonly kind: 'open' }
  | { readonly kind: 'ended'; readonly outcome: Outcome }
  | { readonly kind: 'ended'; readonly outcome: undefined; readonly why: string }
  | { readonly kind: 'lost'; readonly why: string };

/** A key that was used, and what became of its call. */
export interface KeyEntry extends Holding {
  readonly id: string;
  readonly fingerprint: string;
  /** Id of the call that used it first. */
  readonly callId: string;
  /** Wall clock, milliseconds since 1970. */
  readonly beganAtMs: number;
  /** On the monotonic clock, in milliseconds. */
  readonly expiresAtMs: number;
  /** The one thing that changes; only the table changes it. */
  state: KeyState;
}

export interface KeyTableOptions {
  readonly config: IdempotencyConfig;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Beside its outcome an entry takes about this much. */
const ENTRY_BYTES = 512;
/** An outcome larger than this part of all room would drive too many others out. */
const MAX_SHARE = 1 / 4;
const WARN_EVERY_MS = 60_000;

const TOO_LARGE = 'it was too large to be kept';
const DISPLACED = 'others needed the room';

/**
 * Remembers which keys were used and what became of their calls, within bounds. Outcomes give way before keys do, so that
 * a call is refused rather than run twice for as long as its key is known.
 */
export class KeyTable {
  readonly #options: KeyTableOptions;
  readonly #byId = new Map<string, KeyEntry>();
  readonly #keys = new Holdings<KeyEntry>((entry) => entry.state.kind === 'running');
  readonly #outcomes = new Holdings<KeyEntry>();
  #warnedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: KeyTableOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#byId.size;
  }

  /** Bytes of all outcomes kept. */
  get bytes(): number {
    return this.#outcomes.weight;
  }

  [Symbol.iterator](): IterableIterator<KeyEntry> {
    return this.#byId.values();
  }

  find(id: string): KeyEntry | undefined {
    const entry = this.#byId.get(id);
    if (entry === undefined || !this.#isOver(entry)) return entry;
    this.forget(entry);
    return undefined;
  }

  /** Takes an entry in, in the place of an earlier one of the same key. @throws GatewayError `OVERLOADED` when all keys are of calls under way. */
  add(entry: KeyEntry): void {
    const earlier = this.#byId.get(entry.id);
    if (earlier !== undefined) this.forget(earlier);
    this.#dropExpired();
    const { maxKeys } = this.#options.config;
    const leaving = this.#keys.makeRoom({ owner: entry.owner, weight: 1, max: maxKeys });
    if (leaving === undefined) {
      throw new GatewayError('OVERLOADED', `Cannot take more calls with an idempotency key: ${maxKeys} are under way; try again later`, {
        data: { phase: 'queue', sent: false },
      });
    }
    for (const gone of leaving) this.forget(gone);
    if (leaving.length > 0) this.#warn();
    this.#byId.set(entry.id, entry);
    this.#keys.put(entry, 1);
  }

  /** Notes what became of an entry's call, unless the entry was replaced or forgotten. An outcome is kept as far as there is room. */
  update(entry: KeyEntry, state: KeyState): void {
    if (this.#byId.get(entry.id) !== entry) return;
    this.#outcomes.delete(entry);
    setState(entry, state.kind === 'ended' && state.outcome !== undefined ? this.#keep(entry, state.outcome) : state);
  }

  forget(entry: KeyEntry): void {
    this.#keys.delete(entry);
    this.#outcomes.delete(entry);
    if (this.#byId.get(entry.id) === entry) this.#byId.delete(entry.id);
  }

  #keep(entry: KeyEntry, outcome: Outcome): KeyState {
    const { maxBytes } = this.#options.config;
    const weight = ENTRY_BYTES + (outcome.kind === 'result' ? outcome.result.byteLength : JSON.stringify(outcome.error).length);
    const leaving = weight > maxBytes * MAX_SHARE ? undefined : this.#outcomes.makeRoom({ owner: entry.owner, weight, max: maxBytes });
    if (leaving === undefined) return { kind: 'ended', outcome: undefined, why: TOO_LARGE };
    for (const displaced of leaving) setState(displaced, { kind: 'ended', outcome: undefined, why: DISPLACED });
    this.#outcomes.put(entry, weight);
    return { kind: 'ended', outcome };
  }

  // Entries stand in the order in which they began, and all live equally long.
  #dropExpired(): void {
    for (const entry of this.#keys) {
      if (this.#isOver(entry)) this.forget(entry);
      else if (entry.state.kind !== 'running') return;
    }
  }

  #isOver(entry: KeyEntry): boolean {
    return entry.expiresAtMs <= this.#options.clock.monotonic() && entry.state.kind !== 'running';
  }

  #warn(): void {
    const { clock, logger, config } = this.#options;
    const now = clock.monotonic();
    if (now - this.#warnedAtMs < WARN_EVERY_MS) return;
    this.#warnedAtMs = now;
    logger.warn('idempotency keys are forgotten before their time; raise limits.idempotency.maxKeys', { maxKeys: config.maxKeys });
  }
}

function setState(entry: KeyEntry, state: KeyState): void {
  // eslint-disable-next-line no-param-reassign -- the table owns its entries
  entry.state = state;
}
