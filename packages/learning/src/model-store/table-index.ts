import { hash } from 'node:crypto';
import { WireWriter } from '@signalbox/core';
import { encodeChunk, encodeTable } from '../codec/state-codec.ts';
import type { ModelTable } from '../model.ts';

/** Rows that a chunk holds on average: few, as one changed row writes its whole chunk. */
const ROWS_PER_CHUNK = 16;

/** Bytes with the SHA-256 they are known by, in hexadecimal. */
export interface KnownBytes {
  readonly id: string;
  readonly bytes: Uint8Array;
}

interface Entry {
  readonly key: string;
  /** Where it stood when the table was last read. */
  place: number;
  row: readonly number[];
  readonly chunk: number;
}

interface Chunk {
  /** Sorted. */
  readonly keys: string[];
  id: string;
}

/**
 * What was kept last of one table, so that keeping it again costs what has changed. Where a row stands depends on its key and the
 * number of rows alone: the same rows make the same chunks, whatever their history.
 */
export class TableIndex {
  readonly #writer = new WireWriter(4096);
  #entries = new Map<string, Entry>();
  /** As they stood when the table was last read. */
  #order: Entry[] = [];
  #chunks: Chunk[] = [];
  #table: KnownBytes | undefined;

  /** Takes over the table as it is now. @returns its id and what nobody has been given before. */
  update(table: ModelTable): { readonly id: string; readonly fresh: readonly KnownBytes[] } {
    const count = chunkCount(table.size);
    if (count !== this.#chunks.length) this.#clear(count);
    const dirty = this.#takeChanges(table);
    if (dirty.size === 0 && this.#table !== undefined) return { id: this.#table.id, fresh: [] };
    const fresh: KnownBytes[] = [];
    for (const index of dirty) {
      const chunk = this.#chunks[index]!;
      const known = chunk.keys.length === 0 ? undefined : this.#encode(chunk);
      chunk.id = known?.id ?? '';
      if (known !== undefined) fresh.push(known);
    }
    const bytes = encodeTable(this.#chunks.map(({ id }) => id));
    this.#table = { id: idOf(bytes), bytes };
    fresh.push(this.#table);
    return { id: this.#table.id, fresh };
  }

  #clear(count: number): void {
    this.#entries = new Map();
    this.#order = [];
    this.#chunks = Array.from({ length: count }, () => ({ keys: [], id: '' }));
    this.#table = undefined;
  }

  #takeChanges(table: ModelTable): Set<number> {
    const dirty = new Set<number>();
    const before = this.#order;
    const order: Entry[] = [];
    let place = 0;
    // Rows mostly stand as they stood the last time, and to look there first costs a tenth of finding them by their key.
    let expected = 0;
    for (const [key, row] of table) {
      let entry = before[expected];
      if (entry === undefined || entry.key !== key) entry = this.#entries.get(key);
      if (entry === undefined) {
        entry = this.#add(key, row);
        dirty.add(entry.chunk);
      } else {
        expected = entry.place + 1;
        if (!isSame(entry.row, row)) dirty.add(entry.chunk);
        entry.row = row;
      }
      entry.place = place;
      order[place++] = entry;
    }
    this.#order = order;
    if (this.#entries.size > table.size) this.#dropMissing(table, dirty);
    return dirty;
  }

  #add(key: string, row: readonly number[]): Entry {
    const entry = { key, row, place: 0, chunk: chunkOf(key, this.#chunks.length) };
    this.#entries.set(key, entry);
    insert(this.#chunks[entry.chunk]!.keys, key);
    return entry;
  }

  #dropMissing(table: ModelTable, dirty: Set<number>): void {
    for (const [key, { chunk }] of this.#entries) {
      if (table.has(key)) continue;
      this.#entries.delete(key);
      const { keys } = this.#chunks[chunk]!;
      keys.splice(placeOf(keys, key), 1);
      dirty.add(chunk);
    }
  }

  #encode({ keys }: Chunk): KnownBytes {
    const bytes = encodeChunk(
      this.#writer,
      keys.map((key) => [key, this.#entries.get(key)!.row]),
    ).slice();
    return { id: idOf(bytes), bytes };
  }
}

export function idOf(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'hex');
}

function chunkCount(rows: number): number {
  let count = 1;
  while (count * ROWS_PER_CHUNK < rows) count *= 2;
  return count;
}

// FNV-1a over UTF-16, https://datatracker.ietf.org/doc/html/draft-eastlake-fnv; its low bits are folded from the high ones.
function chunkOf(key: string, count: number): number {
  let value = 0x81_1c_9d_c5;
  for (let index = 0; index < key.length; index++) value = Math.imul(value ^ key.charCodeAt(index), 0x01_00_01_93);
  return ((value ^ (value >>> 15)) >>> 0) % count;
}

function isSame(one: readonly number[], other: readonly number[]): boolean {
  if (one === other) return true;
  if (one.length !== other.length) return false;
  for (let index = 0; index < one.length; index++) if (!Object.is(one[index], other[index])) return false;
  return true;
}

function insert(keys: string[], key: string): void {
  keys.splice(placeOf(keys, key), 0, key);
}

function placeOf(keys: readonly string[], key: string): number {
  let [low, high] = [0, keys.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keys[middle]! < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
