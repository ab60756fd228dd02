import { normalQuantile } from './normal-quantile.ts';

/** What is known of one arm: sums suffice, so that arms of several gateways add up. For a share each value is 0 or 1. */
export interface ArmSums {
  readonly count: number;
  readonly sum: number;
  readonly sumOfSquares: number;
}

export interface ComparisonOptions {
  /** Chance of ever calling a difference where there is none, however often one looks. Default 0.05. */
  readonly alpha?: number;
  /** Values in an arm after which nobody means to go on; the test is sharpest there, and still holds beyond. Default 10,000. */
  readonly horizon?: number;
  /** The difference that one hopes to see, in the metric's own unit. Default a tenth of a standard deviation. */
  readonly expected?: number;
}

export interface ArmComparison {
  /** Mean of the candidate less mean of the control. */
  readonly difference: number;
  /** Holds the true difference at every look at once with 1 − alpha; infinite while an arm has too few values. */
  readonly low: number;
  readonly high: number;
  readonly verdict: 'better' | 'worse' | 'undecided';
}

/** Below so many values in an arm the normal approximation is no ground for a verdict. */
const minCount = 50;

/**
 * Compares two arms by their means, valid under any peeking. Two tests share alpha: three fifths go to a bound on a Brownian path up to
 * the horizon (by reflection, P(sup |W| ≥ c) ≤ 4(1 − Φ(c)) on [0, 1]), two fifths to a normal-mixture SPRT that holds for ever and stops
 * early on large differences. The interval is what both leave, so it excludes zero exactly where the verdict is given.
 * @see Johari, Pekelis, Walsh: Always valid inference (arXiv 1512.04922).
 */
export function compareArms(control: ArmSums, candidate: ArmSums, options: ComparisonOptions = {}): ArmComparison {
  const difference = meanOf(candidate) - meanOf(control);
  const isEarly = control.count < minCount || candidate.count < minCount;
  if (isEarly || !Number.isFinite(difference))
    return { difference: Number.isFinite(difference) ? difference : 0, low: -Infinity, high: Infinity, verdict: 'undecided' };
  const alpha = options.alpha ?? 0.05;
  const spread = varianceOf(control) / control.count + varianceOf(candidate) / candidate.count;
  const pooled = (varianceOf(control) + varianceOf(candidate)) / 2;
  const width = Math.min(
    pathWidth(spread, (2 * pooled) / (options.horizon ?? 10_000), alpha * 0.6),
    mixtureWidth(spread, pooled, alpha * 0.4, options.expected),
  );
  const low = difference - width;
  const high = difference + width;
  return { difference, low, high, verdict: low > 0 ? 'better' : high < 0 ? 'worse' : 'undecided' };
}

/** @param spread Variance of the difference now. @param end The same at the horizon, after which this bound claims nothing. */
function pathWidth(spread: number, end: number, alpha: number): number {
  if (spread < end) return Infinity;
  return (normalQuantile(1 - alpha / 4) * spread) / Math.sqrt(end);
}

function mixtureWidth(spread: number, pooled: number, alpha: number, expected: number | undefined): number {
  const mixing = expected === undefined ? 0.01 * pooled : expected * expected;
  const ratio = mixing / spread;
  return Math.sqrt(spread * (1 + 1 / ratio) * (2 * Math.log(1 / alpha) + Math.log1p(ratio)));
}

const meanOf = ({ count, sum }: ArmSums): number => sum / count;

/** Never zero: an arm that has not varied yet may still do so, at least once in what it has seen. */
function varianceOf({ count, sum, sumOfSquares }: ArmSums): number {
  const mean = sum / count;
  const scale = Math.max(sumOfSquares / count, 1e-12);
  return Math.max(sumOfSquares / count - mean * mean, scale / (count + 2), 1e-12);
}
