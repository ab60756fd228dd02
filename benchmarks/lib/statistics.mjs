/** The middle value. */
export function median(values) {
  return quantile(values, 0.5);
}

/** The value below which that share of all values lies. */
export function quantile(values, share) {
  const sorted = Float64Array.from(values).toSorted();
  if (sorted.length === 0) return Number.NaN;
  const position = (sorted.length - 1) * share;
  const below = Math.floor(position);
  const above = Math.ceil(position);
  return sorted[below] + (sorted[above] - sorted[below]) * (position - below);
}

/** Median with the smallest and the largest value: what a benchmark reports. */
export function summarize(values) {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values), runs: values.length };
}

/** A number with as many digits as it deserves. */
export function format(value) {
  const size = Math.abs(value);
  if (size >= 1000) return Math.round(value).toLocaleString('en-US');
  if (size > 0 && size < 0.1) return value.toPrecision(2);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2);
}

/** `median (min to max)`. */
export function formatSummary(summary) {
  return `${format(summary.median)} (${format(summary.min)} to ${format(summary.max)})`;
}
