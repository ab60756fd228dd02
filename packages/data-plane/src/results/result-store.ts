import type { Clock } from '@signalbox/core';
import { Holdings, type Holding } from '../holdings.ts';
import type { ResultPart } from './split-result.ts';
import type { TextView } from './text-view.ts';

/** A large result that is kept for its owner. */
export interface KeptResult extends Holding {
  /** 128 random bits as lower-case text, so that it survives in the place of a URI's host. */
  readonly handle: string;
  /** Public name of the tool it came from. */
  readonly tool: string;
  readonly parts: readonly ResultPart[];
  /** Wall clock, milliseconds since 1970. */
  readonly expiresAtMs: number;
}

/** What a principal finds under a handle. Somebody else's handle is as unknown as one that never was. */
export type Found =
  | { readonly kind: 'found'; readonly result: KeptResult }
  | { readonly kind: 'gone'; readonly why: string }
  | { readonly kind: 'unknown' };

export interface ResultStoreOptions {
  readonly clock: Clock;
  /** Most bytes of all results together, read anew each time. */
  readonly maxBytes: () => number;
}

interface Shelf extends KeptResult {
  readonly views: Map<number, TextView>;
  readonly cancelTimer: () => void;
  weight: number;
}

/** Handles of which it is remembered that they were, so that their owner learns why they are no more. */
const MAX_GONE = 10_000;
/** A result with its parts takes about this much beside their bytes. */
const SHELF_BYTES = 2_048;

/** Keeps large results in memory, each for one principal, for a time, and within bounds. */
export class ResultStore {
  readonly #options: ResultStoreOptions;
  readonly #byHandle = new Map<string, Shelf>();
  readonly #shelves = new Holdings<Shelf>();
  readonly #gone = new Map<string, { readonly owner: string; readonly why: string }>();

  constructor(options: ResultStoreOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#byHandle.size;
  }

  /** Bytes of everything kept. */
  get bytes(): number {
    return this.#shelves.weight;
  }

  /** Keeps a result. @returns `undefined` when it is larger than all there is room for. */
  keep(given: Pick<KeptResult, 'handle' | 'owner' | 'tool' | 'parts'> & { readonly ttlMs: number }): KeptResult | undefined {
    const { clock } = this.#options;
    const { handle, owner, tool, parts, ttlMs } = given;
    const weight = SHELF_BYTES + parts.reduce((sum, { bytes }) => sum + bytes.length, 0);
    if (!this.#makeRoom(owner, weight)) return undefined;
    const shelf: Shelf = {
      owner,
      tool,
      parts,
      handle,
      weight,
      expiresAtMs: clock.now() + ttlMs,
      views: new Map(),
      cancelTimer: clock.after(ttlMs, () => this.#remove(shelf, `it was kept until ${new Date(shelf.expiresAtMs).toISOString()}`)),
    };
    this.#byHandle.set(handle, shelf);
    this.#shelves.put(shelf, weight);
    return shelf;
  }

  /** Looks a handle up on behalf of a principal, and counts as use of it. */
  find(principal: string, handle: string): Found {
    const shelf = this.#byHandle.get(handle);
    if (shelf !== undefined && shelf.owner === principal) {
      this.#shelves.touch(shelf);
      return { kind: 'found', result: shelf };
    }
    const gone = this.#gone.get(handle);
    return gone !== undefined && gone.owner === principal ? { kind: 'gone', why: gone.why } : { kind: 'unknown' };
  }

  /** Frees a result that `find` has found. */
  drop(result: KeptResult): void {
    const shelf = this.#byHandle.get(result.handle);
    if (shelf !== undefined) this.#remove(shelf, 'it was dropped');
  }

  /** The form in which a part is read line by line, if it has been made before. */
  view(result: KeptResult, part: number): TextView | undefined {
    return this.#byHandle.get(result.handle)?.views.get(part);
  }

  /** Keeps the form in which a part is read for the next time, if there is room for it. */
  keepView(result: KeptResult, part: number, view: TextView): void {
    const shelf = this.#byHandle.get(result.handle);
    if (shelf === undefined || shelf.views.has(part)) return;
    // Out of the reckoning while room is made, so that it does not make room for itself.
    const weight = shelf.weight + view.ownBytes;
    this.#shelves.delete(shelf);
    const hasRoom = this.#makeRoom(shelf.owner, weight);
    if (hasRoom) {
      shelf.views.set(part, view);
      shelf.weight = weight;
    }
    this.#shelves.put(shelf, shelf.weight);
  }

  clear(): void {
    for (const shelf of this.#byHandle.values()) shelf.cancelTimer();
    this.#byHandle.clear();
    this.#shelves.clear();
    this.#gone.clear();
  }

  #makeRoom(owner: string, weight: number): boolean {
    const leaving = this.#shelves.makeRoom({ owner, weight, max: this.#options.maxBytes() });
    for (const shelf of leaving ?? []) this.#remove(shelf, 'other results needed its room');
    return leaving !== undefined;
  }

  #remove(shelf: Shelf, why: string): void {
    shelf.cancelTimer();
    this.#byHandle.delete(shelf.handle);
    this.#shelves.delete(shelf);
    this.#gone.set(shelf.handle, { owner: shelf.owner, why });
    if (this.#gone.size > MAX_GONE) this.#gone.delete(this.#gone.keys().next().value!);
  }
}
