/**
 * Entries that come and go many times a second, in no order. Each carries its own place, in the member named `Key`;
 * it must be -1 while the entry is in no bag.
 *
 * A `Set` or `Map` would do but for the collector: each time one grows or shrinks, its old table points to the new one,
 * so that a single old table that has grown old keeps every later one alive, with all it ever held.
 */
export class Bag<Key extends string, Entry extends { [Member in Key]: number }> {
  readonly #entries: Entry[] = [];
  readonly #key: Key;

  constructor(key: Key) {
    this.#key = key;
  }

  get size(): number {
    return this.#entries.length;
  }

  /** Adding an entry that is in already changes nothing. */
  add(entry: Entry): void {
    const place: { [Member in Key]: number } = entry;
    if (place[this.#key] >= 0) return;
    place[this.#key] = this.#entries.push(entry) - 1;
  }

  /** Tells whether the entry was in. */
  delete(entry: Entry): boolean {
    const place: { [Member in Key]: number } = entry;
    const index = place[this.#key];
    if (index < 0) return false;
    const last = this.#entries.pop()!;
    if (last !== entry) {
      this.#entries[index] = last;
      const moved: { [Member in Key]: number } = last;
      moved[this.#key] = index;
    }
    place[this.#key] = -1;
    return true;
  }

  /** The entries as they are now; the list may be walked while the bag changes. */
  list(): readonly Entry[] {
    return this.#entries.slice();
  }

  clear(): void {
    for (const entry of this.list()) this.delete(entry);
  }
}

/** Values by number or text that come and go many times a second, for the same reason no `Map`. */
export class FleetingTable<Key extends number | string, Value> {
  readonly #values = Object.create(null) as Record<Key, Value>;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(key: Key): Value | undefined {
    return this.#values[key];
  }

  set(key: Key, value: Value): void {
    if (this.#values[key] === undefined) this.#size++;
    this.#values[key] = value;
  }

  delete(key: Key): boolean {
    if (this.#values[key] === undefined) return false;
    this.#size--;
    return delete this.#values[key];
  }

  list(): readonly Value[] {
    return Object.values(this.#values);
  }
}
