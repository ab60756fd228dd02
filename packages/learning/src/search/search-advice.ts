import { createLearnedRanker, type LearnedTool, type RankAsking } from './rank-learned.ts';
import { readNeed } from './read-need.ts';
import type { SearchSnapshot } from './search-snapshot.ts';
import { TenantMemory } from './tenant-memory.ts';
import { toName } from './to-name.ts';

export interface AdviceAsking extends Omit<RankAsking, 'needs'> {
  readonly tenant: string;
  /** Each as text, or as `readNeed` gives it. Several are ranked as one: a tool counts by the need it fits best. */
  readonly needs: readonly (string | readonly number[])[];
}

/** What the path asks: the static ranking of a search in the order that what was learned gives it. */
export interface SearchAdvice {
  /** Never hides a tool: with a `limit` as long as the static ranking, all of it comes back. Well below a millisecond at 6,000 tools. */
  rank(asking: AdviceAsking): readonly LearnedTool[];
}

/** Ranks with a snapshot, as the live model would that it was taken of. A tenant that nothing is known of gets the static ranking. */
export function openSearchAdvice(snapshot: SearchSnapshot): SearchAdvice {
  const rankLearned = createLearnedRanker();
  const nothing = new TenantMemory();
  return {
    rank: ({ tenant, needs, ...asking }) =>
      rankLearned(snapshot.readingOf(toName(tenant)) ?? nothing, {
        ...asking,
        needs: needs.map((need) => (typeof need === 'string' ? readNeed(need) : need)),
      }),
  };
}
