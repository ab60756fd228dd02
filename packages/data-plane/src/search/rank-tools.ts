import type { Target } from '@signalbox/core';
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

// Weights, saturation and mixture were chosen on public collections of tools and needs; see docs/decisions/0011.
const WEIGHTS: Readonly<Record<keyof ToolText, number>> = {
  names: 3,
  title: 2,
  description: 1,
  upstream: 1,
  parameterNames: 1,
  parameterDescriptions: 0.5,
  values: 0.6,
};
const FIELDS = Object.entries(WEIGHTS) as readonly [keyof ToolText, number][];
const SPELLED: ReadonlySet<keyof ToolText> = new Set(['names', 'title', 'upstream', 'description']);
const SATURATION = 1.5;
const LENGTH_SHARE = 0.6;
const SPELLING_SHARE = 0.5;
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

  const rank = (need: string, limit: number): RankedTool[] => {
    const text = need.slice(0, MAX_NEED_CHARS);
    scores.fill(0);
    likeness.fill(0);
    const runs = runsOf(text).map(readRun);
    const reach = addWords(words, { scores, runs, rarityOf });
    addSpelling(spelling, likeness, runs);
    mix(scores, likeness, reach);
    const named = byName.find(text);
    for (const index of named.begun) scores[index] = BEGUN + (1 - BEGUN) * 0.99 * scores[index]!;
    for (const index of named.exact) scores[index] = 1;
    const best = bestOf(scores, limit);
    const shown = best.length > 0 ? best : examples.slice(0, limit);
    return shown.map((index) => ({ name: names[index]!, score: Math.round(scores[index]! * 1000) / 1000 }));
  };
  return (needs, limit) => needs.map((need) => rank(need, limit));
}

// Each of the two is worth its share of its own best; how good the best are decides how good the whole can be.
function mix(scores: Float32Array, likeness: Float32Array, reach: number): void {
  const [scoreTop, likenessTop] = [maxOf(scores), maxOf(likeness)];
  const quality = Math.min(1, Math.max(reach === 0 ? 0 : scoreTop / reach, likenessTop));
  const scoreFactor = scoreTop === 0 ? 0 : 1 / scoreTop;
  const likenessFactor = likenessTop === 0 ? 0 : SPELLING_SHARE / likenessTop;
  const factor = (BEGUN * quality) / (1 + SPELLING_SHARE);
  for (let index = 0; index < scores.length; index++)
    scores[index] = factor * (scores[index]! * scoreFactor + likeness[index]! * likenessFactor);
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
  for (const word of new Set(runs.flatMap(({ words }) => words))) {
    postings.addTo(scores, word, 1);
    reach += rarityOf(postings.shareOf(word)) * (SATURATION + 1);
  }
  return reach;
}

function addSpelling(postings: Postings<number>, scores: Float32Array, runs: readonly Run[]): void {
  const rarityOf = rarityIn(postings.size);
  const weights: [trigram: number, weight: number][] = [];
  let squares = 0;
  for (const [trigram, count] of countTrigrams(runs)) {
    const share = postings.shareOf(trigram);
    const weight = (1 + Math.log(count)) * rarityOf(Math.max(1, share));
    squares += weight ** 2;
    if (share > 0) weights.push([trigram, weight]);
  }
  for (const [trigram, weight] of weights) postings.addTo(scores, trigram, weight / Math.sqrt(squares));
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
  for (let index = 0; index < scores.length; index++) {
    const score = scores[index]!;
    if (score <= 0 || (best.length === limit && score <= scores[best[limit - 1]!]!)) continue;
    let place = best.length === limit ? limit - 1 : best.length;
    for (; place > 0 && scores[best[place - 1]!]! < score; place--) best[place] = best[place - 1]!;
    best[place] = index;
  }
  return best;
}

function maxOf(scores: Float32Array): number {
  let max = 0;
  for (const score of scores) if (score > max) max = score;
  return max;
}
