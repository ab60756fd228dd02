import { LINK_SIZE, type SearchReading, WEIGHT_UNIT } from './posting.ts';

// Chosen on public collections of tools and needs; see docs/decisions/0024.
/** Choices that a feature must have seen to be believed by half. */
const DOUBT = 8;
/** Choices that every tool is reckoned to have had, so that one that nobody chose yet is no wonder. */
const USUAL = 20;
const CHOSEN_SHARE = 24;

/** Scores of the tools of one reading, by their numbers. Kept between needs, so that scoring allocates nothing. */
export interface ToolScores {
  /** Share of the need that speaks for a tool, from 0 to 1: what was chosen when the same was asked for. */
  evidence: Float64Array;
  /** Evidence, surprise and weights together, on a scale on which the best of a static ranking has 1. */
  learned: Float64Array;
  /** Weights alone, in units of `WEIGHT_UNIT`. */
  weighed: Float64Array;
}

export function createToolScores(): ToolScores {
  return { evidence: new Float64Array(0), learned: new Float64Array(0), weighed: new Float64Array(0) };
}

/** Scores all tools for one need from what was chosen before. The same reading gives the same scores, bit for bit. */
export function scoreTools(reading: SearchReading, need: readonly number[], scores: ToolScores): void {
  const { evidence, learned, weighed } = prepare(scores, reading.tools);
  const usual = 1 / (reading.choices + USUAL * reading.tools);
  let whole = 0;
  for (const feature of need) {
    const posting = reading.find(feature);
    const seen = posting === undefined ? 0 : posting.seen;
    const rarity = Math.max(0, Math.log((reading.choices + 2) / (seen + 1)));
    const told = rarity * Math.sqrt(rarity);
    whole += told;
    if (posting === undefined) continue;
    const { links, from, to } = posting;
    const share = told / (seen + DOUBT);
    for (let at = from; at < to; at += LINK_SIZE) {
      const [tool, count] = [links[at]!, links[at + 1]!];
      evidence[tool]! += share * count;
      weighed[tool]! += links[at + 2]!;
      // How much more often than usual, where that is so: what all needs have in common says little, however often it was seen.
      if (count > 0) learned[tool]! += told * Math.log(1 + count / ((seen + DOUBT) * usual * (reading.choicesOf(tool) + USUAL)));
    }
  }
  const weightFactor = WEIGHT_UNIT * weightScale(need);
  const evidenceFactor = whole === 0 ? 0 : 1 / whole;
  for (let tool = 0; tool < reading.tools; tool++) {
    evidence[tool]! *= evidenceFactor;
    learned[tool] = CHOSEN_SHARE * evidence[tool]! + evidenceFactor * learned[tool]! + weightFactor * weighed[tool]!;
  }
}

/** By how much each weight counts in a need: long needs have many. */
export function weightScale(need: readonly number[]): number {
  return need.length === 0 ? 0 : 1 / Math.sqrt(need.length);
}

function prepare(scores: ToolScores, tools: number): ToolScores {
  if (scores.evidence.length < tools) {
    scores.evidence = new Float64Array(tools * 2);
    scores.learned = new Float64Array(tools * 2);
    scores.weighed = new Float64Array(tools * 2);
  } else {
    scores.evidence.fill(0, 0, tools);
    scores.learned.fill(0, 0, tools);
    scores.weighed.fill(0, 0, tools);
  }
  return scores;
}
