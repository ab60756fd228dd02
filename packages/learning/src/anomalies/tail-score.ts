/** How unlikely a value so many standard deviations away is for the normal distribution, as minus its decimal logarithm. */
export function tailScore(deviations: number): number {
  if (deviations <= 0) return 0.3;
  if (deviations < 5) {
    // Abramowitz and Stegun, 7.1.26.
    const t = 1 / (1 + (0.3275911 * deviations) / Math.SQRT2);
    const polynomial = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
    return -Math.log10(0.5 * polynomial * Math.exp((-deviations * deviations) / 2));
  }
  return (deviations ** 2 / 2 + Math.log(deviations * Math.sqrt(2 * Math.PI))) / Math.LN10;
}
