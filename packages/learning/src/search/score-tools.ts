import { LINK_SIZE, type SearchReading, WEIGHT_UNIT } from './posting.ts';

// Chosen on public collections of tools and needs; see docs/decisions/0024.
/** Choices that a feature must have seen to be believed by half. */
const DOUBT = 3;
const CHOSEN_SHARE = 16;

/** Scores of the tools of one reading, by their numbers. Kept between needs, so that scoring allocates nothing. */
export interface ToolScores {
  /** Share of the need that speaks for a tool, from 0 to 1: what was chosen when the same was asked for. */
  evidence: Float64Array;
  /** Evidence and weights together, on a scale on which the best of a static ranking has 1. */
  learned: Float64Array;
}

export function createToolScores(): ToolScores {
  return { evidence: new Float64Array(0), learned: new Float64Array(0) };
}

/** Scores all tools for one need from what was chosen before. The same reading gives the same scores, bit for bit. */
export function scoreTools(reading: SearchReading, need: readonly number[], scores: ToolScores): void {
  const { evidence, learned } = prepare(scores, reading.tools);
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
      const tool = links[at]!;
      evidence[tool]! += share * links[at + 1]!;
      learned[tool]! += links[at + 2]!;
    }
  }
  const weightFactor = WEIGHT_UNIT * weightScale(need);
  const evidenceFactor = whole === 0 ? 0 : 1 / whole;
  for (let tool = 0; tool < reading.tools; tool++) {
    evidence[tool]! *= evidenceFactor;
    learned[tool] = CHOSEN_SHARE * evidence[tool]! + weightFactor * learned[tool]!;
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
  } else {
    scores.evidence.fill(0, 0, tools);
    scores.learned.fill(0, 0, tools);
  }
  return scores;
}
