import type { Interaction } from '../interaction.ts';
import type { Model } from '../model.ts';

/** A model that is taught by interactions although it learns from events of its own. */
export interface FedModel<Own extends Model<never>> extends Model<Interaction> {
  readonly model: Own;
}

/** @param read The events that an interaction is for the model; what it remembers between interactions is not kept. */
export function feedModel<Event, Own extends Model<Event>>(
  model: Own & Model<Event>,
  read: (interaction: Interaction) => readonly Event[],
): FedModel<Own> {
  return {
    name: model.name,
    tables: model.tables,
    model,
    observe: (interaction) => {
      for (const event of read(interaction)) model.observe(event);
    },
    save: () => model.save(),
    load: (state) => model.load(state),
  };
}
