/** Quantile of the standard normal distribution, by the rational form of Abramowitz and Stegun 26.2.23; its error is below 4.5e-4. */
export function normalQuantile(share: number): number {
  if (!(share > 0 && share < 1)) return share >= 1 ? Infinity : -Infinity;
  const tail = Math.min(share, 1 - share);
  const t = Math.sqrt(-2 * Math.log(tail));
  const z = t - (2.515517 + 0.802853 * t + 0.010328 * t * t) / (1 + 1.432788 * t + 0.189269 * t * t + 0.001308 * t * t * t);
  return share < 0.5 ? -z : z;
}
