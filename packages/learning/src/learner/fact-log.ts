import { WireWriter, type StoreOperation } from '@signalbox/core';
import { compressSync, uncompressSync } from 'lz4-napi';
import { readInteraction } from '../codec/interaction-codec.ts';
import { WireReader } from '../codec/wire-reader.ts';
import type { Interaction } from '../interaction.ts';
import { FACTS } from '../model-store/collections.ts';
import type { LearningStore } from './remote-store.ts';

const PAGE = 100;
/** Facts in one entry of the log at most. */
const BATCH = 2_000;

/** Batches that wait for a store that is away. */
const MAX_UNKEPT = 50;

interface Batch {
  readonly count: number;
  readonly value: Buffer;
}

/** The facts that were learned, as they came, up to a bound. Entries of the log are batches. */
export class FactLog {
  readonly #store: LearningStore;
  readonly #maxFacts: number;
  readonly #batch = new WireWriter(65_536);
  #waiting = 0;
  readonly #unkept: Batch[] = [];
  /** Of each entry that is kept, how many facts it holds. */
  #counts: { readonly sequence: number; readonly count: number }[] = [];
  #facts = 0;

  private constructor(store: LearningStore, maxFacts: number) {
    this.#store = store;
    this.#maxFacts = maxFacts;
  }

  /** Reads what there is, from an entry on, and gives each fact to `take`. */
  static async open({ store, maxFacts }: { readonly store: LearningStore; readonly maxFacts: number }): Promise<FactLog> {
    const log = new FactLog(store, maxFacts);
    for await (const { sequence, facts } of log.batches()) log.#add(sequence, facts.length);
    return log;
  }

  /** Facts that are kept. */
  get facts(): number {
    return this.#facts;
  }

  /** Facts that are not in the store yet. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Sequence of the newest entry; 0 when there is none. */
  get last(): number {
    return this.#counts.at(-1)?.sequence ?? 0;
  }

  /** Takes a fact as it was written. @returns whether it is time to `flush`. */
  add(bytes: Uint8Array): boolean {
    this.#batch.bytes(1, bytes);
    this.#waiting++;
    return this.#waiting >= BATCH;
  }

  /** Keeps what waits. What could not be kept is tried again next time, up to a bound. */
  async flush(): Promise<void> {
    if (this.#waiting > 0) {
      const count = this.#waiting;
      this.#unkept.push({ count, value: this.#take() });
      if (this.#unkept.length > MAX_UNKEPT) this.#unkept.shift();
    }
    if (this.#maxFacts === 0) this.#unkept.length = 0;
    while (this.#unkept.length > 0) {
      const [{ count, value }] = this.#unkept as [Batch];
      const gone = this.#oldest(count);
      const before = this.#counts[gone - 1]?.sequence;
      const trim: readonly StoreOperation[] = before === undefined ? [] : [{ kind: 'trim', log: FACTS, before: before + 1 }];
      const [sequence] = await this.#store.commit([{ kind: 'append', log: FACTS, values: [value] }, ...trim]);
      this.#unkept.shift();
      for (const old of this.#counts.splice(0, gone)) this.#facts -= old.count;
      this.#add(sequence!, count);
    }
  }

  /** Puts other facts in the place of all. @returns what does it, for a commit. */
  replace(facts: readonly Uint8Array[]): readonly StoreOperation[] {
    const values: Buffer[] = [];
    this.#counts = [];
    this.#facts = 0;
    for (let start = 0; start < facts.length; start += BATCH) {
      const part = facts.slice(start, start + BATCH);
      for (const bytes of part) this.add(bytes);
      values.push(this.#take());
      this.#add(values.length, part.length);
    }
    return [{ kind: 'forget', log: FACTS }, ...(values.length > 0 ? [{ kind: 'append' as const, log: FACTS, values }] : [])];
  }

  /** All batches, oldest first. */
  async *batches(from = 1): AsyncGenerator<{ readonly sequence: number; readonly facts: readonly Uint8Array[] }> {
    for (let next = from; ;) {
      const entries = await this.#store.read(FACTS, { from: next, limit: PAGE });
      for (const { sequence, value } of entries) yield { sequence, facts: toFacts(uncompressSync(value)) };
      if (entries.length < PAGE) return;
      next = entries.at(-1)!.sequence + 1;
    }
  }

  #take(): Buffer {
    const value = compressSync(Buffer.from(this.#batch.written));
    this.#batch.reset();
    this.#waiting = 0;
    return value;
  }

  #add(sequence: number, count: number): void {
    this.#counts.push({ sequence, count });
    this.#facts += count;
  }

  // How many entries must go so that there is room for more facts.
  #oldest(more: number): number {
    let [gone, facts] = [0, this.#facts];
    while (gone < this.#counts.length && facts + more > this.#maxFacts) facts -= this.#counts[gone++]!.count;
    return gone;
  }
}

function toFacts(batch: Uint8Array): Uint8Array[] {
  const reader = new WireReader(batch);
  const facts: Uint8Array[] = [];
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) facts.push(reader.bytes());
    else reader.skip();
  }
  return facts;
}

/** What is to be forgotten. All that is given must fit; hashes are as facts have them. */
export interface FactFilter {
  readonly principal?: string | undefined;
  readonly upstream?: string | undefined;
  readonly tool?: string | undefined;
  readonly sinceMs?: number | undefined;
  readonly untilMs?: number | undefined;
}

/** Whether a fact is among those. A search is of a tool when it has shown it. */
export function fits(bytes: Uint8Array, { principal, upstream, tool, sinceMs = 0, untilMs = Infinity }: FactFilter): boolean {
  const fact = readInteraction(bytes);
  if (fact.atMs < sinceMs || fact.atMs > untilMs) return false;
  if (principal !== undefined && fact.principal !== principal) return false;
  const isOfTool = (each: { readonly upstream: string; readonly tool: string }) =>
    (upstream === undefined || each.upstream === upstream) && (tool === undefined || each.tool === tool);
  if (upstream === undefined && tool === undefined) return true;
  return toolsOf(fact).some(isOfTool);
}

function toolsOf(fact: Interaction): readonly { readonly upstream: string; readonly tool: string }[] {
  return fact.kind === 'search' ? fact.shown : [fact];
}
