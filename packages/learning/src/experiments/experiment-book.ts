import { GatewayError } from '@signalbox/core';
import type { LearningStore } from '../learner/remote-store.ts';
import { SETTINGS } from '../model-store/collections.ts';
import { policyOf, subjectOf, type Candidate, type Experiment, type ExperimentSpec } from './experiment-spec.ts';
import { isBalanced } from './assign-arm.ts';
import { readEvidence } from './read-evidence.ts';
import { readResults, sessionsOf, trialOf, type MetricResult } from './read-results.ts';
import { startRollout, stepRollout, type Rollout, type RolloutStage } from './rollout.ts';
import type { TrialModel } from './trial-model.ts';

/** An experiment as it stands, with what it has shown in its latest stage. */
export interface ExperimentReading extends Experiment {
  readonly sessions: { readonly control: number; readonly candidate: number };
  readonly isBalanced: boolean;
  readonly metrics: readonly MetricResult[];
}

/** An experiment as the path goes by it. */
export interface ExperimentInForce {
  /** Name and version of its stage, as facts name it. */
  readonly trial: string;
  /** By which arms are given, the same in all stages: who has the candidate keeps it while the share grows. */
  readonly name: string;
  readonly stage: RolloutStage;
  readonly share: number;
  readonly candidate: Candidate;
}

export type ExperimentCommand = 'stop' | 'freeze' | 'thaw';

interface Kept {
  /** Versions up to this one belong to experiments that were removed. */
  readonly floor: number;
  readonly experiments: readonly Experiment[];
}

const KEY = 'experiments';
const MAX_EXPERIMENTS = 20;
/** Below this a guess at how sessions are divided says nothing. */
const MIN_DIVIDED = 50;

/** All experiments, kept so that they outlive a restart. A step counts once it is kept. One operation at a time. */
export class ExperimentBook {
  readonly #store: Pick<LearningStore, 'commit'>;
  #kept: Kept;
  #revision = 0;

  private constructor(store: Pick<LearningStore, 'commit'>, kept: Kept) {
    this.#store = store;
    this.#kept = kept;
  }

  static async open(store: Pick<LearningStore, 'get' | 'commit'>): Promise<ExperimentBook> {
    const entry = await store.get(SETTINGS, KEY);
    const kept = entry === undefined ? { floor: 0, experiments: [] } : (JSON.parse(Buffer.from(entry.value).toString()) as Kept);
    return new ExperimentBook(store, kept);
  }

  /** Rises with every change. */
  get revision(): number {
    return this.#revision;
  }

  get size(): number {
    return this.#kept.experiments.length;
  }

  /** What the path goes by. @param isHeld Whether nothing is learned at present: then everybody gets the control, and nobody has an arm. */
  inForce(isHeld: boolean): ExperimentInForce[] {
    return this.#kept.experiments.map(({ spec: { name, candidate }, rollout }) => {
      const { stage, share } = isHeld ? { stage: 'demoted' as const, share: 0 } : rollout;
      return { trial: trialOf(name, rollout.version), name, stage, share, candidate };
    });
  }

  list(trials: TrialModel): ExperimentReading[] {
    return this.#kept.experiments.map((experiment) => read(experiment, trials));
  }

  /** @throws GatewayError `UNKNOWN_NAME`. */
  get(name: string, trials: TrialModel): ExperimentReading {
    return read(this.#find(name), trials);
  }

  /**
   * Starts an experiment. The same again changes nothing, or starts it anew when it was stopped.
   * @returns whether anything has changed.
   * @throws GatewayError `CONFLICT` when another one has its name, or tries the same; `OVERLOADED` when there are too many.
   */
  async start(spec: ExperimentSpec, atMs: number): Promise<boolean> {
    const { experiments, floor } = this.#kept;
    const known = experiments.find((each) => each.spec.name === spec.name);
    const policy = policyOf(spec, 'demoted');
    if (known !== undefined && JSON.stringify(known.spec) !== JSON.stringify(spec))
      throw new GatewayError(
        'CONFLICT',
        `There is an experiment "${spec.name}" already, with other terms; choose another name or remove it`,
      );
    if (known !== undefined && known.rollout.stage !== 'demoted') return false;
    const rival = experiments.find((each) => each !== known && isRival(each, spec));
    if (rival !== undefined)
      throw new GatewayError(
        'CONFLICT',
        `Cannot start "${spec.name}": ${subjectOf(spec.candidate)} is on trial in "${rival.spec.name}"; stop that one first`,
      );
    if (known?.rollout.isFrozen === true)
      throw new GatewayError('CONFLICT', `Cannot start "${spec.name}" anew, as it is frozen; thaw it first`);
    if (known !== undefined) return this.#step(known, stepRollout(known.rollout, { event: { kind: 'retry', atMs }, policy }));
    if (experiments.length >= MAX_EXPERIMENTS)
      throw new GatewayError('OVERLOADED', `There are ${MAX_EXPERIMENTS} experiments already; remove one that has ended`);
    const rollout = startRollout(atMs, { version: floor + 1, policy });
    await this.#keep({ floor, experiments: [...experiments, { spec, startedAtMs: atMs, rollout }] });
    return true;
  }

  /** @returns whether anything has changed. @throws GatewayError `UNKNOWN_NAME`. */
  async steer(name: string, { command, atMs }: { readonly command: ExperimentCommand; readonly atMs: number }): Promise<boolean> {
    const experiment = this.#find(name);
    const { rollout } = experiment;
    const kind = command === 'stop' ? 'kill' : command;
    if (kind !== 'kill' && rollout.isFrozen === (kind === 'freeze')) return false;
    return this.#step(experiment, stepRollout(rollout, { event: { kind, atMs }, policy: policyOf(experiment.spec, rollout.stage) }));
  }

  /** Lets go of an experiment that has ended. @throws GatewayError `UNKNOWN_NAME`, and `CONFLICT` for one that has not. */
  async remove(name: string): Promise<void> {
    const gone = this.#find(name);
    if (gone.rollout.stage !== 'demoted')
      throw new GatewayError('CONFLICT', `Cannot remove "${name}", which is in the stage "${gone.rollout.stage}"; stop it first`);
    const { floor, experiments } = this.#kept;
    await this.#keep({ floor: Math.max(floor, gone.rollout.version), experiments: experiments.filter((each) => each !== gone) });
  }

  /** Has every experiment take the step that its evidence asks for. @returns those that took one. */
  async evaluate(trials: TrialModel, atMs: number): Promise<readonly Experiment[]> {
    const stepped: Experiment[] = [];
    const experiments = this.#kept.experiments.map((experiment) => {
      const { spec, rollout } = experiment;
      if (rollout.stage === 'demoted') return experiment;
      const policy = policyOf(spec, rollout.stage);
      const { alpha, horizon, name } = spec;
      const question = {
        experiment: trialOf(name, rollout.version),
        policy,
        atMs,
        alpha,
        horizon,
        isBalanced: areBalanced(experiment, trials),
      };
      const next = stepRollout(rollout, { event: readEvidence(trials, question), policy });
      if (next === rollout) return experiment;
      stepped.push({ ...experiment, rollout: next });
      return stepped.at(-1)!;
    });
    if (stepped.length > 0) await this.#keep({ ...this.#kept, experiments });
    return stepped;
  }

  #find(name: string): Experiment {
    const found = this.#kept.experiments.find(({ spec }) => spec.name === name);
    if (found !== undefined) return found;
    const names = this.#kept.experiments.map(({ spec }) => `"${spec.name}"`);
    const others = names.length === 0 ? 'there is none' : `there are ${names.join(', ')}`;
    throw new GatewayError('UNKNOWN_NAME', `There is no experiment "${name}"; ${others}`);
  }

  async #step(experiment: Experiment, rollout: Rollout): Promise<boolean> {
    if (rollout === experiment.rollout) return false;
    const experiments = this.#kept.experiments.map((each) => (each === experiment ? { ...each, rollout } : each));
    await this.#keep({ ...this.#kept, experiments });
    return true;
  }

  async #keep(kept: Kept): Promise<void> {
    await this.#store.commit([{ kind: 'put', collection: SETTINGS, key: KEY, value: Buffer.from(JSON.stringify(kept)) }]);
    this.#kept = kept;
    this.#revision++;
  }
}

function isRival({ spec, rollout }: Experiment, { candidate }: ExperimentSpec): boolean {
  return rollout.stage !== 'demoted' && subjectOf(spec.candidate) === subjectOf(candidate);
}

function read(experiment: Experiment, trials: TrialModel): ExperimentReading {
  return {
    ...experiment,
    sessions: sessionsOf(experiment, trials),
    isBalanced: areBalanced(experiment, trials),
    metrics: readResults(experiment, trials),
  };
}

// In the shadow both arms are the same sessions.
function areBalanced(experiment: Experiment, trials: TrialModel): boolean {
  const { stage, share } = experiment.rollout;
  if (stage === 'shadow' || stage === 'demoted') return true;
  const { control, candidate } = sessionsOf(experiment, trials);
  return control + candidate < MIN_DIVIDED || isBalanced({ control, candidate, share });
}
