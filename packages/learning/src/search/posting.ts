/** Numbers that one link of a feature to a tool takes in `links`: the tool, how often it was chosen, its weight. */
export const LINK_SIZE = 3;
/** Weights are whole numbers in units of 1/4096, so that adding them up has no order. */
export const WEIGHT_UNIT = 1 / 4096;

/** What is known of one feature: in how many choices it was part of the need, and of which tools. */
export interface Posting {
  readonly seen: number;
  /** Triples of tool, count and weight, from `from` to `to`. */
  readonly links: Int32Array;
  readonly from: number;
  readonly to: number;
}

/** What ranking reads of one tenant, from the live model or from a snapshot. Tools are numbered from 0. */
export interface SearchReading {
  /** Choices that were learned from. */
  readonly choices: number;
  readonly tools: number;
  keyOf(tool: number): string;
  /** @returns -1 for a tool of which nothing was learned. */
  toolOf(key: string): number;
  /** How often a tool was chosen. */
  choicesOf(tool: number): number;
  /** The posting is valid until the next call. */
  find(feature: number): Posting | undefined;
  /** Log weight of a level of trust at a grade of evidence. */
  trustOf(place: number): number;
}
