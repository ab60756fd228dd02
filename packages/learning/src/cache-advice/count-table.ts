import type { ModelTable } from '../model.ts';

/** Rows of whole counts under a limit: the rows with least evidence go first. */
export interface CountTable {
  readonly size: () => number;
  readonly get: (key: string) => readonly number[];
  readonly add: (key: string, steps: readonly number[]) => void;
  readonly keys: () => IterableIterator<string>;
  readonly save: () => ModelTable;
  readonly load: (table: ModelTable | undefined) => void;
}

export function createCountTable({ columns, maxRows }: { readonly columns: number; readonly maxRows: number }): CountTable {
  const rows = new Map<string, number[]>();
  const none: readonly number[] = Object.freeze(Array.from({ length: columns }, () => 0));

  // A tenth goes at once, so that a full table pays for the sort on few of its additions.
  const evict = (): void => {
    const byEvidence = [...rows].map(([key, row], place) => ({
      key,
      place,
      evidence: row.reduce((sum, count) => sum + Math.abs(count), 0),
    }));
    byEvidence.sort((a, b) => a.evidence - b.evidence || a.place - b.place);
    for (const { key } of byEvidence.slice(0, Math.max(1, rows.size - maxRows + Math.floor(maxRows / 10)))) rows.delete(key);
  };

  return {
    size: () => rows.size,
    get: (key) => rows.get(key) ?? none,
    add: (key, steps) => {
      let row = rows.get(key);
      if (row === undefined) {
        if (rows.size >= maxRows) evict();
        rows.set(key, (row = [...none]));
      }
      for (let column = 0; column < columns; column++) row[column]! += steps[column] ?? 0;
    },
    keys: () => rows.keys(),
    save: () => new Map([...rows].map(([key, row]) => [key, [...row]])),
    load: (table) => {
      rows.clear();
      for (const [key, row] of table ?? []) if (row.length === columns) rows.set(key, [...row]);
      if (rows.size > maxRows) evict();
    },
  };
}
