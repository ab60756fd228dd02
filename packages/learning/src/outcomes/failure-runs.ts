import type { AfterFailures, Interaction } from '../interaction.ts';
import type { Model } from '../model.ts';
import { joinKey, splitKey } from '../tool-key.ts';
import { createAgedCounts, type AgedCounts } from './aged-counts.ts';

/** What followed failures in a row: how often the next attempt failed as well. */
export interface FailureRuns extends Model<Interaction> {
  risks(): FailureRisks;
}

/** How likely the next attempt fails, from 0 to 1, by `gradeOf`; absent where too little is known. */
export interface FailureRisks {
  /** Of an upstream that nothing is known of. */
  readonly all: readonly (number | undefined)[];
  readonly own: ReadonlyMap<string, readonly (number | undefined)[]>;
}

/** Least failures in a row of each grade, and least time since the last one. */
const FAILURES = [1, 2, 3, 5, 9] as const;
const SINCE_MS = [0, 1_000, 10_000, 60_000, 600_000] as const;

const HALF_LIFE_MS = 7 * 86_400_000;
const MAX_ROWS = 10_000;
/** Attempts of a grade, of all upstreams, before anything is said of it. */
const ENOUGH = 5;
/** Attempts of its own from which on an upstream counts as much as all together. */
const PRIOR = 4;

/** Counts attempts that came after failures of their upstream, and those of them that failed, by upstream and grade. */
export function createFailureRuns(): FailureRuns {
  const counts = createAgedCounts({ columns: 2, halfLifeMs: HALF_LIFE_MS, maxRows: MAX_ROWS });
  // Most traffic teaches nothing of it.
  let known: FailureRisks | undefined;
  return {
    name: 'runs',
    tables: [{ name: 'attempts', columns: ['attempts', 'failed'], rule: 'sum' }],
    observe: (fact) => {
      if (fact.kind !== 'call' || fact.afterFailures === undefined) return;
      for (const after of fact.afterFailures) {
        if (after.failures < 1) continue;
        known = undefined;
        const [failures, sinceMs] = [FAILURES[failuresGrade(after)]!, SINCE_MS[sinceGrade(after)]!];
        counts.add(joinKey(after.upstream, String(failures), String(sinceMs)), fact.atMs, [1, after.hasFailed ? 1 : 0]);
      }
    },
    risks: () => (known ??= weighRisks(counts)),
    save: () => new Map([['attempts', counts.save()]]),
    load: (state) => {
      counts.load(state.get('attempts'));
      known = undefined;
    },
  };
}

function weighRisks(counts: AgedCounts): FailureRisks {
  const own = new Map<string, [attempts: number, failed: number][]>();
  const all = createCells();
  for (const [key, [attempts = 0, failed = 0]] of counts.weighed()) {
    const [upstream = '', failures, sinceMs] = splitKey(key);
    const grade = gradeOf({ failures: Number(failures), sinceMs: Number(sinceMs) });
    let cells = own.get(upstream);
    if (cells === undefined) own.set(upstream, (cells = createCells()));
    cells[grade] = [attempts, failed];
    all[grade]![0] += attempts;
    all[grade]![1] += failed;
  }
  const ofAll = all.map(([attempts, failed]) => (attempts < ENOUGH ? undefined : (failed + 1) / (attempts + 2)));
  const toOwn = ([attempts, failed]: readonly [number, number], grade: number): number | undefined => {
    const prior = ofAll[grade];
    return prior === undefined ? undefined : (failed + PRIOR * prior) / (attempts + PRIOR);
  };
  return { all: ofAll, own: new Map([...own].map(([upstream, cells]) => [upstream, cells.map(toOwn)])) };
}

type Run = Pick<AfterFailures, 'failures' | 'sinceMs'>;

/** Which of `FailureRisks` is about an attempt after so many failures, so long after the last. */
export function gradeOf(run: Run): number {
  return failuresGrade(run) * SINCE_MS.length + sinceGrade(run);
}

function failuresGrade({ failures }: Run): number {
  return Math.max(
    0,
    FAILURES.findLastIndex((least) => failures >= least),
  );
}

function sinceGrade({ sinceMs }: Run): number {
  return Math.max(
    0,
    SINCE_MS.findLastIndex((least) => sinceMs >= least),
  );
}

function createCells(): [attempts: number, failed: number][] {
  return Array.from({ length: FAILURES.length * SINCE_MS.length }, () => [0, 0]);
}
