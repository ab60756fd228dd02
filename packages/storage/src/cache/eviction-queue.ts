export interface Held<Value> {
  readonly key: string;
  value: Value;
  bytes: number;
  /** Uses since it came to its place, up to `MAX_USES`. */
  uses: number;
}

export interface EvictionQueueOptions<Value> {
  readonly maxBytes: number;
  /** Share of the bytes for newcomers: below 1 a filter against scans, at 1 the order of last use and nothing else. */
  share: number;
  /** Hears what was put out to make room. */
  readonly onEvict?: (held: Held<Value>) => void;
}

const MAX_USES = 3;
/** From this share on newcomers are kept by last use rather than by age. */
const BY_USE = 0.3;

/**
 * Decides what makes room. Newcomers stand in a small queue; those that were used there come into the main one, where
 * whoever was used meanwhile gets another round. The keys of newcomers that left unused are remembered for a while, and
 * come into the main queue at once when they come back (S3-FIFO, Yang et al., SOSP 2023). With a share of 1 there is one
 * queue, by last use (LRU).
 */
export class EvictionQueue<Value> {
  share: number;
  readonly #maxBytes: number;
  readonly #onEvict: ((held: Held<Value>) => void) | undefined;
  readonly #held = new Map<string, Held<Value>>();
  // A Map keeps the order in which keys came, and taking the first or any of them out is cheap.
  readonly #small = new Map<string, Held<Value>>();
  readonly #main = new Map<string, Held<Value>>();
  readonly #ghosts = new Set<number>();
  #smallBytes = 0;
  #mainBytes = 0;

  constructor({ maxBytes, share, onEvict }: EvictionQueueOptions<Value>) {
    this.#maxBytes = maxBytes;
    this.share = share;
    this.#onEvict = onEvict;
  }

  get bytes(): number {
    return this.#smallBytes + this.#mainBytes;
  }

  get size(): number {
    return this.#held.size;
  }

  get(key: string): Held<Value> | undefined {
    const held = this.#held.get(key);
    if (held === undefined) return undefined;
    if (held.uses < MAX_USES) held.uses += 1;
    if (this.share >= BY_USE && this.#small.delete(key)) this.#small.set(key, held);
    return held;
  }

  /** Keeps a value that fits; one larger than all there is takes the place of nothing. */
  set(key: string, value: Value, bytes: number): void {
    this.delete(key);
    if (bytes > this.#maxBytes) return;
    while (this.bytes + bytes > this.#maxBytes) this.#evict();
    const held: Held<Value> = { key, value, bytes, uses: 0 };
    this.#held.set(key, held);
    if (this.share < 1 && this.#ghosts.delete(hashOf(key))) this.#enterMain(held);
    else {
      this.#small.set(key, held);
      this.#smallBytes += bytes;
    }
  }

  delete(key: string): boolean {
    const held = this.#held.get(key);
    if (held === undefined) return false;
    this.#held.delete(key);
    if (this.#small.delete(key)) this.#smallBytes -= held.bytes;
    else {
      this.#main.delete(key);
      this.#mainBytes -= held.bytes;
    }
    return true;
  }

  keys(): Iterable<string> {
    return this.#held.keys();
  }

  clear(): void {
    for (const map of [this.#held, this.#small, this.#main]) map.clear();
    this.#ghosts.clear();
    this.#smallBytes = 0;
    this.#mainBytes = 0;
  }

  #evict(): void {
    if (this.#main.size === 0 || this.#smallBytes >= this.#maxBytes * this.share) return this.#evictSmall();
    for (const held of this.#main.values()) {
      if (held.uses === 0) return this.#drop(held);
      // Behind all others, which this loop will come to again at the end.
      this.#main.delete(held.key);
      this.#main.set(held.key, held);
      held.uses -= 1;
    }
  }

  #evictSmall(): void {
    const held = this.#small.values().next().value!;
    if (held.uses === 0 || this.share >= 1) {
      this.#remember(hashOf(held.key));
      return this.#drop(held);
    }
    this.#small.delete(held.key);
    this.#smallBytes -= held.bytes;
    this.#enterMain(held);
  }

  #enterMain(held: Held<Value>): void {
    held.uses = 0;
    this.#main.set(held.key, held);
    this.#mainBytes += held.bytes;
  }

  #drop(held: Held<Value>): void {
    this.delete(held.key);
    this.#onEvict?.(held);
  }

  #remember(ghost: number): void {
    this.#ghosts.add(ghost);
    if (this.#ghosts.size <= Math.max(16, this.#held.size)) return;
    for (const oldest of this.#ghosts) {
      this.#ghosts.delete(oldest);
      return;
    }
  }
}

/** FNV-1a over the units of a text: two texts with one hash cost a wrong guess about the past, nothing else. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}
