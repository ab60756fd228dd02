import type { Embedder, SearchCaller, SearchTrials } from '@signalbox/core';
import type { AdviceGuard } from '../advice-guard.ts';
import type { CatalogView } from '../catalog/catalog-view.ts';
import { createAdvisedRanker, type RankAdvised } from './advised-ranking.ts';
import { createMeaningRanker } from './meaning-ranker.ts';
import { createToolRanker, type RankTools } from './rank-tools.ts';

/** What ranks the tools of a view. */
export interface ViewRankers {
  /** Without advice. */
  readonly rank: RankTools;
  readonly rankAdvised: RankAdvised;
  /** Gives vectors of needs. Absent where nobody gives any, so that nothing waits. */
  readonly vectorsOf: Embedder['embed'] | undefined;
  /** What is tried on a caller; `undefined` when nothing is. */
  readonly trialsOf: (caller: SearchCaller) => SearchTrials | undefined;
}

/** Finds tools in any view. Those of a view are read once, when somebody first searches in it. */
export function createToolSearch(guard: AdviceGuard, embedder?: Embedder): (view: CatalogView) => ViewRankers {
  const trialsOf = (caller: SearchCaller) => guard.ask(() => guard.current()?.trials?.(caller));
  const vectorsOf = embedder && ((needs: readonly string[]) => embedder.embed(needs));
  const rankers = new WeakMap<CatalogView, ViewRankers>();
  return (view) => {
    let own = rankers.get(view);
    if (own === undefined) {
      const rank = createToolRanker(view.tools);
      const meaning = embedder && { rank: createMeaningRanker(view.tools, embedder), weight: embedder.weight };
      const rankAdvised = createAdvisedRanker({ tools: view.tools, rank, meaning, guard });
      rankers.set(view, (own = { rank, rankAdvised, vectorsOf, trialsOf }));
    }
    return own;
  };
}
