/** Full delay of the n-th wait (0-based): doubles each time up to a bound, with jitter between half and the whole. */
export function backoffMs(
  attempt: number,
  options: { readonly baseMs: number; readonly maxMs: number; readonly random: () => number },
): number {
  const full = Math.min(options.maxMs, options.baseMs * 2 ** Math.min(attempt, 30));
  return full * (0.5 + options.random() / 2);
}
