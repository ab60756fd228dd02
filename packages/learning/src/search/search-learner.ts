import type { Interaction } from '../interaction.ts';
import type { Model } from '../model.ts';
import { createFeedbackReader } from './read-feedback.ts';
import { createSearchModel, type SearchModel } from './search-model.ts';

/** Learns search from interactions. Searches that nobody has followed up yet are not kept: after a restart they teach nothing. */
export interface SearchLearner extends Model<Interaction> {
  readonly model: SearchModel;
}

export function createSearchLearner(): SearchLearner {
  const model = createSearchModel();
  const read = createFeedbackReader();
  return {
    name: model.name,
    tables: model.tables,
    model,
    observe: (interaction) => {
      for (const feedback of read(interaction)) model.observe(feedback);
    },
    save: () => model.save(),
    load: (state) => model.load(state),
  };
}
