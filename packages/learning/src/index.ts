export type { CallEnding, CallInteraction, FeedbackInteraction, Interaction, SearchInteraction, ShownTool } from './interaction.ts';
export type { Model, ModelState, ModelTable, TableSpec } from './model.ts';
export { mergeStates, type Descendants } from './merge-states.ts';
