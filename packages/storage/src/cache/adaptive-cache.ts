import { EvictionQueue } from './eviction-queue.ts';

export interface AdaptiveCacheOptions<Value> {
  readonly maxBytes: number;
  /** Hears what was put out to make room. */
  readonly onEvict?: (key: string, value: Value) => void;
}

/** The two ways to make room: with a filter against scans, and by last use alone. */
const SHARES = [0.1, 1] as const;
/** One key in this many is followed in both small models. */
const SAMPLE = 16;
/** Uses of followed keys between two decisions. */
const EPOCH = 400;
const DECAY = 0.8;
/** How much better the other way must have been, as a share of all uses. */
const MARGIN = 0.005;
/** Below this many entries a sixteenth of them says nothing. */
const MIN_ENTRIES = 512;

/**
 * A cache in memory, bounded in bytes, that finds out by itself how to make room. Filtering newcomers is better for most
 * traffic and much better for scans, but worse than the order of last use where answers are wanted again soon or never.
 * So two models of a sixteenth of the size see a sixteenth of the keys, one for each way, and the way that would have had
 * more hits is taken (miniature simulation: Waldspurger et al., ATC 2017).
 */
export class AdaptiveCache<Value> {
  readonly #queue: EvictionQueue<Value>;
  readonly #models: readonly { readonly queue: EvictionQueue<true>; readonly share: number; hits: number }[];
  #followed = 0;
  #uses = 0;

  constructor({ maxBytes, onEvict }: AdaptiveCacheOptions<Value>) {
    this.#queue = new EvictionQueue({
      maxBytes,
      share: SHARES[0],
      ...(onEvict && { onEvict: ({ key, value }) => onEvict(key, value) }),
    });
    this.#models = SHARES.map((share) => ({ queue: new EvictionQueue({ maxBytes: maxBytes / SAMPLE, share }), share, hits: 0 }));
  }

  get size(): number {
    return this.#queue.size;
  }

  get bytes(): number {
    return this.#queue.bytes;
  }

  /** The share of newcomers now in force. */
  get share(): number {
    return this.#queue.share;
  }

  get(key: string): Value | undefined {
    const held = this.#queue.get(key);
    if (held !== undefined) {
      if (isFollowed(key)) this.#follow(key, held.bytes);
      return held.value;
    }
    return undefined;
  }

  /** Keeps a value until it has to make room. One larger than the whole cache is not kept. */
  set(key: string, value: Value, bytes: number): void {
    this.#queue.set(key, value, bytes);
    if (isFollowed(key)) this.#follow(key, bytes);
  }

  delete(key: string): void {
    this.#queue.delete(key);
    for (const { queue } of this.#models) queue.delete(key);
  }

  clear(prefix = ''): void {
    if (prefix === '') {
      this.#queue.clear();
      for (const { queue } of this.#models) queue.clear();
      return;
    }
    for (const key of this.#queue.keys()) if (key.startsWith(prefix)) this.delete(key);
  }

  // A key that is not there is asked for and then set, which counts as one use.
  #follow(key: string, bytes: number): void {
    for (const model of this.#models) {
      if (model.queue.get(key) === undefined) model.queue.set(key, true, bytes);
      else model.hits += 1;
    }
    this.#uses += 1;
    this.#followed += 1;
    if (this.#followed < EPOCH) return;
    this.#followed = 0;
    this.#decide();
  }

  #decide(): void {
    const now = this.#models.find(({ share }) => share === this.#queue.share)!;
    const best = this.#models.reduce((left, right) => (right.hits > left.hits ? right : left));
    if (this.#queue.size >= MIN_ENTRIES && best.hits - now.hits > MARGIN * this.#uses) this.#queue.share = best.share;
    for (const model of this.#models) model.hits *= DECAY;
    this.#uses *= DECAY;
  }
}

// Looks at some letters only: this is asked at every use.
function isFollowed(key: string): boolean {
  const { length } = key;
  const step = Math.max(1, length >> 4);
  let hash = length;
  for (let index = length - 1; index >= 0; index -= step) hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193);
  return (Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 28) % SAMPLE === 0;
}
