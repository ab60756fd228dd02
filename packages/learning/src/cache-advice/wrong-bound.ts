import { normalQuantile } from '../experiments/normal-quantile.ts';

/** So sure is a bound unless the operator says otherwise. */
export const defaultConfidence = 0.95;

/**
 * Upper bound on a share of failures after so many trials, from the Jeffreys prior: with the stated confidence the true share lies
 * below. Wilson and Hilferty's form of the chi-squared quantile (1931), which is within 3 % of the exact one and never below zero.
 * @param seen.failures Failures, of `seen.trials`. Both may be sums with a prior's counts.
 */
export function upperBound(seen: { readonly failures: number; readonly trials: number }, confidence = defaultConfidence): number {
  if (!(seen.trials > 0)) return 1;
  const freedom = 2 * seen.failures + 1;
  const spread = 2 / (9 * freedom);
  const quantile = freedom * (1 - spread + normalQuantile(confidence) * Math.sqrt(spread)) ** 3;
  return Math.min(1, (quantile * 1.03) / (2 * seen.trials));
}
