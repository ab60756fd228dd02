import type { Target } from '@signalbox/core';
import { clausesOf, type Clause } from './clauses.ts';
import { NameIndex } from './name-index.ts';
import { Postings } from './postings.ts';
import { readToolText, type ToolText } from './tool-text.ts';
import { readRun, runsOf, type Run } from './words.ts';

export interface RankedTool {
  /** Public name. */
  readonly name: string;
  /** From 0 to 1; comparable within one need only. 1 means that it was asked for by name. */
  readonly score: number;
}

/**
 * The tools nearest to each need, best first, at most `limit` each. A tool that is asked for by a name of its own is always first.
 * Never empty while there are tools: where nothing comes near, one tool of each upstream stands for what there is, with the score 0.
 */
export type RankTools = (needs: readonly string[], limit: number) => readonly (readonly RankedTool[])[];

// Weights, saturation and mixture were chosen on public collections of tools and needs; see docs/decisions/0011 and 0024.
const WEIGHTS: Readonly<Record<keyof ToolText, number>> = {
  names: 3,
  title: 2,
  description: 1,
  upstream: 1,
  parameterNames: 1.3,
  parameterDescriptions: 0.5,
  values: 0.6,
};
const FIELDS = Object.entries(WEIGHTS) as readonly [keyof ToolText, number][];
const SPELLED: ReadonlySet<keyof ToolText> = new Set(['names', 'title', 'upstream', 'description']);
const SATURATION = 1.5;
const LENGTH_SHARE = 0.5;
const SPELLING_SHARE = 0.5;
/** What the best sentence counts for a tool, beside the whole need; less where there are two only, of which one is often no request. */
const CLAUSE_SHARE = 1;
const CLAUSE_SHARE_OF_TWO = 0.2;
/** What a sentence of about three rare words could score, from which up it counts in full. */
const TELLING_REACH = 40;
/** How much it says against a sentence that its best tool fits badly. */
const QUALITY_POWER = 0.3;
/** What more than this part of many tools are written with says little and costs most. */
const COMMON_SHARE = 0.08;
const MANY = 800;
const MAX_NEED_CHARS = 2_000;
/** Score from which up a tool's name begins with what was asked for; whatever fits by words or spelling alone is below. */
export const BEGUN = 0.9;

/**
 * Reads the tools once and returns what ranks them by their words and their spelling: BM25 over weighted fields, and the cosine
 * of character trigrams, which forgives typing errors and other forms of a word.
 * @param tools By public name.
 */
export function createToolRanker(tools: ReadonlyMap<string, Target>): RankTools {
  const names = [...tools.keys()];
  const texts = [...tools].map(([name, target]) => readToolText(name, target));
  const { words, spelling, rarityOf } = indexTools(texts);
  const byName = new NameIndex(tools);
  const examples = onePerUpstream(tools);
  const scores = new Float32Array(names.length);
  const likeness = new Float32Array(names.length);
  const scoreClauses = createClauseScorer({ words, spelling, rarityOf, size: names.length });

  // What the whole need says, and beside that for each tool what the sentence says that it fits best.
  const score = (clauses: readonly Clause[]): void => {
    const runs = clauses.flatMap((clause) => clause.runs);
    scores.fill(0);
    likeness.fill(0);
    const reach = addWords(words, { scores, runs, rarityOf });
    const requests = clauses.filter(({ isRequest }) => isRequest).length;
    if (requests < 2) {
      const squares = addSpelling(spelling, likeness, runs);
      mix(scores, likeness, { reach, squares });
      return;
    }
    const { byClause, clauseTop, squares } = scoreClauses(clauses, likeness);
    const scoreTop = mix(scores, likeness, { reach, squares });
    const share = requests === 2 ? CLAUSE_SHARE_OF_TWO : CLAUSE_SHARE;
    if (clauseTop > 0) join(scores, byClause, { share, factor: scoreTop / clauseTop });
  };

  const rank = (need: string, limit: number): RankedTool[] => {
    const text = need.slice(0, MAX_NEED_CHARS);
    score(clausesOf(text));
    const named = byName.find(text);
    for (const index of named.begun) scores[index] = BEGUN + (1 - BEGUN) * 0.99 * scores[index]!;
    for (const index of named.exact) scores[index] = 1;
    const best = bestOf(scores, limit);
    const shown = best.length > 0 ? best : examples.slice(0, limit);
    return shown.map((index) => ({ name: names[index]!, score: Math.round(scores[index]! * 1000) / 1000 }));
  };
  return (needs, limit) => needs.map((need) => rank(need, limit));
}

/** How good the words of a need could be at best, and the square of how much there is to be like. */
interface Bounds {
  readonly reach: number;
  readonly squares: number;
}

// Each of the two is worth its share of its own best; how good the best are decides how good the whole can be. Returns the best.
function mix(scores: Float32Array, likeness: Float32Array, bounds: Bounds): number {
  const { scoreFactor, likenessFactor } = factorsOf({ scoreTop: maxOf(scores), likenessTop: maxOf(likeness) }, bounds);
  let top = 0;
  for (let index = 0; index < scores.length; index++) {
    const score = scores[index]! * scoreFactor + likeness[index]! * likenessFactor;
    scores[index] = score;
    if (score > top) top = score;
  }
  return top;
}

function factorsOf({ scoreTop, likenessTop }: { readonly scoreTop: number; readonly likenessTop: number }, { reach, squares }: Bounds) {
  const quality = Math.min(1, Math.max(reach === 0 ? 0 : scoreTop / reach, squares === 0 ? 0 : likenessTop / Math.sqrt(squares)));
  const factor = (BEGUN * quality) / (1 + SPELLING_SHARE);
  return {
    scoreFactor: scoreTop === 0 ? 0 : factor / scoreTop,
    likenessFactor: likenessTop === 0 ? 0 : (factor * SPELLING_SHARE) / likenessTop,
  };
}

/** Returns what scores tools by the sentence they fit best. Only tools that hold a word of a sentence count, as few do. */
function createClauseScorer({ words, spelling, rarityOf, size }: ToolIndex & { readonly size: number }) {
  const byClause = new Float32Array(size);
  const scores = new Float32Array(size);
  const before = new Float32Array(size);
  let clauseTop = 0;

  const scoreRequest = (runs: readonly Run[], likeness: Float32Array): number => {
    const touched: number[] = [];
    let reach = 0;
    for (const word of wordsOf(runs)) {
      words.addToFew(scores, word, touched);
      reach += rarityOf(words.shareOf(word)) * (SATURATION + 1);
    }
    for (const index of touched) before[index] = likeness[index]!;
    const squares = addSpelling(spelling, likeness, runs);
    let scoreTop = 0;
    let likenessTop = 0;
    for (const index of touched) {
      scoreTop = Math.max(scoreTop, scores[index]!);
      likenessTop = Math.max(likenessTop, likeness[index]! - before[index]!);
    }
    const { scoreFactor, likenessFactor } = factorsOf({ scoreTop, likenessTop }, { reach, squares });
    let top = 0;
    for (const index of touched) {
      scores[index] = scores[index]! * scoreFactor + (likeness[index]! - before[index]!) * likenessFactor;
      top = Math.max(top, scores[index]!);
    }
    // A sentence counts by how much it says and by how well anything fits it, a tool by how near it comes to the best.
    const factor = top === 0 ? 0 : (Math.min(1, reach / TELLING_REACH) * top ** QUALITY_POWER) / nearness(top);
    clauseTop = Math.max(clauseTop, factor * nearness(top));
    for (const index of touched) {
      byClause[index] = Math.max(byClause[index]!, factor * nearness(scores[index]!));
      scores[index] = 0;
    }
    return squares;
  };

  // Adds up in `likeness` what all sentences together are like.
  return (clauses: readonly Clause[], likeness: Float32Array) => {
    byClause.fill(0);
    clauseTop = 0;
    let squares = 0;
    for (const { runs, isRequest } of clauses) squares += isRequest ? scoreRequest(runs, likeness) : addSpelling(spelling, likeness, runs);
    return { byClause, clauseTop, squares };
  };
}

// To the power of 1.5: what comes near the best of a sentence counts, what is far from it does not.
function nearness(score: number): number {
  return score * Math.sqrt(score);
}

// Each is worth its share of its own best; the factor makes the best of both the same.
function join(scores: Float32Array, byClause: Float32Array, { share, factor }: { readonly share: number; readonly factor: number }): void {
  const [own, other] = [1 / (1 + share), (share * factor) / (1 + share)];
  for (let index = 0; index < scores.length; index++) scores[index] = own * scores[index]! + other * byClause[index]!;
}

interface ToolIndex {
  readonly words: Postings<string>;
  readonly spelling: Postings<number>;
  /** How much a word says that so many tools hold. */
  readonly rarityOf: (share: number) => number;
}

function indexTools(texts: readonly ToolText[]): ToolIndex {
  const words = new Postings<string>();
  const spelling = new Postings<number>();
  // Tools say the same words again and again, so each is read once.
  const known = new Map<string, { readonly words: readonly number[]; readonly trigrams: readonly number[] }>();
  const read = (run: string) => {
    let ids = known.get(run);
    if (ids === undefined) {
      const { words: ownWords, trigrams } = readRun(run);
      ids = { words: ownWords.map((word) => words.idOf(word)), trigrams: trigrams.map((trigram) => spelling.idOf(trigram)) };
      known.set(run, ids);
    }
    return ids;
  };
  const lengths = texts.map((text) => {
    let length = 0;
    for (const [field, weight] of FIELDS) {
      for (const run of runsOf(text[field])) {
        const ids = read(run);
        words.add(ids.words, weight);
        length += weight * ids.words.length;
        if (SPELLED.has(field)) spelling.add(ids.trigrams, 1);
      }
    }
    words.endDocument();
    spelling.endDocument();
    return length;
  });
  const average = lengths.reduce((sum, length) => sum + length, 0) / Math.max(1, texts.length);
  const rarityOf = (share: number) => Math.log(1 + (texts.length - share + 0.5) / (share + 0.5));
  words.weigh((amount, document, share) => {
    const room = SATURATION * (1 - LENGTH_SHARE + (LENGTH_SHARE * lengths[document]!) / average);
    return (rarityOf(share) * amount * (SATURATION + 1)) / (amount + room);
  });
  const trigramRarity = rarityIn(texts.length);
  spelling.weigh((amount, _, share) => (1 + Math.log(amount)) * trigramRarity(share));
  spelling.normalize();
  return { words, spelling, rarityOf };
}

interface Asking {
  readonly scores: Float32Array;
  readonly runs: readonly Run[];
  readonly rarityOf: (share: number) => number;
}

// Returns what a tool would score that holds every word often.
function addWords(postings: Postings<string>, { scores, runs, rarityOf }: Asking): number {
  let reach = 0;
  for (const word of wordsOf(runs)) {
    postings.addTo(scores, word, 1);
    reach += rarityOf(postings.shareOf(word)) * (SATURATION + 1);
  }
  return reach;
}

function wordsOf(runs: readonly Run[]): ReadonlySet<string> {
  return new Set(runs.flatMap(({ words }) => words));
}

// Returns the square of the length of what is asked for, by which the likeness has to be divided to be a cosine.
function addSpelling(postings: Postings<number>, scores: Float32Array, runs: readonly Run[]): number {
  const rarityOf = rarityIn(postings.size);
  const most = COMMON_SHARE * postings.size;
  let squares = 0;
  for (const [trigram, count] of countTrigrams(runs)) {
    const share = postings.shareOf(trigram);
    const weight = (1 + Math.log(count)) * rarityOf(Math.max(1, share));
    squares += weight ** 2;
    if (share > 0 && (share < MANY || share <= most)) postings.addTo(scores, trigram, weight);
  }
  return squares;
}

function rarityIn(size: number): (share: number) => number {
  return (share) => Math.log(1 + size / share);
}

function countTrigrams(runs: readonly Run[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const { trigrams } of runs) for (const trigram of trigrams) counts.set(trigram, (counts.get(trigram) ?? 0) + 1);
  return counts;
}

function onePerUpstream(tools: ReadonlyMap<string, Target>): number[] {
  const seen = new Set<string>();
  const first: number[] = [];
  const rest: number[] = [];
  for (const [index, { upstream }] of [...tools.values()].entries()) {
    (seen.has(upstream) ? rest : first).push(index);
    seen.add(upstream);
  }
  return [...first, ...rest];
}

// Keeps the best so far in order, as sorting all would cost more than scoring them.
function bestOf(scores: Float32Array, limit: number): number[] {
  const best: number[] = [];
  let least = 0;
  for (let index = 0; index < scores.length; index++) {
    const score = scores[index]!;
    if (score <= least) continue;
    let [low, high] = [0, best.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (scores[best[middle]!]! < score) high = middle;
      else low = middle + 1;
    }
    best.splice(low, 0, index);
    if (best.length > limit) best.pop();
    if (best.length === limit) least = scores[best[limit - 1]!]!;
  }
  return best;
}

function maxOf(scores: Float32Array): number {
  let max = 0;
  // By its places, as going through it in the usual way takes ten times as long.
  for (let index = 0; index < scores.length; index++) if (scores[index]! > max) max = scores[index]!;
  return max;
}
