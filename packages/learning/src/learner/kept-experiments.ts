import { Experiments, type ExperimentAction, type ExperimentReport, type ExperimentWish } from '../experiments/experiments.ts';
import { SETTINGS } from '../model-store/collections.ts';
import type { AllModels } from './all-models.ts';
import type { Learner } from './learner.ts';
import type { ThreadMessage } from './messages.ts';
import type { LearningStore } from './remote-store.ts';

const KEY = 'experiments';
/** Time between two looks at the evidence, in milliseconds. */
const LOOK_MS = 2_000;

export interface KeptExperimentsOptions {
  readonly learner: Learner<AllModels>;
  readonly store: LearningStore;
  readonly say: (message: ThreadMessage) => void;
  readonly now: () => number;
}

/** Experiments that outlive the thread: each step is kept before the path hears of it. One operation at a time. */
export class KeptExperiments {
  readonly #options: KeptExperimentsOptions;
  readonly #all: Experiments;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #learned = -1;

  private constructor(options: KeptExperimentsOptions, text: string | undefined) {
    this.#options = options;
    this.#all = new Experiments(text);
    this.#publish();
  }

  static async open(options: KeptExperimentsOptions): Promise<KeptExperiments> {
    const found = await options.store.get(SETTINGS, KEY);
    return new KeptExperiments(options, found?.value.toString('utf8'));
  }

  async start(wish: ExperimentWish): Promise<ExperimentReport> {
    this.#all.start(wish, this.#options.now());
    await this.#keep();
    return this.#all.report(wish.name, this.#trials);
  }

  async steer(name: string, action: ExperimentAction): Promise<void> {
    this.#all.steer(name, action, this.#options.now());
    await this.#keep();
  }

  reports(): readonly ExperimentReport[] {
    return this.#all.reports(this.#trials);
  }

  report(name: string): ExperimentReport {
    return this.#all.report(name, this.#trials);
  }

  /** Looks at the evidence when there may be more of it. */
  async look(): Promise<void> {
    const { learned } = this.#options.learner.counts;
    const at = performance.now();
    if (learned === this.#learned || at - this.#lookedAt < LOOK_MS) return;
    this.#lookedAt = at;
    this.#learned = learned;
    if (this.#all.step(this.#trials, this.#options.now())) await this.#keep();
  }

  get #trials() {
    return this.#options.learner.models.trials.model;
  }

  async #keep(): Promise<void> {
    const value = Buffer.from(this.#all.toText());
    await this.#options.store.commit([{ kind: 'put', collection: SETTINGS, key: KEY, value }]);
    this.#publish();
  }

  #publish(): void {
    this.#options.say({ kind: 'experiments', running: this.#all.running() });
  }
}
