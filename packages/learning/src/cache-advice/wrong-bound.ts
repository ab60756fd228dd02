import { normalQuantile } from '../experiments/normal-quantile.ts';

/** So sure is a bound unless the operator says otherwise. */
export const defaultConfidence = 0.95;

/** Of `trials`, so many failed. Both may be sums with a prior's counts. */
export interface SeenTrials {
  readonly failures: number;
  readonly trials: number;
}

/**
 * Upper bound on the share of failures, from the Jeffreys prior: with the stated confidence the true share lies below. Made for small
 * shares: near one it is wider than it need be.
 */
export function upperBound({ failures, trials }: SeenTrials, confidence = defaultConfidence): number {
  // The approximation is within 3 % of the exact quantile, and must not lie below it.
  return trials > 0 ? Math.min(1, (1.03 * chiSquared(2 * failures + 1, confidence)) / (2 * trials)) : 1;
}

/** Lower bound on the share of failures, likewise; 0 where none has been seen. */
export function lowerBound({ failures, trials }: SeenTrials, confidence = defaultConfidence): number {
  return failures > 0 ? Math.min(1, (0.97 * chiSquared(2 * failures + 1, 1 - confidence)) / (2 * trials)) : 0;
}

/** Quantile of the chi-squared distribution in the form of Wilson and Hilferty (1931). */
function chiSquared(freedom: number, share: number): number {
  const spread = 2 / (9 * freedom);
  return freedom * Math.max(0, 1 - spread + normalQuantile(share) * Math.sqrt(spread)) ** 3;
}
