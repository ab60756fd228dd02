import type { ToolScores } from './score-tools.ts';

/** How much what was learned counts beside the static ranking, level by level. Level 0 is the static ranking alone. */
export const TRUST_LEVELS: readonly number[] = [0, 0.1, 0.25, 0.5, 1, 1.5];
/** Grades of evidence, by the share of a need that speaks for its best tool. Each has levels of its own. */
const GRADES: readonly number[] = [0.06, 0.12, 0.2, 0.3, 0.45];
export const TRUST_PLACES = (GRADES.length + 1) * TRUST_LEVELS.length;

const START: readonly number[] = [0.48, 0.34, 0.13, 0.035, 0.01, 0.005];
const RATE = 1;
const SHARED = 0.0005;
/** Choices at random, of ten, that are reckoned with: they speak for whatever is shown. */
const RANDOM_SHARE = 0.5;
const DEPTH = 10;

const GAINS = Float64Array.from({ length: DEPTH + 1 }, (_, rank) => (rank === 0 ? 0 : 1 / Math.log2(rank + 1)));

/** What a tool at a rank from 1 is worth; 0 beyond the tenth. */
function gainAt(rank: number): number {
  return rank > DEPTH ? 0 : GAINS[rank]!;
}

export function gradeOf(bestEvidence: number): number {
  let grade = 0;
  while (grade < GRADES.length && bestEvidence >= GRADES[grade]!) grade++;
  return grade;
}

/** Log weights before anything was learned. */
export function startTrust(): Float64Array {
  return Float64Array.from({ length: TRUST_PLACES }, (_, place) => Math.log(START[place % TRUST_LEVELS.length]!));
}

/** How much what was learned counts at a grade: the levels in the middle, each by its weight. */
export function trustAt(trustOf: (place: number) => number, grade: number): number {
  let trust = 0;
  for (const [level, part] of TRUST_LEVELS.entries()) trust += part * Math.exp(trustOf(grade * TRUST_LEVELS.length + level));
  return trust;
}

/** One tool of a list that was shown, as far as trust has to know. */
export interface Candidate {
  readonly tool: number;
  readonly staticRank: number;
}

export interface Trial {
  readonly shown: readonly Candidate[];
  /** Place in `shown` of what was chosen. */
  readonly chosen: number;
  readonly scores: ToolScores;
  readonly grade: number;
  /** From 0 to 1: how much this choice may say. */
  readonly share: number;
}

/** Moves trust to the levels that would have shown what was chosen nearer to the top. */
export function learnTrust(trust: Float64Array, { shown, chosen, scores, grade, share }: Trial): void {
  const from = grade * TRUST_LEVELS.length;
  const fixed = gainOf(0, shown, chosen, scores);
  for (let level = 1; level < TRUST_LEVELS.length; level++)
    trust[from + level]! += RATE * share * (gainOf(TRUST_LEVELS[level]!, shown, chosen, scores) - fixed);
  normalize(trust, from);
}

/** Where a static ranking has only places, this stands for its scores: the usual fall of them. */
export function scoreAtRank(rank: number): number {
  return rank === 0 ? 0 : 1 / (1 + 0.3 * (rank - 1));
}

function gainOf(level: number, shown: readonly Candidate[], chosen: number, scores: ToolScores): number {
  if (level === 0) return gainAt(shown[chosen]!.staticRank === 0 ? DEPTH + 1 : shown[chosen]!.staticRank);
  const scoreOf = ({ tool, staticRank }: Candidate) => scoreAtRank(staticRank) + (tool < 0 ? 0 : level * scores.learned[tool]!);
  const all = shown.map(scoreOf);
  const rankOf = (place: number) => {
    let rank = 1;
    for (let other = 0; other < all.length; other++) if (all[other]! > all[place]! || (all[other] === all[place] && other < place)) rank++;
    return rank;
  };
  let gain = gainAt(rankOf(chosen));
  // A choice at random falls on what is shown and never on what had to make room for it.
  for (let place = 0; place < shown.length; place++) {
    const { staticRank } = shown[place]!;
    if (staticRank === 0 || staticRank > DEPTH) gain -= (RANDOM_SHARE / shown.length) * gainAt(rankOf(place));
  }
  return gain;
}

// Fixed share: what was believed at the start comes back, so that no level falls so low that it could not rise again soon.
function normalize(trust: Float64Array, from: number): void {
  let top = -Infinity;
  for (let level = 0; level < TRUST_LEVELS.length; level++) top = Math.max(top, trust[from + level]!);
  let sum = 0;
  for (let level = 0; level < TRUST_LEVELS.length; level++) sum += Math.exp(trust[from + level]! - top);
  for (let level = 0; level < TRUST_LEVELS.length; level++) {
    const weight = Math.exp(trust[from + level]! - top) / sum;
    trust[from + level] = Math.log((1 - SHARED) * weight + SHARED * START[level]!);
  }
}
