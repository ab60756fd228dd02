import type { ModelTable } from '../model.ts';

export interface EvidenceTableOptions {
  readonly columns: number;
  readonly maxRows: number;
  /** Where in a row its evidence stands. */
  readonly evidence: number;
}

/** The share of rows that make room when there is none. */
const PRUNED = 0.1;

/** Rows of numbers up to a bound. At the bound those with least evidence go, by the order of their keys where they are equal. */
export class EvidenceTable {
  readonly #options: EvidenceTableOptions;
  #rows = new Map<string, number[]>();

  constructor(options: EvidenceTableOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#rows.size;
  }

  get rows(): ReadonlyMap<string, number[]> {
    return this.#rows;
  }

  get(key: string): number[] | undefined {
    return this.#rows.get(key);
  }

  /** @returns a new row of zeros, kept under the key. */
  add(key: string): number[] {
    if (this.#rows.size >= this.#options.maxRows) this.#prune();
    const row = Array.from({ length: this.#options.columns }, () => 0);
    this.#rows.set(key, row);
    return row;
  }

  save(): Map<string, readonly number[]> {
    return new Map([...this.#rows].map(([key, row]) => [key, [...row]]));
  }

  load(table: ModelTable | undefined): void {
    // Rows of an earlier version have fewer columns.
    const { columns } = this.#options;
    this.#rows = new Map([...(table ?? [])].map(([key, row]) => [key, Array.from({ length: columns }, (_, column) => row[column] ?? 0)]));
  }

  #prune(): void {
    const { evidence, maxRows } = this.#options;
    const least = [...this.#rows].toSorted(([one, a], [other, b]) => a[evidence]! - b[evidence]! || (one < other ? -1 : 1));
    for (const [key] of least.slice(0, Math.max(1, Math.floor(PRUNED * maxRows)))) this.#rows.delete(key);
  }
}
