import type { Clock, Journal, SimilarAdvice, SimilarJudgement } from '@signalbox/core';
import type { AdviceGuard } from '../advice-guard.ts';
import type { TargetedCall } from './call-stages.ts';

/** What answering calls with the results of similar ones was good for, since the start. */
export interface SimilarCounts {
  /** Calls that were answered so. */
  hits: number;
  /** Calls that would have been, and were made to see whether it would have been right. */
  checked: number;
  /** Among these, those for which it would have been wrong. */
  wrong: number;
  /** All comparisons: those that were checked, and those of which too little was known. */
  compared: number;
  /** Of all hits, the greatest bound on the share of wrong ones that they were given with. */
  bound: number;
}

export interface SimilarCallsOptions {
  readonly advice: AdviceGuard;
  readonly journal: Journal;
  readonly counts: SimilarCounts;
  readonly clock: Clock;
  readonly random: () => number;
}

/** A call that was looked for among similar ones. */
export interface AskedCall {
  readonly place: string;
  readonly args: unknown;
  /** The call whose answer might do; absent when there is none. */
  readonly nearest: SimilarCall | undefined;
}

export interface SimilarCall {
  /** Of its answer in the cache. */
  readonly key: string;
  readonly judgement: SimilarJudgement;
  /** Whether the bound allows its answer to be given. */
  readonly isAllowed: boolean;
  /** Whether it is: not where it is this call's turn to be checked. */
  readonly isGiven: boolean;
}

interface KnownCall {
  readonly key: string;
  readonly args: unknown;
  /** On the monotonic clock. */
  readonly keptAtMs: number;
}

/** Arguments of more bytes are not compared. */
const MAX_ARGUMENTS_BYTES = 2_048;
/** Calls that are known, and of these with one key. */
const MAX_KNOWN = 4_096;
const MAX_EACH = 2;
/** Whatever advice says, at least this share is checked. */
const LEAST_CHECKED = 0.01;
/** How long nothing is given for a tool after it would have been wrong, so that what was learned of it can arrive. */
const PAUSE_MS = 10_000;
const MAX_WRONG_TOOLS = 1_000;

const NOTHING = {};

/** Finds calls whose answers are in the cache and may do for another one. Arguments are kept here only, and bounded. */
export class SimilarCalls {
  readonly #options: SimilarCallsOptions;
  /** The newest first; places that were used longest ago stand first. */
  readonly #known = new Map<string, readonly KnownCall[]>();
  /** When it was last seen that an answer would have been wrong, by upstream and tool. */
  readonly #wrongAtMs = new Map<string, number>();
  #size = 0;

  constructor(options: SimilarCallsOptions) {
    this.#options = options;
  }

  /**
   * @param options.scope All that an answer depends on beside the arguments.
   * @returns `undefined` where nobody advises, or nobody can.
   */
  look(call: TargetedCall, { scope, maxWrong }: { readonly scope: string; readonly maxWrong: number }): AskedCall | undefined {
    const { advice } = this.#options;
    const similar = advice.current()?.similar;
    const given = call.params.get('arguments');
    if (similar === undefined || (given !== undefined && given.byteLength > MAX_ARGUMENTS_BYTES)) return undefined;
    const args = given?.value ?? NOTHING;
    return advice.ask(() => {
      const place = `${scope}\n${similar.keyOf(args)}`;
      return { place, args, nearest: this.#nearest(call, similar, { place, args, maxWrong }) };
    });
  }

  /** Keeps a call whose answer is in the cache now. */
  keep({ place, args }: AskedCall, key: string): void {
    const before = this.#known.get(place) ?? [];
    const now = [{ key, args, keptAtMs: this.#options.clock.monotonic() }, ...before.filter((known) => known.key !== key)].slice(
      0,
      MAX_EACH,
    );
    // Behind all others.
    this.#known.delete(place);
    this.#known.set(place, now);
    this.#size += now.length - before.length;
    for (const [oldest, known] of this.#known) {
      if (this.#size <= MAX_KNOWN) break;
      this.#known.delete(oldest);
      this.#size -= known.length;
    }
  }

  /** Forgets a call whose answer is no longer in the cache. */
  drop(place: string, key: string): void {
    const before = this.#known.get(place) ?? [];
    const now = before.filter((known) => known.key !== key);
    if (now.length === 0) this.#known.delete(place);
    else this.#known.set(place, now);
    this.#size += now.length - before.length;
  }

  /** Tells what came of a call that was made although a similar one had its answer. */
  compare(call: TargetedCall, { judgement, isAllowed }: SimilarCall, isSame: boolean): void {
    const { journal, counts, clock } = this.#options;
    const { upstream, name: tool } = call.target;
    counts.compared += 1;
    if (isAllowed) counts.checked += 1;
    if (isAllowed && !isSame) {
      counts.wrong += 1;
      this.#distrust(`${upstream}\n${tool}`);
    }
    journal.compare?.({
      principal: call.principal,
      client: call.client.info?.name,
      session: call.session?.id,
      atMs: clock.now(),
      upstream,
      tool,
      edit: judgement.edit,
      detail: judgement.detail,
      isSame,
    });
  }

  /** The newest that may be given, or else the newest that can be learned from. */
  #nearest(
    { target }: TargetedCall,
    similar: SimilarAdvice,
    { place, args, maxWrong }: { readonly place: string; readonly args: unknown; readonly maxWrong: number },
  ): SimilarCall | undefined {
    const { upstream, name: tool, definition } = target;
    const wrongAtMs = this.#wrongAtMs.get(`${upstream}\n${tool}`) ?? -Infinity;
    let nearest: SimilarCall | undefined;
    for (const known of this.#known.get(place) ?? []) {
      // What was wrong may have been right once, and so may all that is as old.
      if (known.keptAtMs <= wrongAtMs) continue;
      const pair = { upstream, tool, inputSchema: definition?.inputSchema, asked: args, known: known.args, maxWrong };
      const judgement = similar.judge(pair);
      if (judgement === undefined) continue;
      const isAllowed = judgement.isServed && judgement.wrongBound <= maxWrong;
      if (!isAllowed) nearest ??= { key: known.key, judgement, isAllowed, isGiven: false };
      else return { key: known.key, judgement, isAllowed, isGiven: this.#isGiven(judgement, wrongAtMs) };
    }
    return nearest;
  }

  #isGiven({ checkShare }: SimilarJudgement, wrongAtMs: number): boolean {
    const { clock, random } = this.#options;
    if (clock.monotonic() < wrongAtMs + PAUSE_MS) return false;
    return random() >= Math.max(LEAST_CHECKED, checkShare);
  }

  #distrust(tool: string): void {
    this.#wrongAtMs.delete(tool);
    this.#wrongAtMs.set(tool, this.#options.clock.monotonic());
    if (this.#wrongAtMs.size > MAX_WRONG_TOOLS) this.#wrongAtMs.delete(this.#wrongAtMs.keys().next().value!);
  }
}
