import type { ModelTable, TableSpec } from '../model.ts';

/** The tool that is held most likely, as far as it tells whether it comes. */
export interface Guess {
  /** What the mixture gives to the three it holds most likely, best first; 0 where there is none. */
  readonly shares: readonly [first: number, second: number, third: number];
  /** Times it came right after what the session called last. */
  readonly followed: number;
  /** Whether the session has just called it. */
  readonly isLast: boolean;
  /** Whether the session has called it. */
  readonly isKnown: boolean;
  /** That the session has made, as far as they are remembered. */
  readonly calls: number;
  readonly isSameServer: boolean;
  readonly isAfterFailure: boolean;
}

export interface Calibration {
  /** Probability that it comes, from 0 to 1. */
  probabilityOf(guess: Guess): number;
  learn(guess: Guess, hasCome: boolean): void;
  save(): ModelTable;
  load(table: ModelTable | undefined): void;
}

const FEATURES = [
  'always',
  'first',
  'second',
  'third',
  'followed',
  'isNew',
  'isLast',
  'isKnown',
  'calls',
  'isSameServer',
  'isAfterFailure',
] as const;
/** At first the mixture is believed. */
const START = [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
const RATE = 0.1;
/** How far what was learned counts beside the mixture. */
const PART = 0.4;
/** Keeps odds finite. */
const LEAST = 1e-3;

export const CALIBRATION_TABLE: TableSpec = { name: 'calibration', columns: ['trials', 'weight', 'squares'], rule: 'mean' };

/** Learns how often what is held most likely comes, by what it is like: logistic regression, each weight at its own pace (AdaGrad). */
export function createCalibration(): Calibration {
  const weights = Float64Array.from(START);
  const squares = new Float64Array(FEATURES.length).fill(1);
  let trials = 0;
  const learnedOf = (features: readonly number[]): number => {
    let sum = 0;
    for (const [index, value] of features.entries()) sum += weights[index]! * value;
    return 1 / (1 + Math.exp(-sum));
  };
  return {
    probabilityOf: (guess) => PART * learnedOf(featuresOf(guess)) + (1 - PART) * guess.shares[0],
    learn: (guess, hasCome) => {
      const features = featuresOf(guess);
      const error = (hasCome ? 1 : 0) - learnedOf(features);
      for (const [index, value] of features.entries()) {
        squares[index]! += (error * value) ** 2;
        weights[index]! += (RATE * error * value) / Math.sqrt(squares[index]!);
      }
      trials++;
    },
    save: () => new Map(FEATURES.map((feature, index) => [feature, [trials, weights[index]!, squares[index]!]] as const)),
    load: (table) => {
      for (const [index, feature] of FEATURES.entries()) {
        const [tried, weight, square] = table?.get(feature) ?? [0, START[index]!, 1];
        trials = tried!;
        weights[index] = weight!;
        squares[index] = square!;
      }
    },
  };
}

function featuresOf({ shares, followed, isLast, isKnown, calls, isSameServer, isAfterFailure }: Guess): readonly number[] {
  return [
    1,
    logOdds(shares[0]),
    logOdds(shares[1]),
    logOdds(shares[2]),
    Math.log1p(followed),
    followed === 0 ? 1 : 0,
    isLast ? 1 : 0,
    isKnown ? 1 : 0,
    Math.log(Math.max(1, calls)),
    isSameServer ? 1 : 0,
    isAfterFailure ? 1 : 0,
  ];
}

function logOdds(share: number): number {
  return Math.log((share + LEAST) / (1 - share + LEAST));
}
