import { GatewayError, type Store, type StoreOperation } from '@signalbox/core';
import { compressSync, uncompressSync } from 'lz4-napi';
import { decodeChunk, decodeCommit, decodeTable, encodeCommit, type CommitBody, type ModelReference } from '../codec/state-codec.ts';
import type { ModelState, ModelTable } from '../model.ts';
import { CHUNKS, COMMITS, REFS } from './collections.ts';
import { TableIndex, idOf, type KnownBytes } from './table-index.ts';

/** States of several models by their names. */
export type ModelStates = ReadonlyMap<string, ModelState>;

export interface Commit extends CommitBody {
  readonly id: string;
}

export interface CommitRequest extends Pick<CommitBody, 'message' | 'facts' | 'first' | 'last'> {
  /** The branch it becomes the head of. */
  readonly branch: string;
  readonly states: ModelStates;
  readonly notes?: Readonly<Record<string, string>>;
  /** Default: the head of the branch, if it has one. */
  readonly parents?: readonly string[];
  /** Done in the same transaction. */
  readonly with?: readonly StoreOperation[];
}

export interface Committed {
  readonly commit: Commit;
  /** Of what was not there before, as it was written. */
  readonly writtenBytes: number;
  readonly writtenChunks: number;
}

export interface RowChange {
  readonly model: string;
  readonly table: string;
  readonly key: string;
  readonly before: readonly number[] | undefined;
  readonly after: readonly number[] | undefined;
}

const PAGE = 1000;
const SHORTEST_PREFIX = 6;

export interface CollectOptions {
  readonly keep: number;
  readonly tagged?: { readonly branch: string; readonly keep: number };
}

/**
 * Versions of what was learned: commits of all models, in branches and tags, over chunks that are shared by what they hold.
 * One process writes at a time.
 */
export class ModelStore {
  readonly #store: Pick<Store, 'get' | 'list' | 'commit'>;
  readonly #now: () => number;
  /** By model and table, of what was committed last. */
  readonly #indexes = new Map<string, TableIndex>();

  constructor({ store, now }: { readonly store: Pick<Store, 'get' | 'list' | 'commit'>; readonly now: () => number }) {
    this.#store = store;
    this.#now = now;
  }

  /** Keeps the states as the new head of a branch, all or nothing. Writes only what the last commit did not have. */
  async commit(request: CommitRequest): Promise<Committed> {
    const { branch, states, message, facts, first, last, notes = {} } = request;
    const head = await this.#store.get(REFS, branch);
    const parents = request.parents ?? (head === undefined ? [] : [head.value.toString()]);
    const fresh: KnownBytes[] = [];
    const models: ModelReference[] = [...states]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, state]) => ({ name, tables: this.#updateTables(name, state, fresh) }));
    const body: CommitBody = { parents, message, atMs: this.#now(), facts, first, last, models, notes };
    const bytes = encodeCommit(body);
    const id = idOf(bytes);
    let writtenBytes = bytes.length;
    const puts = fresh.map((known): StoreOperation => {
      const value = compressSync(Buffer.from(known.bytes.buffer, known.bytes.byteOffset, known.bytes.byteLength));
      writtenBytes += value.length;
      return { kind: 'put', collection: CHUNKS, key: known.id, value };
    });
    try {
      await this.#store.commit([
        ...puts,
        { kind: 'put', collection: COMMITS, key: id, value: Buffer.from(bytes) },
        { kind: 'put', collection: REFS, key: branch, value: Buffer.from(id), ifVersion: head?.version ?? 0 },
        ...(request.with ?? []),
      ]);
    } catch (error) {
      // What the indexes hold is not known to be there.
      this.#indexes.clear();
      throw error;
    }
    return { commit: { ...body, id }, writtenBytes, writtenChunks: fresh.length };
  }

  /** @param name A branch, a tag, a commit's id or its first six characters and more. @throws GatewayError `UNKNOWN_NAME`. */
  async resolve(name: string): Promise<Commit> {
    const ref = await this.#store.get(REFS, name);
    const id = ref?.value.toString() ?? name;
    const entry = await this.#store.get(COMMITS, id);
    if (entry !== undefined) return { ...decodeCommit(entry.value), id };
    if (/^[0-9a-f]+$/.test(name) && name.length >= SHORTEST_PREFIX) {
      const found = await this.#store.list(COMMITS, { prefix: name, limit: 2 });
      if (found.length === 1) return { ...decodeCommit(found[0]!.value), id: found[0]!.key };
    }
    throw new GatewayError('UNKNOWN_NAME', `There is no commit, branch or tag "${name}"`);
  }

  /** What was learned as of a commit. @throws GatewayError `INTERNAL` when a part of it is missing or damaged. */
  async load(commit: Commit): Promise<ModelStates> {
    const states = new Map<string, ModelState>();
    for (const { name, tables } of commit.models) {
      const state = new Map<string, ModelTable>();
      for (const table of tables) state.set(table.name, await this.#loadTable(table.id));
      states.set(name, state);
    }
    return states;
  }

  /** Takes note of what a commit holds, so that the next one writes only what has changed. @param states As `load` gave them. */
  know(states: ModelStates): void {
    for (const [name, state] of states) this.#updateTables(name, state, []);
  }

  /** A commit and what it came from by its first parents, newest first. */
  async log(from: string, limit: number): Promise<Commit[]> {
    const commits: Commit[] = [];
    for (let next: string | undefined = from; next !== undefined && commits.length < limit; next = commits.at(-1)!.parents[0]) {
      try {
        commits.push(await this.resolve(next));
      } catch (error) {
        // What is older was let go.
        if (commits.length > 0 && error instanceof GatewayError && error.code === 'UNKNOWN_NAME') break;
        throw error;
      }
    }
    return commits;
  }

  /** Commit by branch or tag. */
  async refs(): Promise<ReadonlyMap<string, string>> {
    const entries = await this.#store.list(REFS, { limit: PAGE });
    return new Map(entries.map(({ key, value }) => [key, value.toString()]));
  }

  /** Points a branch or tag to a commit; `undefined` takes it away. */
  async setRef(name: string, id: string | undefined): Promise<void> {
    if (id === undefined) await this.#store.commit([{ kind: 'delete', collection: REFS, key: name }]);
    else await this.#store.commit([{ kind: 'put', collection: REFS, key: name, value: Buffer.from(id) }]);
  }

  /** Every row that differs. */
  async diff(from: Commit, to: Commit): Promise<RowChange[]> {
    const [before, after] = [tablesOf(from), tablesOf(to)];
    const changes: RowChange[] = [];
    for (const key of new Set([...before.keys(), ...after.keys()])) {
      const [one, other] = [before.get(key), after.get(key)];
      if (one?.id === other?.id) continue;
      const { model, table } = (one ?? other)!;
      const [rows, newRows] = await Promise.all([one, other].map((each) => (each === undefined ? new Map() : this.#loadTable(each.id))));
      for (const row of new Set([...rows!.keys(), ...newRows!.keys()])) {
        const [was, is] = [rows!.get(row), newRows!.get(row)];
        if (was?.join() !== is?.join()) changes.push({ model, table, key: row, before: was, after: is });
      }
    }
    return changes;
  }

  /**
   * Lets go of commits that no branch or tag leads to within `keep` steps, and of chunks that only they had.
   * @param options.tagged Of which branch, and how many steps from every other ref. Default: `keep` from all.
   * @returns how many of each are gone.
   */
  async collect({ keep, tagged }: CollectOptions): Promise<{ readonly commits: number; readonly chunks: number }> {
    const kept = new Map<string, Commit>();
    for (const [name, id] of await this.refs()) {
      const steps = tagged === undefined || name === tagged.branch ? keep : tagged.keep;
      for (const commit of await this.log(id, steps)) kept.set(commit.id, commit);
    }
    const used = new Set<string>();
    for (const commit of kept.values()) {
      for (const { id } of tablesOf(commit).values()) {
        if (used.has(id)) continue;
        used.add(id);
        for (const chunk of decodeTable(await this.#read(id))) used.add(chunk);
      }
    }
    const commits = await this.#sweep(COMMITS, (key) => kept.has(key));
    const chunks = await this.#sweep(CHUNKS, (key) => used.has(key));
    // A chunk that is gone must be written again when it comes back.
    if (chunks > 0) this.#indexes.clear();
    return { commits, chunks };
  }

  async #sweep(collection: string, isKept: (key: string) => boolean): Promise<number> {
    let gone = 0;
    let after: string | undefined;
    for (;;) {
      const page = await this.#store.list(collection, { after, limit: PAGE });
      const keys = page.map(({ key }) => key).filter((key) => !isKept(key));
      if (keys.length > 0) await this.#store.commit(keys.map((key) => ({ kind: 'delete', collection, key })));
      gone += keys.length;
      if (page.length < PAGE) return gone;
      after = page.at(-1)!.key;
    }
  }

  #updateTables(model: string, state: ModelState, fresh: KnownBytes[]): ModelReference['tables'] {
    return [...state]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, table]) => {
        const key = `${model}\0${name}`;
        let index = this.#indexes.get(key);
        if (index === undefined) this.#indexes.set(key, (index = new TableIndex()));
        const update = index.update(table);
        for (const known of update.fresh) fresh.push(known);
        return { name, id: update.id, rows: table.size };
      });
  }

  async #loadTable(id: string): Promise<ModelTable> {
    const rows = new Map<string, readonly number[]>();
    const chunks = decodeTable(await this.#read(id)).filter((chunk) => chunk !== '');
    for (const bytes of await Promise.all(chunks.map((chunk) => this.#read(chunk))))
      for (const [key, values] of decodeChunk(bytes)) rows.set(key, values);
    return rows;
  }

  async #read(id: string): Promise<Uint8Array> {
    const entry = await this.#store.get(CHUNKS, id);
    if (entry === undefined) throw new GatewayError('INTERNAL', `Cannot load what was learned: chunk ${id} is missing`);
    const bytes = uncompressSync(entry.value);
    if (idOf(bytes) !== id) throw new GatewayError('INTERNAL', `Cannot load what was learned: chunk ${id} is not as it was written`);
    return bytes;
  }
}

function tablesOf({ models }: CommitBody): Map<string, { readonly model: string; readonly table: string; readonly id: string }> {
  return new Map(
    models.flatMap(({ name: model, tables }) => tables.map(({ name: table, id }) => [`${model}\0${table}`, { model, table, id }] as const)),
  );
}

/** One hash of all that was learned, whatever its history: the same rows have the same. */
export function rootOf({ models }: CommitBody): string {
  return idOf(Buffer.from(JSON.stringify(models.map(({ name, tables }) => [name, tables.map(({ name: table, id }) => [table, id])]))));
}
