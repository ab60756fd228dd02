import { summarize } from './statistics.mjs';

/**
 * Measures variants in turn, several rounds of all of them, each round beginning with another one, so that whatever
 * slows the machine down for a while slows all of them.
 * @param {string[]} variants
 * @param {{ rounds: number, measure: (variant: string) => Promise<Record<string, number | undefined>> }} options
 * @returns {Promise<Samples>}
 * @typedef {Map<string, Record<string, number | undefined>[]>} Samples by variant, one entry a round.
 */
export async function alternate(variants, { rounds, measure }) {
  const samples = new Map(variants.map((variant) => [variant, []]));
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < variants.length; turn++) {
      const variant = variants[(round + turn) % variants.length];
      samples.get(variant).push(await measure(variant));
    }
  }
  return samples;
}

/** How one variant stands to another in a metric: the ratios of the same rounds. */
export function ratio(samples, metric, { of, to }) {
  const others = samples.get(to);
  return summarize(samples.get(of).map((sample, round) => sample[metric] / others[round][metric]));
}

/** One line of a result for each variant. */
export function toRows(samples, label = '') {
  return [...samples].map(([variant, rounds]) => {
    const metrics = Object.keys(rounds[0]).filter((metric) => rounds[0][metric] !== undefined);
    const summaries = metrics.map((metric) => [metric, summarize(rounds.map((round) => round[metric]))]);
    return { label: [label, variant].filter(Boolean).join(', '), values: Object.fromEntries(summaries) };
  });
}
