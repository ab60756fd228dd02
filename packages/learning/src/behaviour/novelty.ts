/**
 * How unlikely something new is for whoever has done few new things in many calls, as minus the decimal logarithm: the share of calls
 * that brought something new, by the estimator of Krichevsky and Trofimov. The very first call brings something new by nature.
 */
export function scoreNovelty(kinds: number, calls: number): number {
  return -Math.log10((Math.max(0, kinds - 1) + 0.5) / (calls + 1));
}

/** The same for a share that may be of nothing at all. */
export function scoreShare(times: number, calls: number): number {
  return -Math.log10((times + 0.5) / (calls + 1));
}
