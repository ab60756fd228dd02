import type { CallInteraction, Interaction } from '../interaction.ts';
import { feedModel, type FedModel } from './feed-model.ts';
import { createNextToolModel, type NextToolModel, type StepEvent } from '../sequences/next-tool.ts';
import { isSure, TOLD_TOOLS, type PredictedTool } from '../sequences/prediction-tally.ts';
import type { ToolId } from '../sequences/sequences.ts';

/** What a session is likely to call after one call of its own. */
export interface ToldNext {
  readonly session: string;
  /** Of the call. */
  readonly sequence: number;
  readonly after: ToolId;
  /** Most likely first, as far as it is sure of them. */
  readonly tools: readonly PredictedTool[];
}

/** The next-tool model as calls teach it. */
export interface NextSteps extends FedModel<NextToolModel> {
  /** Of sessions that have called since this was asked last, what comes after the last call of each. */
  takeTold(): readonly ToldNext[];
}

/** Sessions that wait to be told of; of more than these the newest are. */
const MAX_WAITING = 200;

// What a session searches for is left out: it is known when it searches again, and then ranks tools by itself.
const NO_NEED: readonly number[] = [];

export function createNextSteps(): NextSteps {
  const model = createNextToolModel();
  const waiting = new Map<string, CallInteraction>();
  const read = (interaction: Interaction): StepEvent[] => {
    if (interaction.kind !== 'call' || interaction.ending === 'refused' || interaction.ending === 'cancelled') return [];
    const { session, atMs, upstream, tool, ending } = interaction;
    waiting.delete(session);
    waiting.set(session, interaction);
    if (waiting.size > MAX_WAITING) waiting.delete(waiting.keys().next().value!);
    return [{ session, atMs, upstream, tool, isOk: ending === 'ok', need: NO_NEED }];
  };
  return {
    ...feedModel<StepEvent, NextToolModel>(model, read),
    takeTold: () => {
      const told = [...waiting.values()].map(({ session, sequence, upstream, tool }): ToldNext => {
        return { session, sequence, after: { upstream, tool }, tools: model.predict(session, { limit: TOLD_TOOLS }).filter(isSure) };
      });
      waiting.clear();
      return told;
    },
  };
}
