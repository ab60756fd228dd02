import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fuseRankings } from './fuse-rankings.ts';
import { BEGUN, type RankedTool } from './rank-tools.ts';

const of = (...tools: readonly (readonly [name: string, score: number])[]): RankedTool[] => tools.map(([name, score]) => ({ name, score }));
const namesOf = (tools: readonly RankedTool[]) => tools.map(({ name }) => name);

test('a tool that both find is before one that a single ranking finds', () => {
  const found = of(['a', 0.5], ['b', 0.4], ['c', 0.3]);
  const meant = of(['x', 0.8], ['b', 0.7]);
  expect(namesOf(fuseRankings({ found, meant, weight: 1, limit: 4 }))).toEqual(['b', 'a', 'x', 'c']);
});

test('what weighs more comes first', () => {
  const [found, meant] = [of(['a', 0.5], ['b', 0.4], ['c', 0.3], ['d', 0.2]), of(['x', 0.8], ['y', 0.7])];
  expect(namesOf(fuseRankings({ found, meant, weight: 3, limit: 4 })).slice(0, 4)).toEqual(['x', 'y', 'a', 'b']);
  expect(namesOf(fuseRankings({ found, meant, weight: 0.5, limit: 4 })).slice(0, 4)).toEqual(['a', 'b', 'c', 'd']);
});

test('examples, which words show where they find nothing, give way to what is meant', () => {
  const fused = fuseRankings({ found: of(['a', 0], ['b', 0], ['c', 0]), meant: of(['b', 0.6]), weight: 1, limit: 2 });
  expect(fused).toEqual(of(['b', 0.6], ['a', 0]));
});

test('whatever is meant: named tools first, a third by words, each once, never fewer, scores in order and below those of names', () => {
  const names = Array.from({ length: 12 }, (_, index) => `t${index}`);
  const ranking = (max: number) =>
    fc
      .uniqueArray(fc.tuple(fc.constantFrom(...names), fc.integer({ min: 1, max })), { selector: ([name]) => name })
      .map((tools) =>
        of(...tools.map(([name, score]) => [name, score / 1_000] as const)).toSorted((one, other) => other.score - one.score),
      );
  const weight = fc.double({ min: 0.1, max: 10, noNaN: true });
  fc.assert(
    fc.property(ranking(1_000), ranking(1_500), weight, fc.integer({ min: 1, max: 12 }), (found, meant, weight, limit) => {
      const shown = fuseRankings({ found, meant, weight, limit }).slice(0, limit);
      const named = namesOf(found.filter(({ score }) => score >= BEGUN)).slice(0, limit);
      expect(namesOf(shown).slice(0, named.length)).toEqual(named);
      expect(namesOf(shown)).toEqual(expect.arrayContaining(namesOf(found).slice(0, Math.ceil(limit / 3))));
      expect(new Set(namesOf(shown)).size).toBe(shown.length);
      expect(shown.length).toBeGreaterThanOrEqual(Math.min(limit, found.length));
      const scores = shown.map(({ score }) => score);
      expect(scores).toEqual(scores.toSorted((one, other) => other - one));
      for (const score of scores.slice(named.length)) expect(score).toBeLessThan(BEGUN);
    }),
  );
});
