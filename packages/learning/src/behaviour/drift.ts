import { tailScore } from '../anomalies/tail-score.ts';

/** Columns of a quantity that is looked at day by day: days, mean and variance of what they gave, and how far the last ones are off. */
export function driftColumns(name: string): string[] {
  return [`${name}Days`, `${name}Mean`, `${name}Variance`, `${name}Off`, `${name}OffDays`];
}

const MEAN = 1;
const VARIANCE = 2;
const OFF = 3;
const OFF_DAYS = 4;
const LEAST_DAYS = 5;
const PACE = 1 / 30;
/** What a day must be off to count as one of several. */
const LEAST_OFF = 2;
const LASTING_DAYS = 2;

export interface Drifted {
  readonly score: number;
  readonly expected: number;
  readonly spread: number;
}

/**
 * Adds what a day gave. Days that are off in the same direction are held back and added up; once they last, they are the new usual.
 * @param spread Least spread that is granted.
 * @returns what has changed, once.
 */
export function addDay(
  row: number[],
  at: number,
  { value, spread, least }: { readonly value: number; readonly spread: number; readonly least: number },
): Drifted | undefined {
  const days = row[at]!;
  const expected = row[at + MEAN]!;
  const granted = Math.max(spread, Math.sqrt(Math.max(0, row[at + VARIANCE]!)));
  const deviation = (value - expected) / granted;
  const score = tailScore(Math.abs(deviation));
  if (days >= LEAST_DAYS && score >= LEAST_OFF) {
    const before = Math.sign(row[at + OFF]!) === Math.sign(deviation) ? row[at + OFF]! : 0;
    row[at + OFF] = before + Math.sign(deviation) * score;
    row[at + OFF_DAYS] = before === 0 ? 1 : row[at + OFF_DAYS]! + 1;
    const sum = Math.abs(row[at + OFF]!);
    if (row[at + OFF_DAYS]! < LASTING_DAYS || sum < least) return undefined;
    row[at] = 1;
    row[at + MEAN] = value;
    row[at + OFF] = 0;
    row[at + OFF_DAYS] = 0;
    return { score: sum, expected, spread: granted };
  }
  row[at + OFF] = 0;
  row[at + OFF_DAYS] = 0;
  row[at] = days + 1;
  const share = Math.max(PACE, 1 / row[at]);
  row[at + MEAN] = expected + share * (value - expected);
  row[at + VARIANCE] = (1 - share) * (row[at + VARIANCE]! + share * (value - expected) ** 2);
  return undefined;
}
