import type { Embedder, Target } from '@signalbox/core';
import type { RankedTool } from './rank-tools.ts';
import { meaningTextOf } from './meaning-text.ts';

/**
 * A tool that stands out less than this part of the best is left out. All tools have some place by meaning, and where two rankings
 * are joined by places, whatever has any place in both would come before the best of one.
 */
const LEAST_OF_BEST = 0.5;

/** The tools nearest to a vector, best first, at most `limit`, each with a score above 0; none while too few vectors are known. */
export type RankByMeaning = (vector: Float32Array, limit: number) => readonly RankedTool[];

/** @param tools By public name. */
export function createMeaningRanker(tools: ReadonlyMap<string, Target>, embedder: Embedder): RankByMeaning {
  const texts = [...tools].map(([name, target]) => ({ name, text: meaningTextOf(target) }));
  let version: number | undefined;
  let known: readonly { readonly name: string; readonly vector: Float32Array }[] = [];
  return (need, limit) => {
    if (version !== embedder.version) {
      version = embedder.version;
      known = texts.flatMap(({ name, text }) => {
        const vector = embedder.vectorOf(text);
        return vector === undefined ? [] : [{ name, vector }];
      });
    }
    const likeness = known
      .filter(({ vector }) => vector.length === need.length)
      .map(({ name, vector }) => ({ name, cosine: dot(vector, need) }));
    const mean = likeness.reduce((sum, { cosine }) => sum + cosine, 0) / Math.max(1, likeness.length);
    // Models differ in how alike they find what has nothing in common, so a tool counts by how far it stands out.
    const room = 1 - mean;
    if (room < Number.EPSILON) return [];
    const ranked = likeness
      .map(({ name, cosine }) => ({ name, score: Math.round(((cosine - mean) / room) * 1_000) / 1_000 }))
      .toSorted((one, other) => other.score - one.score)
      .slice(0, limit);
    const least = (ranked[0]?.score ?? 0) * LEAST_OF_BEST;
    return ranked.filter(({ score }) => score > 0 && score >= least);
  };
}

// Four sums at once, as one would wait for itself at each step.
function dot(one: Float32Array, other: Float32Array): number {
  const { length } = one;
  let first = 0;
  let second = 0;
  let third = 0;
  let fourth = 0;
  let index = 0;
  for (; index + 3 < length; index += 4) {
    first += one[index]! * other[index]!;
    second += one[index + 1]! * other[index + 1]!;
    third += one[index + 2]! * other[index + 2]!;
    fourth += one[index + 3]! * other[index + 3]!;
  }
  for (; index < length; index++) first += one[index]! * other[index]!;
  return first + second + third + fourth;
}
