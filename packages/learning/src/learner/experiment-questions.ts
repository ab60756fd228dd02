import type { ExperimentBook, ExperimentCommand, ExperimentReading } from '../experiments/experiment-book.ts';
import type { ExperimentSpec } from '../experiments/experiment-spec.ts';
import type { TrialModel } from '../experiments/trial-model.ts';

/** What came of a command about an experiment. */
export interface ExperimentAnswer {
  readonly hasChanged: boolean;
  readonly experiment: ExperimentReading;
}

export interface ExperimentSteering {
  readonly name: string;
  readonly command: ExperimentCommand;
}

/** What the thread is asked about experiments. */
export function createExperimentQuestions(
  book: ExperimentBook,
  { now, trials }: { readonly now: () => number; readonly trials: () => TrialModel },
) {
  const answerOf = (name: string, hasChanged: boolean): ExperimentAnswer => ({ hasChanged, experiment: book.get(name, trials()) });
  return {
    experiments: () => book.list(trials()),
    experiment: (name: string) => book.get(name, trials()),
    startExperiment: async (spec: ExperimentSpec) => answerOf(spec.name, await book.start(spec, now())),
    steerExperiment: async ({ name, command }: ExperimentSteering) => answerOf(name, await book.steer(name, { command, atMs: now() })),
    removeExperiment: (name: string) => book.remove(name),
  };
}
