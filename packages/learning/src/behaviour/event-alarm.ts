/** Columns of something that happens to a share of calls: calls, the share, and what speaks for a much larger one. */
export function eventColumns(name: string): string[] {
  return [`${name}Calls`, `${name}Share`, `${name}Sum`];
}

const SHARE = 1;
const SUM = 2;
const LEAST_CALLS = 100;
/** Shares are held for at least this: nothing is that certain. */
const LEAST_SHARE = 0.02;
/** What happens more often than this is not abnormal, whatever it does. */
const MOST_SHARE = 0.4;
const ALARMED_SHARE = 0.5;
const TIMES = 4;
const PACE = 1 / 500;
/** Beyond it nothing is gained, and calls that go well must be able to end it. */
const MOST_SUM = 16;

/**
 * Adds one call, by Page's cumulative sum: the decimal logarithm of how much better a share of at least a half explains the last
 * calls than the usual share does.
 * @see https://doi.org/10.1093/biomet/41.1-2.100
 */
export function addEvent(row: number[], at: number, hasHappened: boolean): void {
  const calls = ++row[at]!;
  const share = expectedShare(row, at);
  if (calls > LEAST_CALLS && share < MOST_SHARE) {
    const alarmed = Math.min(0.95, Math.max(ALARMED_SHARE, TIMES * share));
    const gain = hasHappened ? Math.log10(alarmed / share) : Math.log10((1 - alarmed) / (1 - share));
    row[at + SUM] = Math.max(0, Math.min(MOST_SUM, row[at + SUM]! + gain));
  } else row[at + SUM] = 0;
  row[at + SHARE]! += Math.max(PACE, 1 / calls) * ((hasHappened ? 1 : 0) - row[at + SHARE]!);
}

/** What speaks for a much larger share than usual, as the decimal logarithm of a likelihood ratio. */
export function sumOf(row: readonly number[], at: number): number {
  return row[at + SUM]!;
}

export function expectedShare(row: readonly number[], at: number): number {
  return Math.max(LEAST_SHARE, row[at + SHARE]!);
}
