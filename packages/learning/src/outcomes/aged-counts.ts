import type { ModelTable } from '../model.ts';

/** Counts that weigh less the older they are. Kept as whole numbers by time, so that what several gateways have counted adds up. */
export interface AgedCounts {
  add(key: string, atMs: number, steps: readonly number[]): void;
  /** All of them by key, as they weigh at the time of the newest. */
  weighed(): ReadonlyMap<string, readonly number[]>;
  save(): ModelTable;
  load(table: ModelTable | undefined): void;
}

export interface AgedCountsOptions {
  readonly columns: number;
  /** What is this much older than the newest weighs half, in milliseconds. */
  readonly halfLifeMs: number;
  readonly maxRows: number;
}

/** Rows in one half life. */
const ROWS_EACH = 4;
/** What is older than so many half lives is let go. */
const KEPT = 6;

export function createAgedCounts({ columns, halfLifeMs, maxRows }: AgedCountsOptions): AgedCounts {
  const rows = new Map<string, number[]>();
  let newest = 0;

  const makeRoom = (): void => {
    for (const key of rows.keys()) if (timeOf(key) <= newest - KEPT * ROWS_EACH) rows.delete(key);
    if (rows.size < maxRows) return;
    // A tenth goes at once, so that few additions pay for the sort. Keys decide between equals.
    const byEvidence = [...rows].toSorted(([one, [a = 0]], [other, [b = 0]]) => a - b || (one < other ? -1 : 1));
    for (const [key] of byEvidence.slice(0, Math.ceil(maxRows / 10))) rows.delete(key);
  };
  return {
    add: (key, atMs, steps) => {
      const time = Math.floor((atMs / halfLifeMs) * ROWS_EACH);
      newest = Math.max(newest, time);
      const own = `${key}\0${time}`;
      let row = rows.get(own);
      if (row === undefined) {
        if (rows.size >= maxRows) makeRoom();
        rows.set(own, (row = Array.from({ length: columns }, () => 0)));
      }
      for (let column = 0; column < columns; column++) row[column]! += steps[column] ?? 0;
    },
    weighed: () => {
      const weighed = new Map<string, number[]>();
      // By their keys, as sums of fractions depend on the order.
      for (const [key, row] of [...rows].toSorted(([one], [other]) => (one < other ? -1 : 1))) {
        const age = newest - timeOf(key);
        if (age >= KEPT * ROWS_EACH) continue;
        const own = key.slice(0, key.lastIndexOf('\0'));
        const sums = weighed.get(own) ?? Array.from({ length: columns }, () => 0);
        weighed.set(
          own,
          sums.map((sum, column) => sum + row[column]! * 2 ** (-age / ROWS_EACH)),
        );
      }
      return weighed;
    },
    save: () => new Map([...rows].map(([key, row]) => [key, [...row]])),
    load: (table) => {
      rows.clear();
      newest = 0;
      for (const [key, row] of table ?? []) {
        rows.set(key, [...row]);
        newest = Math.max(newest, timeOf(key));
      }
    },
  };
}

function timeOf(key: string): number {
  return Number(key.slice(key.lastIndexOf('\0') + 1));
}
