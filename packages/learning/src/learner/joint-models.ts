import { toMessage } from '@signalbox/core';
import type { Interaction } from '../interaction.ts';
import { mergeStates } from '../merge-states.ts';
import type { ModelState } from '../model.ts';
import { GATEWAYS, LIVE, REFS } from '../model-store/collections.ts';
import { ModelStore, type ModelStates } from '../model-store/model-store.ts';
import { scopeStore } from '../model-store/scope-store.ts';
import type { AllModels } from './all-models.ts';
import type { LearningStore } from './remote-store.ts';

/** What the path goes by, and what counts of several gateways can be added up. */
const JOINT = ['fallbacks', 'outcomes', 'plans', 'repair', 'runs', 'search', 'similarity', 'usage'] as const;

export type AdvisingModels = Pick<AllModels, (typeof JOINT)[number]>;

export interface JointModelsOptions {
  /** Of all gateways. */
  readonly store: LearningStore;
  /** This gateway. */
  readonly scope: string;
  readonly now: () => number;
  /** Makes models that know nothing. */
  readonly createModels: () => AllModels;
  /** Hears of a gateway that is left out. */
  readonly onTrouble: (message: string) => void;
}

const NOTHING: ModelState = new Map();
const PAGE = 1_000;

/** What the gateways that share a store know together. Each learns for itself, and reads what the others have committed. */
export class JointModels {
  readonly #options: JointModelsOptions;
  /** What was read last, by gateway: its commit. */
  #heads: ReadonlyMap<string, string> = new Map();
  #own: AllModels | undefined;
  #models: AdvisingModels | undefined;

  private constructor(options: JointModelsOptions) {
    this.#options = options;
  }

  /** Makes this gateway known to the others. */
  static async open(options: JointModelsOptions): Promise<JointModels> {
    const { store, scope, now } = options;
    await store.commit([{ kind: 'put', collection: GATEWAYS, key: scope, value: Buffer.from(String(now())) }]);
    return new JointModels(options);
  }

  /** Absent while there is nobody else who knows anything. */
  get models(): AdvisingModels | undefined {
    return this.#models;
  }

  /** Other gateways that have a part in it. */
  get others(): number {
    return this.#heads.size;
  }

  /** Learns what this gateway learns, until all is read anew. */
  observe(fact: Interaction): void {
    if (this.#models === undefined) return;
    for (const name of JOINT) this.#models[name].observe(fact);
  }

  /** Joins what this gateway knows with what the others have committed, if anything of it is new. */
  async look(own: AllModels): Promise<void> {
    const heads = await this.#readHeads();
    const isSame = own === this.#own && heads.size === this.#heads.size && [...heads].every(([scope, id]) => this.#heads.get(scope) === id);
    if (isSame) return;
    const { createModels, onTrouble } = this.#options;
    let states: ModelStates = new Map(JOINT.map((name) => [name, own[name].save()]));
    const read = new Map<string, string>();
    for (const [scope, id] of heads) {
      try {
        states = await this.#add(states, { scope, id, own });
        read.set(scope, id);
      } catch (error) {
        onTrouble(`what gateway "${scope}" has learned is left out: ${toMessage(error)}`);
      }
    }
    // One that could not be read is not tried again before it has something new.
    [this.#heads, this.#own, this.#models] = [heads, own, undefined];
    if (read.size === 0) return;
    const models = createModels();
    for (const name of JOINT) models[name].load(states.get(name)!);
    this.#models = models;
  }

  async #readHeads(): Promise<ReadonlyMap<string, string>> {
    const { store, scope: ownScope } = this.#options;
    const heads = new Map<string, string>();
    for (const { key: scope } of await store.list(GATEWAYS, { limit: PAGE })) {
      if (scope === ownScope) continue;
      const head = await scopeStore(store, scope).get(REFS, LIVE);
      if (head !== undefined) heads.set(scope, head.value.toString());
    }
    return heads;
  }

  async #add(
    states: ModelStates,
    { scope, id, own }: { readonly scope: string; readonly id: string; readonly own: AllModels },
  ): Promise<ModelStates> {
    const history = new ModelStore({ store: scopeStore(this.#options.store, scope), now: this.#options.now });
    const other = await history.load(await history.resolve(id));
    return new Map(
      JOINT.map((name) => [name, mergeStates(own[name].tables, { base: NOTHING, a: states.get(name)!, b: other.get(name) ?? NOTHING })]),
    );
  }
}
