import type { CallInteraction, Interaction } from '../interaction.ts';
import type { Model } from '../model.ts';
import { joinKey } from '../tool-key.ts';
import { createAgedCounts } from './aged-counts.ts';
import type { ArmCounts } from './order-arms.ts';

/** How well tools have fared of late, to choose by between equivalent ones. */
export interface FallbackArms extends Model<Interaction> {
  /** By upstream and tool, as `joinKey` puts them together. */
  arms(): ReadonlyMap<string, ArmCounts>;
}

const HALF_LIFE_MS = 6 * 3_600_000;
const MAX_ROWS = 20_000;

/** Counts attempts and those that failed, also where another tool answered in the end. */
export function createFallbackArms(): FallbackArms {
  const counts = createAgedCounts({ columns: 2, halfLifeMs: HALF_LIFE_MS, maxRows: MAX_ROWS });
  return {
    name: 'fallbacks',
    tables: [{ name: 'arms', columns: ['attempts', 'failed'], rule: 'sum' }],
    observe: (fact) => {
      if (fact.kind !== 'call') return;
      for (const { upstream, tool } of fact.failed ?? []) counts.add(joinKey(upstream, tool), fact.atMs, [1, 1]);
      if (isTelling(fact)) counts.add(joinKey(fact.upstream, fact.tool), fact.atMs, [1, fact.ending === 'ok' ? 0 : 1]);
    },
    arms: () => new Map([...counts.weighed()].map(([key, [calls = 0, failed = 0]]) => [key, { calls, failed }])),
    save: () => new Map([['arms', counts.save()]]),
    load: (state) => counts.load(state.get('arms')),
  };
}

// What was refused, taken back, answered from a cache or never tried says nothing of the tool. Where the last one was not even
// tried, the call is told under the one before, which is among those that failed.
function isTelling({ ending, attempts, cached, failed = [] }: CallInteraction): boolean {
  return attempts > failed.length && !cached && ending !== 'refused' && ending !== 'cancelled';
}
