import { tailScore } from '../anomalies/tail-score.ts';

/** Columns of a quantity within a row: how many values, their mean and variance, and the largest of the usual ones. */
export function momentColumns(name: string): string[] {
  return [`${name}Values`, `${name}Mean`, `${name}Variance`, `${name}Top`];
}

export interface MomentOptions {
  /** Values below which nothing is said. */
  readonly leastValues: number;
  /** Spread that is granted to every quantity. */
  readonly leastSpread: number;
  /** What the last value counts for once there are many. */
  readonly pace: number;
}

const MEAN = 1;
const VARIANCE = 2;
const TOP = 3;
/** How far above all usual values a value must be, as a logarithm: half as much again. */
const BEYOND_TOP = 0.4;
/** How fast values that are too large become usual. */
const TOP_STEP = 0.25;
/** How many spreads away a value counts in full. */
const LONGEST_REACH = 4;

/** How unlikely a value is that is larger than any before; 0 for what is usual, or while too little is known. */
export function scoreAbove(row: readonly number[], at: number, value: number, options: MomentOptions): number {
  if (row[at]! < options.leastValues || value < row[at + TOP]! + BEYOND_TOP) return 0;
  return tailScore((value - row[at + MEAN]!) / spreadOf(row, at, options));
}

/** Adds a value. One that is far away counts as one that is less far, so that a single one does not hide the next. */
export function addValue(row: number[], at: number, value: number, options: MomentOptions): void {
  const count = ++row[at]!;
  const isKnown = count > options.leastValues;
  const reach = LONGEST_REACH * spreadOf(row, at, options);
  const mean = row[at + MEAN]!;
  const error = isKnown ? Math.max(-reach, Math.min(reach, value - mean)) : value - mean;
  const share = Math.max(options.pace, 1 / count);
  row[at + MEAN] = mean + share * error;
  row[at + VARIANCE] = (1 - share) * (row[at + VARIANCE]! + share * error * error);
  const top = row[at + TOP]!;
  if (count === 1) row[at + TOP] = value;
  else if (value > top) row[at + TOP] = isKnown ? Math.min(value, top + TOP_STEP) : value;
}

/** What is usual, of logarithms: the middle, and three spreads around it. */
export function usualRange(row: readonly number[], at: number, options: MomentOptions): { expected: number; low: number; high: number } {
  const mean = row[at + MEAN]!;
  const spread = 3 * spreadOf(row, at, options);
  return { expected: fromLog(mean), low: fromLog(mean - spread), high: fromLog(Math.max(mean + spread, row[at + TOP]!)) };
}

/** Amounts are compared as logarithms: twice as much is as far from usual for a small one as for a large one. */
export function toLog(amount: number): number {
  return Math.log(1 + Math.max(0, amount));
}

function fromLog(value: number): number {
  return Math.max(0, Math.exp(value) - 1);
}

function spreadOf(row: readonly number[], at: number, { leastSpread }: MomentOptions): number {
  return Math.max(leastSpread, Math.sqrt(Math.max(0, row[at + VARIANCE]!)));
}
