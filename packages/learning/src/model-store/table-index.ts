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
  row: readonly number[];
  readonly chunk: number;
}

interface Chunk {
  /** By their keys. */
  readonly entries: Entry[];
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
      const known = chunk.entries.length === 0 ? undefined : this.#encode(chunk);
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
    this.#chunks = Array.from({ length: count }, () => ({ entries: [], id: '' }));
    this.#table = undefined;
  }

  #takeChanges(table: ModelTable): Set<number> {
    const dirty = new Set<number>();
    const order = this.#order;
    let place = 0;
    for (const [key, row] of table) {
      // Rows mostly stand where they stood the last time, and to look there first costs a tenth of finding them by their key.
      const before = order[place];
      let entry = before?.key === key ? before : this.#entries.get(key);
      if (entry === undefined) dirty.add((entry = this.#add(key, row)).chunk);
      else if (entry.row !== row) {
        if (!isSame(entry.row, row)) dirty.add(entry.chunk);
        entry.row = row;
      }
      if (entry !== before) order[place] = entry;
      place++;
    }
    order.length = place;
    if (this.#entries.size > table.size) this.#dropMissing(table, dirty);
    return dirty;
  }

  #add(key: string, row: readonly number[]): Entry {
    const entry = { key, row, chunk: chunkOf(key, this.#chunks.length) };
    this.#entries.set(key, entry);
    const { entries } = this.#chunks[entry.chunk]!;
    entries.splice(placeOf(entries, key), 0, entry);
    return entry;
  }

  #dropMissing(table: ModelTable, dirty: Set<number>): void {
    for (const [key, { chunk }] of this.#entries) {
      if (table.has(key)) continue;
      this.#entries.delete(key);
      const { entries } = this.#chunks[chunk]!;
      entries.splice(placeOf(entries, key), 1);
      dirty.add(chunk);
    }
  }

  #encode({ entries }: Chunk): KnownBytes {
    const bytes = encodeChunk(this.#writer, entries).slice();
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

function placeOf(entries: readonly Entry[], key: string): number {
  let [low, high] = [0, entries.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (entries[middle]!.key < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
