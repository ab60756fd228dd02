import { PIECE } from './read-need.ts';
import { LINK_SIZE, type SearchReading, WEIGHT_UNIT } from './posting.ts';

// Chosen on public collections of tools and needs; see docs/decisions/0030.
const PIECE_SHARE = 0.1;
/** Choices that a feature must have seen to be believed by half. */
const DOUBT = 2.5;
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
    const isPiece = (feature & 3) === PIECE;
    const rarity = Math.log((reading.choices + 2) / (seen + 1));
    if (rarity > 0) whole += (isPiece ? PIECE_SHARE : 1) * rarity * Math.sqrt(rarity);
    if (posting === undefined) continue;
    const { links, from, to } = posting;
    const share = rarity > 0 ? ((isPiece ? PIECE_SHARE : 1) * rarity * Math.sqrt(rarity)) / (seen + DOUBT) : 0;
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
  let count = 0;
  for (const feature of need) if ((feature & 3) !== PIECE) count++;
  return count === 0 ? 0 : 1 / Math.sqrt(count);
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
