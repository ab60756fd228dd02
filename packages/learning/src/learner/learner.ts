import { createHash } from 'node:crypto';
import { GatewayError, toMessage } from '@signalbox/core';
import { readInteraction } from '../codec/interaction-codec.ts';
import type { Interaction } from '../interaction.ts';
import type { Model } from '../model.ts';
import { LIVE, REFS, SETTINGS } from '../model-store/collections.ts';
import { ModelStore, rootOf, type Commit, type ModelStates, type RowChange } from '../model-store/model-store.ts';
import { TableIndex } from '../model-store/table-index.ts';
import { FactLog, fits, type FactFilter } from './fact-log.ts';
import type { LearningStore } from './remote-store.ts';

const FROZEN = 'frozen';
const KEPT_COMMITS = 1_000;
/** How the name of a day's last commit begins, and of how many days it is kept. */
const DAY_TAG = 'day-';
const KEPT_DAYS = 14;

export interface LearnerOptions<Models extends Readonly<Record<string, Model<Interaction>>>> {
  /** Makes models that know nothing, by name. */
  readonly createModels: () => Models;
  readonly store: LearningStore;
  readonly now: () => number;
  readonly maxFacts: number;
  /** Called between slices of long work. */
  readonly breathe: () => Promise<void>;
  /** Hears of each fact that is new, once it is learned. */
  readonly onFact?: ((fact: Interaction) => void) | undefined;
}

export interface Forgotten {
  readonly forgotten: number;
  readonly kept: number;
  readonly before: string;
  readonly after: string;
  readonly commit: string;
}

export interface Replayed {
  readonly facts: number;
  readonly tookMs: number;
  readonly timesRealTime: number;
  readonly root: string;
  readonly isSame: boolean;
}

/** Everything that learns, over one history: feeds facts to all models, keeps both, and goes back. One operation at a time. */
export class Learner<Models extends Readonly<Record<string, Model<Interaction>>>> {
  readonly #options: LearnerOptions<Models>;
  readonly #history: ModelStore;
  readonly #log: FactLog;
  #models: Models;
  #learned = 0;
  #isDirty = false;
  #head: Commit | undefined;
  #isFrozen: boolean;

  private constructor(
    options: LearnerOptions<Models>,
    parts: { readonly history: ModelStore; readonly log: FactLog; readonly isFrozen: boolean },
  ) {
    this.#options = options;
    this.#history = parts.history;
    this.#log = parts.log;
    this.#isFrozen = parts.isFrozen;
    this.#models = options.createModels();
  }

  /** Goes on from the last commit and the facts that came after it. */
  static async open<Models extends Readonly<Record<string, Model<Interaction>>>>(
    options: LearnerOptions<Models>,
  ): Promise<Learner<Models>> {
    const { store, now, maxFacts } = options;
    const history = new ModelStore({ store, now });
    const log = await FactLog.open({ store, maxFacts });
    const isFrozen = (await store.get(SETTINGS, FROZEN)) !== undefined;
    const learner = new Learner(options, { history, log, isFrozen });
    const head = (await store.get(REFS, LIVE)) === undefined ? undefined : await history.resolve(LIVE);
    if (head !== undefined) await learner.#restore(head);
    for await (const { facts } of log.batches((head?.last ?? 0) + 1)) {
      for (const bytes of facts) learner.#learn(learner.#models, bytes);
      await options.breathe();
    }
    return learner;
  }

  get models(): Models {
    return this.#models;
  }

  get isFrozen(): boolean {
    return this.#isFrozen;
  }

  get counts(): { readonly learned: number; readonly kept: number; readonly head: string | undefined } {
    return { learned: this.#learned, kept: this.#log.facts + this.#log.waiting, head: this.#head?.id };
  }

  /** Takes a fact as it was written. @returns whether it is time to `flush`. */
  observe(bytes: Uint8Array): boolean {
    if (this.#isFrozen) return false;
    const fact = this.#learn(this.#models, bytes);
    this.#options.onFact?.(fact);
    return this.#log.add(bytes);
  }

  /** Puts facts that wait where they outlive the process. */
  async flush(): Promise<void> {
    await this.#log.flush();
  }

  /** Keeps what was learned since the last commit, if anything was. */
  async commit(message: string): Promise<void> {
    await this.flush();
    if (this.#isDirty) await this.#commit(message);
  }

  async setFrozen(isFrozen: boolean): Promise<void> {
    await this.commit(isFrozen ? 'frozen' : 'goes on');
    const { store } = this.#options;
    const place = { collection: SETTINGS, key: FROZEN };
    await store.commit([isFrozen ? { kind: 'put', ...place, value: Buffer.from('1') } : { kind: 'delete', ...place }]);
    this.#isFrozen = isFrozen;
  }

  async log(limit: number): Promise<readonly { readonly commit: Commit; readonly refs: readonly string[] }[]> {
    if (this.#head === undefined) return [];
    const refs = [...(await this.#history.refs())];
    const commits = await this.#history.log(LIVE, limit);
    return commits.map((commit) => ({ commit, refs: refs.filter(([, id]) => id === commit.id).map(([name]) => name) }));
  }

  /** Most changed first, as far as that can be said of numbers. */
  async diff(from: string, to: string): Promise<{ readonly from: Commit; readonly to: Commit; readonly rows: readonly RowChange[] }> {
    const [one, other] = await Promise.all([this.#history.resolve(from), this.#history.resolve(to)]);
    const rows = await this.#history.diff(one, other);
    return { from: one, to: other, rows: rows.toSorted((a, b) => sizeOf(b) - sizeOf(a)) };
  }

  /** Goes on from an older commit, which stays in the history with all that came after it. */
  async rollBack(to: string): Promise<Commit> {
    await this.commit('before going back');
    const target = await this.#history.resolve(to);
    await this.#restore(target);
    return this.#commit(`back to ${target.id.slice(0, 12)}`, { 'rolled back to': target.id });
  }

  /**
   * Names a commit, so that it is found by that name and kept as long as it has it. A name that another commit has moves.
   * @param of Default: what is known now, which is committed first.
   * @throws GatewayError `UNKNOWN_NAME`; `INVALID_PARAMS` for a name that means something else.
   */
  async tag(name: string, of?: string): Promise<Commit> {
    checkTag(name);
    if (of === undefined) await this.commit(`tagged ${name}`);
    const commit = await this.#history.resolve(of ?? LIVE);
    await this.#history.setRef(name, commit.id);
    return commit;
  }

  /** Takes a name away. @throws GatewayError `UNKNOWN_NAME`; `INVALID_PARAMS` for the branch that is in use. */
  async untag(name: string): Promise<void> {
    checkTag(name);
    if (!(await this.#history.refs()).has(name)) throw new GatewayError('UNKNOWN_NAME', `There is no tag "${name}"`);
    await this.#history.setRef(name, undefined);
  }

  /** Learns all kept facts anew beside what is in use. */
  async replay(): Promise<Replayed> {
    await this.flush();
    const begun = performance.now();
    const models = this.#options.createModels();
    let facts = 0;
    let [firstMs, lastMs] = [0, 0];
    for await (const batch of this.#log.batches()) {
      for (const bytes of batch.facts) {
        const { atMs } = this.#learnInto(models, bytes);
        if (facts++ === 0) firstMs = atMs;
        lastMs = atMs;
      }
      await this.#options.breathe();
    }
    const tookMs = performance.now() - begun;
    const root = rootOfStates(statesOf(models));
    const timesRealTime = Math.max(0, lastMs - firstMs) / Math.max(0.001, tookMs);
    return { facts, tookMs, timesRealTime, root, isSame: root === rootOfStates(statesOf(this.#models)) };
  }

  /**
   * Forgets facts and all that came of them: models are built anew from what is left, and older versions, which knew of them,
   * are let go.
   */
  async forget(filter: FactFilter): Promise<Forgotten> {
    await this.flush();
    const before = rootOfStates(statesOf(this.#models));
    const kept: Uint8Array[] = [];
    const gone = createHash('sha256');
    let forgotten = 0;
    const models = this.#options.createModels();
    for await (const { facts } of this.#log.batches()) {
      for (const bytes of facts) {
        if (fits(bytes, filter)) {
          forgotten++;
          gone.update(bytes);
        } else {
          kept.push(bytes);
          this.#learnInto(models, bytes);
        }
      }
      await this.#options.breathe();
    }
    const replacement = this.#log.replace(kept);
    this.#models = models;
    this.#learned = kept.length;
    const after = rootOfStates(statesOf(models));
    const notes = { forgotten: String(forgotten), 'hash of what is gone': gone.digest('hex'), 'root before': before, 'root after': after };
    const commit = await this.#commit(`${forgotten} facts forgotten`, notes, { parents: [], with: replacement });
    for (const name of (await this.#history.refs()).keys()) if (name !== LIVE) await this.#history.setRef(name, undefined);
    await this.#history.collect({ keep: 1 });
    return { forgotten, kept: kept.length, before, after, commit: commit.id };
  }

  /** Lets go of versions beyond those that are kept. For idle time. */
  async tidy(): Promise<void> {
    await this.#history.collect({ keep: KEPT_COMMITS, tagged: { branch: LIVE, keep: 1 } });
  }

  async #commit(
    message: string,
    notes: Readonly<Record<string, string>> = {},
    more: { readonly parents?: readonly string[]; readonly with?: ReturnType<FactLog['replace']> } = {},
  ): Promise<Commit> {
    const { last } = this.#log;
    const first = Math.min(last, (this.#head?.last ?? 0) + 1);
    this.#isDirty = false;
    try {
      const states = statesOf(this.#models);
      const { commit } = await this.#history.commit({ branch: LIVE, states, message, facts: this.#learned, first, last, notes, ...more });
      const before = this.#head;
      this.#head = commit;
      // Without the name of a day nothing is lost but the way back to it.
      if (before !== undefined) await this.#nameDay(before, commit).catch(() => undefined);
      return commit;
    } catch (error) {
      this.#isDirty = true;
      throw error;
    }
  }

  /** Names the last commit of a day, so that what changed since can be told when commits between have gone. */
  async #nameDay(before: Commit, commit: Commit): Promise<void> {
    const day = dayOf(before);
    if (day === dayOf(commit)) return;
    await this.#history.setRef(DAY_TAG + day, before.id);
    const named = [...(await this.#history.refs()).keys()].filter((name) => name.startsWith(DAY_TAG)).toSorted();
    for (const name of named.slice(0, -KEPT_DAYS)) await this.#history.setRef(name, undefined);
  }

  async #restore(commit: Commit): Promise<void> {
    const states = await this.#history.load(commit);
    this.#history.know(states);
    const models = this.#options.createModels();
    for (const [name, model] of Object.entries(models)) {
      const state = states.get(name);
      // A model that is new knows nothing yet.
      if (state !== undefined) model.load(state);
    }
    this.#models = models;
    this.#learned = commit.facts;
    this.#head = commit;
    this.#isDirty = false;
  }

  #learn(models: Models, bytes: Uint8Array): Interaction {
    const fact = this.#learnInto(models, bytes);
    this.#learned++;
    this.#isDirty = true;
    return fact;
  }

  #learnInto(models: Models, bytes: Uint8Array): Interaction {
    const fact = readInteraction(bytes);
    for (const [name, model] of Object.entries(models)) {
      try {
        model.observe(fact);
      } catch (error) {
        throw new Error(`model "${name}" cannot learn: ${toMessage(error)}`, { cause: error });
      }
    }
    return fact;
  }
}

function dayOf({ atMs }: Commit): string {
  return new Date(atMs).toISOString().slice(0, 10);
}

function checkTag(name: string): void {
  if (name.startsWith(DAY_TAG)) throw new GatewayError('INVALID_PARAMS', `Cannot use "${name}" for a tag: days are named by themselves`);
  if (name === LIVE) throw new GatewayError('INVALID_PARAMS', `Cannot use "${LIVE}" for a tag: it is the branch that is in use`);
  // What looks like the beginning of an id would be taken for one.
  if (/^[0-9a-f]{6,}$/.test(name)) throw new GatewayError('INVALID_PARAMS', `Cannot use "${name}" for a tag: it looks like a commit`);
}

function statesOf(models: Readonly<Record<string, Model<Interaction>>>): ModelStates {
  return new Map(Object.entries(models).map(([name, model]) => [name, model.save()]));
}

function rootOfStates(states: ModelStates): string {
  const models = [...states]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, state]) => ({
      name,
      tables: [...state]
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([table, rows]) => ({ name: table, id: new TableIndex().update(rows).id, rows: rows.size })),
    }));
  return rootOf({ parents: [], message: '', atMs: 0, facts: 0, first: 0, last: 0, models, notes: {} });
}

function sizeOf({ before, after }: RowChange): number {
  const length = Math.max(before?.length ?? 0, after?.length ?? 0);
  let size = 0;
  for (let index = 0; index < length; index++) size += Math.abs((after?.[index] ?? 0) - (before?.[index] ?? 0));
  return size;
}
