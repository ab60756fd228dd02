import type { Interaction } from '../interaction.ts';
import type { Model } from '../model.ts';
import { createToolOutcomes } from '../outcomes/tool-outcomes.ts';
import { createSearchLearner } from '../search/search-learner.ts';
import { createSequences } from '../sequences/sequences.ts';

/** Everything that learns, knowing nothing yet. */
export function createAllModels() {
  return { outcomes: createToolOutcomes(), search: createSearchLearner(), sequences: createSequences() } satisfies Readonly<
    Record<string, Model<Interaction>>
  >;
}

export type AllModels = ReturnType<typeof createAllModels>;
