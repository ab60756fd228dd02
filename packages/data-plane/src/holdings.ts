/** Something that takes room and belongs to somebody. */
export interface Holding {
  readonly owner: string;
}

interface Share<Entry> {
  readonly entries: Set<Entry>;
  weight: number;
}

/**
 * What several owners keep in one room of limited size, each entry with its weight. When room is needed, the oldest entry
 * of whoever holds most goes first, so that nobody can crowd the others out.
 */
export class Holdings<Entry extends Holding> {
  readonly #weights = new Map<Entry, number>();
  readonly #shares = new Map<string, Share<Entry>>();
  readonly #isPinned: (entry: Entry) => boolean;
  #weight = 0;

  /** @param isPinned Entries that must not go now, however full it gets. */
  constructor(isPinned: (entry: Entry) => boolean = () => false) {
    this.#isPinned = isPinned;
  }

  get size(): number {
    return this.#weights.size;
  }

  /** The sum of all weights. */
  get weight(): number {
    return this.#weight;
  }

  has(entry: Entry): boolean {
    return this.#weights.has(entry);
  }

  /** Adds an entry as the youngest; one that is there already becomes the youngest, with its new weight. */
  put(entry: Entry, weight: number): void {
    this.delete(entry);
    this.#weights.set(entry, weight);
    this.#weight += weight;
    const share = this.#shares.get(entry.owner) ?? { entries: new Set(), weight: 0 };
    this.#shares.set(entry.owner, share);
    share.entries.add(entry);
    share.weight += weight;
  }

  /** Makes an entry the youngest. */
  touch(entry: Entry): void {
    const weight = this.#weights.get(entry);
    if (weight !== undefined) this.put(entry, weight);
  }

  delete(entry: Entry): boolean {
    const weight = this.#weights.get(entry);
    if (weight === undefined) return false;
    this.#weights.delete(entry);
    this.#weight -= weight;
    const share = this.#shares.get(entry.owner)!;
    share.entries.delete(entry);
    share.weight -= weight;
    if (share.entries.size === 0) this.#shares.delete(entry.owner);
    return true;
  }

  clear(): void {
    this.#weights.clear();
    this.#shares.clear();
    this.#weight = 0;
  }

  /** All entries, the one unused for longest first. */
  [Symbol.iterator](): IterableIterator<Entry> {
    return this.#weights.keys();
  }

  /**
   * Takes entries out until `weight` more of this owner fits below `max`, and returns them.
   * @returns `undefined`, with nothing taken out, when it cannot be made to fit.
   */
  makeRoom(options: { readonly owner: string; readonly weight: number; readonly max: number }): readonly Entry[] | undefined {
    const { owner, weight, max } = options;
    if (weight > max) return undefined;
    const leaving: { readonly entry: Entry; readonly weight: number }[] = [];
    while (this.#weight + weight > max) {
      const entry = this.#oldestOf(owner, weight);
      if (entry === undefined) {
        for (const gone of leaving) this.put(gone.entry, gone.weight);
        return undefined;
      }
      leaving.push({ entry, weight: this.#weights.get(entry)! });
      this.delete(entry);
    }
    return leaving.map(({ entry }) => entry);
  }

  #oldestOf(newcomer: string, weight: number): Entry | undefined {
    let heaviest: Entry | undefined;
    let most = -1;
    for (const [owner, share] of this.#shares) {
      const held = owner === newcomer ? share.weight + weight : share.weight;
      if (held <= most) continue;
      const oldest = this.#firstFree(share.entries);
      if (oldest === undefined) continue;
      heaviest = oldest;
      most = held;
    }
    return heaviest;
  }

  #firstFree(entries: Set<Entry>): Entry | undefined {
    for (const entry of entries) if (!this.#isPinned(entry)) return entry;
    return undefined;
  }
}
