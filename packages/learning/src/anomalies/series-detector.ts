import { SlidingWindow } from './sliding-window.ts';
import { tailScore } from './tail-score.ts';

/** What a point of a series looks like beside all before it. */
export interface SeriesVerdict {
  /** 0 for what is usual. Comparable between series. */
  readonly score: number;
  /** Whether it is to be told: high enough, and not told of shortly before. */
  readonly isAnomaly: boolean;
  /** What speaks for it most. */
  readonly kind: 'reach' | 'shift' | 'season';
}

/** Finds what is unusual in one series of numbers, point by point, in constant time and memory (about 60 KiB). */
export interface SeriesDetector {
  /** @param point.atMs Unix time in milliseconds; only the time of day counts. */
  observe(point: { readonly atMs: number; readonly value: number }): SeriesVerdict;
  save(): SeriesState;
}

/** Everything that a detector knows, as JSON. */
export interface SeriesState {
  readonly points: number;
  readonly sincePoints: number;
  readonly range: readonly [least: number, most: number] | undefined;
  readonly long: readonly number[];
  readonly short: readonly number[];
  readonly residuals: readonly number[];
  /** Count, mean and variance for each part of the day. */
  readonly day: readonly (readonly [count: number, mean: number, variance: number])[];
  readonly fit: readonly [count: number, mean: number, variance: number];
}

// Chosen on a public collection of series from servers, sensors and advertisements, leaving out one category at a time.
const LONG = 6_400;
const SHORT = 30;
const RESIDUALS = 6;
const WEIGHTS = { reach: 1.4, shift: 0.35, season: 0.2 };
const THRESHOLD = 0.845;
/** Points after an alarm in which there is no other. */
const SILENCE = 100;
const LEAST_POINTS = { reach: 100, shift: 200, season: 200 };
const REACH_SCALE = 12;
const SHIFT_SCALE = 1.5;
const SEASON_SCALE = 1.2;
const PARTS_OF_DAY = 144;
const DAY_MS = 86_400_000;
const DAY_PACE = 0.02;
const FIT_PACE = 0.003;
/** Days that must have been seen of a part of the day. */
const LEAST_DAYS = 8;
const LEAST_FIT = 12;
/** A series goes by the time of day when that leaves no more than this of its variance. */
const MOST_UNEXPLAINED = 0.12;

/** @param state As another detector has saved it, to go on where it was. */
export function createSeriesDetector(state?: SeriesState): SeriesDetector {
  const long = new SlidingWindow(LONG);
  const short = new SlidingWindow(SHORT);
  const residuals = new SlidingWindow(RESIDUALS);
  const day = Array.from({ length: PARTS_OF_DAY }, (_, part) => new RunningMoments(DAY_PACE, state?.day[part]));
  const fit = new RunningMoments(FIT_PACE, state?.fit);
  let points = state?.points ?? 0;
  let sincePoints = state?.sincePoints ?? SILENCE;
  let [least, most] = state?.range ?? [Infinity, -Infinity];
  if (state !== undefined) {
    long.load(state.long);
    short.load(state.short);
    residuals.load(state.residuals);
  }

  // How far beyond everything seen so far, in parts of the span of it.
  const reach = (value: number): number => {
    const span = most - least;
    const score =
      points > LEAST_POINTS.reach && span > 0 ? tailScore(REACH_SCALE * Math.max(0, (value - most) / span, (least - value) / span)) : 0;
    least = Math.min(least, value);
    most = Math.max(most, value);
    return score;
  };
  // How far the last half hour or so has moved from the last weeks.
  const shift = (value: number, mean: number, spread: number): number => {
    short.add(value);
    return points > LEAST_POINTS.shift ? tailScore((SHIFT_SCALE * Math.abs(short.mean - mean)) / (spread || 1e-9)) : 0;
  };
  // How far from what is usual at this time of the day, for series that go by it.
  const season = (atMs: number, value: number, spread: number): number => {
    const part = day[Math.floor((((atMs % DAY_MS) + DAY_MS) % DAY_MS) / (DAY_MS / PARTS_OF_DAY))]!;
    const error = value - part.mean;
    const isKnown = part.count > LEAST_DAYS;
    residuals.add(isKnown ? error / Math.max(part.spread, 0.05 * spread, 1e-9) : 0);
    const isSeasonal = part.count > LEAST_FIT && fit.variance + fit.mean ** 2 < MOST_UNEXPLAINED * spread ** 2;
    if (isKnown) fit.add(Math.min(Math.abs(error), spread));
    part.add(value);
    return isSeasonal && points > LEAST_POINTS.season ? tailScore(SEASON_SCALE * Math.abs(residuals.mean)) : 0;
  };

  return {
    observe: ({ atMs, value }) => {
      if (!Number.isFinite(value)) return { score: 0, isAnomaly: false, kind: 'reach' };
      // The first of the two windows must not hold the point itself yet, the other two may.
      const before = { mean: long.mean, spread: long.spread };
      long.add(value);
      const spread = long.spread;
      const scores = {
        reach: WEIGHTS.reach * reach(value),
        shift: WEIGHTS.shift * shift(value, long.mean, spread),
        season: WEIGHTS.season * season(atMs, value, points === 0 ? before.spread : spread),
      };
      points++;
      const kind =
        scores.reach >= scores.shift && scores.reach >= scores.season ? 'reach' : scores.shift >= scores.season ? 'shift' : 'season';
      const score = scores[kind];
      const isAnomaly = score >= THRESHOLD && sincePoints >= SILENCE;
      sincePoints = isAnomaly ? 0 : sincePoints + 1;
      return { score, isAnomaly, kind };
    },
    save: () => ({
      points,
      sincePoints,
      range: least <= most ? [least, most] : undefined,
      long: long.save(),
      short: short.save(),
      residuals: residuals.save(),
      day: day.map((part) => part.save()),
      fit: fit.save(),
    }),
  };
}

/** Mean and variance that forget: each value counts for a share, and the first ones alike. */
class RunningMoments {
  readonly #pace: number;
  count = 0;
  mean = 0;
  variance = 0;

  constructor(pace: number, [count, mean, variance]: readonly [number, number, number] = [0, 0, 0]) {
    this.#pace = pace;
    this.count = count;
    this.mean = mean;
    this.variance = variance;
  }

  get spread(): number {
    return Math.sqrt(this.variance);
  }

  add(value: number): void {
    this.count++;
    const share = Math.max(this.#pace, 1 / this.count);
    const error = value - this.mean;
    this.mean += share * error;
    this.variance = (1 - share) * (this.variance + share * error * error);
  }

  save(): [number, number, number] {
    return [this.count, this.mean, this.variance];
  }
}
