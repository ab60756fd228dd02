import type { SearchReading } from './posting.ts';
import { createToolScores, scoreTools, type ToolScores } from './score-tools.ts';
import { gradeOf, scoreAtRank, trustAt } from './trust.ts';

/** One tool of a static ranking, from 0 to 1; 1 means that it was asked for by name. */
export interface StaticTool {
  readonly key: string;
  readonly score: number;
}

export interface LearnedTool {
  readonly key: string;
  /** Comparable within one ranking only. */
  readonly score: number;
  /** Place in the static ranking, from 1; 0 where it did not hold the tool. */
  readonly staticRank: number;
  readonly why: {
    /** Of the score, the part that was learned, from 0 to 1. */
    readonly learnedShare: number;
    /** Share of the need that speaks for this tool, from 0 to 1. */
    readonly evidence: number;
    /** Choices of this tool that were learned from. */
    readonly chosen: number;
    /** All choices that were learned from. */
    readonly of: number;
  };
}

export interface RankAsking {
  /** What is needed, each as `readNeed` gives it. Several are ranked as one: a tool counts by the need it fits best. */
  readonly needs: readonly (readonly number[])[];
  /** Best first, usually about a hundred. */
  readonly staticRanking: readonly StaticTool[];
  readonly limit: number;
  /** Whether a tool that the static ranking does not hold may be shown to this caller. Without it none is. */
  readonly mayShow?: (key: string) => boolean;
}

/** Of what is shown, at least this part is the best of the static ranking. */
const STATIC_PART = 0.3;

/** By how much less the static ranking counts once what was learned has shown itself, which it has soon after trust in it begins to rise. */
const YIELD = 0.2;
const [YIELDS_FROM, YIELDS_WITHIN] = [0.12, 0.1];

/** Returns what ranks with one reading; it keeps its working memory, so it serves one caller at a time. */
export function createLearnedRanker(): (reading: SearchReading, asking: RankAsking) => readonly LearnedTool[] {
  const scores = createToolScores();
  const more = createToolScores();

  return (reading, { needs, staticRanking, limit, mayShow }) => {
    scoreTools(reading, needs[0] ?? [], scores);
    for (const need of needs.slice(1)) {
      scoreTools(reading, need, more);
      keepBest(scores, more, reading.tools);
    }
    const candidates = staticRanking.map(({ key, score }, index) => ({ key, score, staticRank: index + 1, tool: reading.toolOf(key) }));
    if (mayShow !== undefined)
      candidates.push(...strangersOf(reading, { scores, limit, mayShow, held: new Set(candidates.map(({ tool }) => tool)) }));
    let best = 0;
    for (const { tool } of candidates) if (tool >= 0) best = Math.max(best, scores.evidence[tool]!);
    const level = trustAt((place) => reading.trustOf(place), gradeOf(best));
    const fixedWeight = 1 - YIELD * Math.min(1, Math.max(0, (level - YIELDS_FROM) / YIELDS_WITHIN));
    const ranked = candidates
      .map(({ key, score, staticRank, tool }): LearnedTool => {
        const learned = tool < 0 ? 0 : level * scores.learned[tool]!;
        const fixed = fixedWeight * scoreAtRank(staticRank);
        return {
          key,
          // Whoever asks for a tool by its name means that tool.
          score: score >= 1 ? Infinity : fixed + learned,
          staticRank,
          why: {
            learnedShare: learned === 0 ? 0 : Math.abs(learned) / (Math.abs(learned) + fixed),
            evidence: tool < 0 ? 0 : scores.evidence[tool]!,
            chosen: tool < 0 ? 0 : reading.choicesOf(tool),
            of: reading.choices,
          },
        };
      })
      .toSorted((left, right) => right.score - left.score || placeOf(left) - placeOf(right));
    return keepStatic(ranked, limit);
  };
}

function keepBest(into: ToolScores, from: ToolScores, tools: number): void {
  for (let tool = 0; tool < tools; tool++) {
    if (from.learned[tool]! > into.learned[tool]!) into.learned[tool] = from.learned[tool]!;
    if (from.evidence[tool]! > into.evidence[tool]!) into.evidence[tool] = from.evidence[tool]!;
  }
}

interface StrangersAsking {
  readonly scores: ToolScores;
  readonly limit: number;
  readonly mayShow: (key: string) => boolean;
  readonly held: ReadonlySet<number>;
}

// Tools that were chosen for such needs although their texts say nothing of it.
function strangersOf(reading: SearchReading, { scores, limit, mayShow, held }: StrangersAsking) {
  const best: number[] = [];
  for (let tool = 0; tool < reading.tools; tool++) {
    const score = scores.learned[tool]!;
    if (scores.evidence[tool]! <= 0 || score <= 0 || held.has(tool)) continue;
    if (best.length === limit && score <= scores.learned[best[limit - 1]!]!) continue;
    if (!mayShow(reading.keyOf(tool))) continue;
    let place = best.length === limit ? limit - 1 : best.length;
    for (; place > 0 && scores.learned[best[place - 1]!]! < score; place--) best[place] = best[place - 1]!;
    best[place] = tool;
  }
  return best.map((tool) => ({ key: reading.keyOf(tool), score: 0, staticRank: 0, tool }));
}

function placeOf({ staticRank }: LearnedTool): number {
  return staticRank === 0 ? Infinity : staticRank;
}

// The last places go to the best of the static ranking where too few of them stand in the list already.
function keepStatic(ranked: readonly LearnedTool[], limit: number): readonly LearnedTool[] {
  const shown = ranked.slice(0, limit);
  const isStatic = ({ staticRank }: LearnedTool) => staticRank > 0 && staticRank <= limit;
  const missing = Math.ceil(STATIC_PART * limit) - shown.filter(isStatic).length;
  if (missing <= 0) return shown;
  const spare = ranked.slice(limit).filter(isStatic).slice(0, missing);
  const strangers = shown.filter((tool) => !isStatic(tool));
  const gone = new Set(strangers.slice(strangers.length - spare.length));
  return [...shown.filter((tool) => !gone.has(tool)), ...spare];
}
