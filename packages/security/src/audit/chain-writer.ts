import { GatewayError, toMessage, type Clock, type Logger, type Store, type StoreOperation } from '@signalbox/core';
import {
  ANCHORS,
  CHAIN_BEGIN,
  createGap,
  encodeEntry,
  ENTRY_BYTES,
  hashOf,
  toSafeJson,
  type AuditFact,
  type ChainHead,
  type TextFact,
} from './audit-entry.ts';
import { CallTexts } from './call-texts.ts';
import { putPayloads, type PayloadOf } from './payloads.ts';
import { WaitingTexts } from './waiting-texts.ts';

export interface ChainWriterOptions {
  readonly store: Store;
  /** Name of its log. */
  readonly chain: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long a fact that nobody waits for may wait for others to be written with, in milliseconds. */
  readonly lingerMs: number;
  readonly maxQueued?: number;
}

interface Queued extends TextFact {
  settle: ((error?: GatewayError) => void) | undefined;
}

const MAX_BATCH = 5_000;
/** Records written as text before others get a turn. */
const AT_ONCE = 200;
const MAX_BATCH_LENGTH = 4 * 1024 * 1024;
const MAX_QUEUED = 10_000;
const MAX_QUEUED_BYTES = 64 * 1024 * 1024;
/** A commit that takes longer counts as failed for those who wait, whatever becomes of it. */
const COMMIT_MS = 10_000;
const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 2_000;

/** Writes one chain: facts in the order they came, those of one turn in one commit, one commit at a time. */
export class ChainWriter {
  readonly #options: ChainWriterOptions;
  readonly #maxQueued: number;
  readonly #queue: Queued[] = [];
  readonly #texts = new WaitingTexts();
  readonly #callTexts = new CallTexts();
  #queuedBytes = 0;
  #head: ChainHead | undefined;
  /** A commit of which it is not known whether it was made: its first record, and how many there were. */
  #unsure: { readonly first: number; readonly value: Buffer; readonly count: number } | undefined;
  #isScheduled = false;
  #flushing = 0;
  #writing: Promise<void> | undefined;
  #retryMs = FIRST_RETRY_MS;
  #awayReason: string | undefined;
  #lost = 0;
  #lostInAll = 0;
  #lostSinceMs = 0;

  constructor(options: ChainWriterOptions) {
    this.#options = options;
    this.#maxQueued = options.maxQueued ?? MAX_QUEUED;
  }

  /** The last record that is known to be kept; `undefined` while that is not known. */
  get head(): ChainHead | undefined {
    return this.#head;
  }

  get queued(): number {
    return this.#queue.length;
  }

  /** Facts that could not be kept since the start. */
  get lost(): number {
    return this.#lostInAll;
  }

  /** Why nothing more should be begun that has to be recorded. */
  get obstacle(): string | undefined {
    if (this.#awayReason !== undefined) return this.#awayReason;
    return this.#isFull(1) ? `${this.#queue.length} records wait for the store` : undefined;
  }

  /** Looks for the end of the chain, which an earlier process may have written. Until it has been found it is an obstacle. */
  open(): void {
    this.#start();
  }

  /** Takes a fact that nobody waits for. */
  add(fact: AuditFact): void {
    this.#take(fact, undefined);
  }

  /** Resolves once the fact is kept. @throws GatewayError `AUDIT_UNAVAILABLE` when it could not be at once; it may still be, later. */
  keep(fact: AuditFact): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#take(fact, (error) => (error === undefined ? resolve() : reject(error)));
    });
  }

  /** Writes what waits, so that it can be read; returns at once while the store is away. */
  async flush(): Promise<void> {
    if (this.#awayReason !== undefined) return;
    this.#flushing++;
    this.#begin();
    await this.#writing;
    this.#flushing--;
  }

  /** Writes what waits, as far as the store takes it within `maxMs`. Nothing may be added afterwards. */
  async close(maxMs: number): Promise<void> {
    const { clock, logger, chain } = this.#options;
    const isLate = new Promise<void>((resolve) => void clock.after(maxMs, resolve));
    await Promise.race([this.#drain(), isLate]);
    const left = this.#queue.length + this.#lost;
    if (left > 0)
      logger.error('the gateway ends with audit records that could not be kept', { chain, records: left, reason: this.#awayReason });
    else if (this.#head !== undefined) logger.debug('audit ends', { chain, ...this.#head });
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0 || this.#writing !== undefined) {
      if (this.#writing === undefined) this.#start();
      await this.#writing;
      if (this.#awayReason !== undefined) return;
    }
  }

  // Calls that were begun while there was room may end when there is none; they have twice of it.
  #isFull(times: number): boolean {
    return this.#queue.length >= times * this.#maxQueued || this.#queuedBytes >= times * MAX_QUEUED_BYTES;
  }

  #take(fact: AuditFact, settle: Queued['settle']): void {
    if (this.#isFull(2)) {
      this.#lose();
      settle?.(this.#unavailable(this.obstacle!));
      return;
    }
    if (this.#lost > 0) this.#pushGap();
    this.#push(fact, settle);
    this.#schedule(settle === undefined && this.#queue.length < MAX_BATCH ? this.#options.lingerMs : 0);
  }

  #push({ kind, record, payload }: AuditFact, settle: Queued['settle']): void {
    if (this.#queue.length === 0) this.#texts.clear();
    const text = kind === 'call' ? this.#callTexts.textOf(record) : toSafeJson(record);
    this.#queue.push({ kind, record: this.#texts.put(text), payload, settle });
    this.#queuedBytes += payload?.length ?? 0;
  }

  #lose(): void {
    const { logger, clock, chain } = this.#options;
    this.#lostInAll++;
    if (this.#lost++ > 0) return;
    this.#lostSinceMs = clock.now();
    logger.error('audit records are lost from here on', { chain, reason: this.obstacle });
  }

  // The chain itself says what is missing in it, at the place where it is missing.
  #pushGap(): void {
    const { clock, logger, chain } = this.#options;
    const count = this.#lost;
    this.#lost = 0;
    const record = createGap(count, { atMs: clock.now(), sinceMs: this.#lostSinceMs });
    this.#push({ kind: 'change', record, payload: undefined }, undefined);
    logger.error('audit records are kept again', { chain, lost: count });
  }

  #schedule(delayMs: number): void {
    if (this.#writing !== undefined || this.#awayReason !== undefined) return;
    if (delayMs === 0) return this.#start();
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#options.clock.after(delayMs, () => {
      this.#isScheduled = false;
      this.#begin();
    });
  }

  #begin(): void {
    if (this.#writing === undefined && (this.#queue.length > 0 || this.#awayReason !== undefined)) this.#start();
  }

  #start(): void {
    this.#writing = this.#run();
  }

  async #run(): Promise<void> {
    // At the end of the turn, so that all that came in it is written together.
    await nextTurn();
    const retryMs = await this.#write();
    this.#writing = undefined;
    if (retryMs > 0) this.#options.clock.after(retryMs, () => this.#begin());
    else if (this.#queue.length > 0) this.#schedule(this.#isUrgent() ? 0 : this.#options.lingerMs);
  }

  #isUrgent(): boolean {
    const { length } = this.#queue;
    return length > 0 && (length >= MAX_BATCH || this.#flushing > 0 || this.#queue.some(({ settle }) => settle !== undefined));
  }

  /** @returns when to try again, in milliseconds; 0 when all is written. */
  async #write(): Promise<number> {
    try {
      this.#head ??= await this.#findHead();
      // What came meanwhile may wait for more to be written with, unless somebody waits for it.
      do await this.#commit();
      while (this.#isUrgent());
      this.#isBack();
      return 0;
    } catch (error) {
      this.#head = undefined;
      // Another process writes the same chain; ours goes on behind what it wrote.
      if (error instanceof GatewayError && error.code === 'STALE') return 1;
      this.#fail(toMessage(error));
      const retryMs = this.#retryMs;
      this.#retryMs = Math.min(2 * retryMs, MAX_RETRY_MS);
      return retryMs;
    }
  }

  async #commit(): Promise<void> {
    if (this.#queue.length === 0) return;
    const { store, chain, clock } = this.#options;
    const { values, puts, head } = await this.#encode();
    const first = this.#head!.sequence + 1;
    this.#unsure = { first, value: values[0]!, count: values.length };
    const stop = clock.after(COMMIT_MS, () => this.#fail(`the store takes more than ${COMMIT_MS / 1000} s`));
    try {
      await store.commit([{ kind: 'append', log: chain, values, ifNext: first }, ...puts]);
    } finally {
      stop();
    }
    this.#head = head;
    this.#committed();
  }

  // What comes while it is at work goes with it, as long as there is room.
  async #encode(): Promise<{ readonly values: Buffer[]; readonly puts: StoreOperation[]; readonly head: ChainHead }> {
    const { chain } = this.#options;
    const values: Buffer[] = [];
    const payloads: PayloadOf[] = [];
    let head = this.#head!;
    let length = 0;
    while (values.length < Math.min(this.#queue.length, MAX_BATCH) && length <= MAX_BATCH_LENGTH) {
      if (values.length > 0) await nextTurn();
      const facts = this.#queue.slice(values.length, values.length + AT_ONCE);
      const memory = Buffer.allocUnsafeSlow(facts.reduce((sum, { record }) => sum + record.end - record.start + ENTRY_BYTES, 0));
      let at = 0;
      for (const fact of facts) {
        const entry = encodeEntry({ chain, previous: head }, fact, { memory, at });
        head = entry.head;
        values.push(memory.subarray(at, entry.end));
        length += entry.end - at + (fact.payload?.length ?? 0);
        at = entry.end;
        if (fact.payload !== undefined) payloads.push({ sequence: head.sequence, payload: fact.payload });
      }
    }
    const puts = payloads.length === 0 ? [] : [putPayloads(chain, payloads)];
    return { values, puts, head };
  }

  #committed(): void {
    const facts = this.#queue.splice(0, this.#unsure!.count);
    this.#unsure = undefined;
    for (const { payload, settle } of facts) {
      this.#queuedBytes -= payload?.length ?? 0;
      settle?.();
    }
    this.#isBack();
  }

  #isBack(): void {
    this.#retryMs = FIRST_RETRY_MS;
    if (this.#awayReason !== undefined) this.#options.logger.warn('the audit can be written again', { chain: this.#options.chain });
    this.#awayReason = undefined;
    if (this.#lost > 0 && !this.#isFull(1)) this.#pushGap();
  }

  // What waits stays in line. Who waits for it does not.
  #fail(reason: string): void {
    const { logger, chain } = this.#options;
    if (this.#awayReason === undefined) logger.error('the audit cannot be written', { chain, reason });
    this.#awayReason = reason;
    const error = this.#unavailable(reason);
    for (const fact of this.#queue) {
      const { settle } = fact;
      fact.settle = undefined;
      settle?.(error);
    }
  }

  #unavailable(reason: string): GatewayError {
    return new GatewayError('AUDIT_UNAVAILABLE', `Cannot keep the record in the audit: ${reason}`);
  }

  async #findHead(): Promise<ChainHead> {
    const { store, chain } = this.#options;
    if (this.#unsure !== undefined) {
      const [found] = await store.read(chain, { from: this.#unsure.first, limit: 1 });
      if (found?.sequence === this.#unsure.first && found.value.equals(this.#unsure.value)) this.#committed();
      this.#unsure = undefined;
    }
    const [newest] = await store.read(chain, { newestFirst: true, limit: 1 });
    if (newest !== undefined) return { sequence: newest.sequence, hash: hashOf(newest.value) };
    return readAnchor(store, chain);
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

/** What the first record that is still there has to follow. */
export async function readAnchor(store: Store, chain: string): Promise<ChainHead> {
  const anchor = await store.get(ANCHORS, chain);
  return anchor === undefined ? CHAIN_BEGIN : (JSON.parse(anchor.value.toString('utf8')) as ChainHead);
}
