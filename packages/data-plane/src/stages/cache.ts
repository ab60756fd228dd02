import {
  Cancellation,
  RawJson,
  sinkAbove,
  toOutcome,
  type Answer,
  type AnswerCache,
  type Awaitable,
  type Clock,
  type Journal,
  type KeptAnswer,
  type Next,
  type ResultOutcome,
  type Stage,
  type UpstreamConfig,
} from '@signalbox/core';
import { withParams } from '@signalbox/protocol';
import type { AdviceGuard } from '../advice-guard.ts';
import { answerKey, answerScope, configIdentity, isPlain } from '../answers/answer-key.ts';
import { cacheableTools, isCacheable, isWriting } from '../answers/cacheable-tools.ts';
import type { Upstream } from '../upstreams/upstream.ts';
import type { ObservedCall, SurfaceCall, TargetedCall, TargetedStage } from './call-stages.ts';
import { Flight } from './flight.ts';
import { SimilarCalls, type AskedCall, type SimilarCounts } from './similar-calls.ts';

/** What the cache was good for, since the start. */
export interface AnswerCounts {
  hits: number;
  /** Among the hits, those given while a new answer was fetched. */
  staleHits: number;
  misses: number;
  /** Among the misses, those that waited for an answer somebody else had asked for. */
  joined: number;
  /** Time that callers did not wait, by what the same answers took when they were fetched. */
  savedMs: number;
  /** Among hits and misses, those of tools that are answered so. */
  readonly similar: SimilarCounts;
  readonly ahead: AheadCounts;
}

/** Calls that nobody had asked for. */
export interface AheadCounts {
  made: number;
  /** Among them, those that somebody asked for then. */
  used: number;
}

export interface CacheStageOptions {
  readonly answers: AnswerCache<ResultOutcome>;
  readonly counts: AnswerCounts;
  readonly upstream: (name: string) => Upstream | undefined;
  /** Records a call that is made behind another one's back. */
  readonly observe: Stage<SurfaceCall, ObservedCall>;
  /** Tells apart configurations by what they refer to as well. Default: by what they say. */
  readonly identityOf?: ((config: UpstreamConfig) => string) | undefined;
  /** Tells which calls are similar; absent where nobody advises. */
  readonly advice: AdviceGuard | undefined;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly random: () => number;
}

/** Longest time a server's own hint is believed, in milliseconds. */
const MAX_HINT_MS = 300_000;
/** Results of more bytes are not searched for a hint, so they need not be seen whole. */
const MAX_HINTED_BYTES = 1_048_576;

/** The owner of answers that are the same for everyone. */
const EVERYONE = '';
/** Stands in records for the tier of an answer that was given to a similar call. */
const SIMILAR = 'similar';

/**
 * Answers again what may be answered again: where the operator said that a tool's answers depend on its arguments alone,
 * or the server said how long a resource stays the same. Whoever asks meanwhile waits for the same answer. Errors and
 * unfinished answers are never kept. Where the operator wants it, a fresh answer is given to a similar call as well, as far
 * as advice holds that for right; calls are made all the same now and then, to see whether it is.
 */
export function cacheOutcomes(options: CacheStageOptions): TargetedStage {
  const stage = new CacheStage(options);
  return (call, next) => {
    const upstream = options.upstream(call.target.upstream);
    if (upstream === undefined || call.isNotification || !isPlain(call)) return next(call);
    if (call.method === 'resources/read') return stage.read(call, upstream, next);
    return call.method === 'tools/call' && isCacheable(call.target, upstream) ? stage.call(call, upstream, next) : next(call);
  };
}

class CacheStage {
  readonly #options: CacheStageOptions;
  readonly #similar: SimilarCalls | undefined;
  readonly #flights = new Map<string, Flight>();
  readonly #identities = new WeakMap<UpstreamConfig, string>();
  /** Upstreams that have said of a resource that it stays the same for a while. */
  readonly #hinting = new Set<string>();

  constructor(options: CacheStageOptions) {
    const { advice, counts } = options;
    this.#options = options;
    this.#similar = advice && new SimilarCalls({ ...options, advice, counts: counts.similar });
  }

  call(call: TargetedCall, upstream: Upstream, next: Next<TargetedCall>): Awaitable<Answer> {
    const { scope } = upstream.desired.config.cache!;
    const owner = scope === 'shared' ? EVERYONE : call.principal;
    const key = answerKey(call, upstream, { owner, identity: this.#identityOf(upstream) });
    const decide = (kept: KeptAnswer<ResultOutcome> | undefined): Awaitable<Answer> => {
      if (call.isAhead) return kept === undefined ? this.#fly(call, { upstream, key, next }) : kept.value;
      if (kept === undefined) return this.#miss(call, { upstream, key, next });
      if (this.#options.clock.monotonic() >= kept.freshUntilMs) {
        this.#options.counts.staleHits += 1;
        this.#refresh(call, { upstream, key, next });
      }
      return this.#hit(call, kept);
    };
    const kept = this.#options.answers.get(upstream.name, key);
    return kept instanceof Promise ? kept.then(decide) : decide(kept);
  }

  read(call: TargetedCall, upstream: Upstream, next: Next<TargetedCall>): Awaitable<Answer> {
    const { answers, counts, clock } = this.#options;
    const key = answerKey(call, upstream, { owner: EVERYONE, identity: this.#identityOf(upstream) });
    const start = clock.monotonic();
    const keep = (answer: Answer): Answer => {
      const ttlMs = hintOf(answer);
      if (ttlMs <= 0 || call.trace.upstream !== upstream.name) return answer;
      this.#hinting.add(upstream.name);
      answers.set(upstream.name, key, answer as ResultOutcome, { ttlMs, staleMs: 0, tookMs: clock.monotonic() - start });
      return answer;
    };
    const fetch = (): Awaitable<Answer> => {
      const answer = next(withSinkAbove(MAX_HINTED_BYTES, call));
      return answer instanceof Promise ? answer.then(keep) : keep(answer);
    };
    if (!this.#hinting.has(upstream.name)) return fetch();
    const find = async (): Promise<Answer> => {
      const kept = await answers.get(upstream.name, key);
      if (kept !== undefined && clock.monotonic() < kept.freshUntilMs) return this.#hit(call, kept);
      counts.misses += 1;
      return fetch();
    };
    return find();
  }

  #miss(call: TargetedCall, missing: Missing): Awaitable<Answer> {
    const asked = this.#look(call, missing.upstream);
    const nearest = asked?.nearest;
    if (asked === undefined || nearest === undefined) return this.#fly(call, { ...missing, asked });
    const { answers, clock, counts } = this.#options;
    const decide = (kept: KeptAnswer<ResultOutcome> | undefined): Awaitable<Answer> => {
      if (kept === undefined || clock.monotonic() >= kept.freshUntilMs) {
        this.#similar!.drop(asked.place, nearest.key);
        return this.#fly(call, { ...missing, asked });
      }
      if (!nearest.isGiven) return this.#fly(call, { ...missing, asked, beside: kept.value });
      counts.similar.hits += 1;
      counts.similar.bound = Math.max(counts.similar.bound, nearest.judgement.wrongBound);
      return this.#hit(call, { ...kept, tier: SIMILAR });
    };
    const kept = answers.get(missing.upstream.name, nearest.key);
    return kept instanceof Promise ? kept.then(decide) : decide(kept);
  }

  // Each principal has its own, whoever else is given the same answers again.
  #look(call: TargetedCall, upstream: Upstream): AskedCall | undefined {
    const config = upstream.desired.config.cache;
    if (config?.similar === undefined || this.#similar === undefined || isWriting(call.target)) return undefined;
    if (!cacheableTools(config).similar!(call.target.name)) return undefined;
    const scope = answerScope(call, upstream, { owner: call.principal, identity: this.#identityOf(upstream) });
    return this.#similar.look(call, { scope, maxWrong: config.similar.maxWrong });
  }

  #hit(call: TargetedCall, kept: KeptAnswer<ResultOutcome>): ResultOutcome {
    const { counts } = this.#options;
    counts.hits += 1;
    counts.savedMs += kept.tookMs;
    call.trace.isCached = true;
    call.trace.cacheTier = kept.tier;
    return kept.value;
  }

  async #fly(call: TargetedCall, missing: Missing): Promise<Answer> {
    const { key } = missing;
    const { counts } = this.#options;
    if (!call.isAhead) counts.misses += 1;
    const running = this.#flights.get(key);
    if (running !== undefined) {
      if (!call.isAhead) counts.joined += 1;
      const outcome = await running.join(call);
      call.trace.isCached = true;
      return outcome;
    }
    const flight = this.#open(call, key);
    const outcome = flight.join(call);
    void this.#run(flight, missing);
    return outcome;
  }

  // A call of its own, in nobody's name but its caller's, that nobody waits for. It is recorded as any other.
  #refresh(call: TargetedCall, { upstream, key, next }: Missing): void {
    if (this.#flights.has(key)) return;
    const { clock, observe } = this.#options;
    const alone = {
      ...call,
      id: `${call.id}-again`,
      cancellation: new Cancellation(),
      emit: undefined,
      ask: undefined,
      sink: undefined,
      wantsProgress: false,
      priority: 'batch',
      isAhead: true,
      deadlineMs: clock.monotonic() + upstream.desired.config.timeouts.callMs,
    } satisfies TargetedCall;
    const named = { ...alone, params: withParams(call.params, { name: RawJson.fromValue(call.trace.name ?? call.target.name) }) };
    const answer = observe(named, ({ trace }) => {
      trace.upstream = call.target.upstream;
      trace.name = call.trace.name;
      const flight = this.#open({ ...alone, trace }, key);
      return this.#run(flight, { upstream, key, next }, true);
    });
    // Its failure is recorded, and the answer there is goes on to be given while it may.
    if (answer instanceof Promise) answer.catch(() => undefined);
  }

  #open(call: TargetedCall, key: string): Flight {
    const { clock } = this.#options;
    const flight: Flight = new Flight(
      { ...call, sink: undefined },
      { round: '', isRepeatable: true, clock, onAbandoned: () => this.#close(flight, key) },
    );
    this.#flights.set(key, flight);
    return flight;
  }

  async #run(flight: Flight, { upstream, key, next, asked, beside }: Missing, isOwn = false): Promise<Answer> {
    const { answers, clock } = this.#options;
    const { call } = flight;
    const start = clock.monotonic();
    try {
      const outcome = toOutcome(await next(call));
      const { cache } = upstream.desired.config;
      const isKept = outcome.kind === 'result' && !outcome.isError && outcome.resultType === 'complete';
      // What another upstream answered in its place is not its answer.
      const isOfUpstream = call.trace.upstream === upstream.name;
      if (isKept && cache !== undefined && isOfUpstream)
        answers.set(upstream.name, key, outcome, { ttlMs: cache.ttlMs, staleMs: cache.staleMs, tookMs: clock.monotonic() - start });
      this.#close(flight, key);
      flight.succeed(outcome);
      if (asked !== undefined && isOfUpstream) {
        if (beside !== undefined) this.#similar!.compare(call, asked.nearest!, isKept && isSameResult(outcome, beside));
        if (isKept) this.#similar!.keep(asked, key);
      }
      return outcome;
    } catch (error) {
      this.#close(flight, key);
      flight.fail(error);
      if (isOwn) throw error;
      return NOBODY;
    }
  }

  #close(flight: Flight, key: string): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key);
  }

  #identityOf({ desired: { config } }: Upstream): string {
    let identity = this.#identities.get(config);
    if (identity === undefined) this.#identities.set(config, (identity = (this.#options.identityOf ?? configIdentity)(config)));
    return identity;
  }
}

interface Missing {
  readonly upstream: Upstream;
  readonly key: string;
  readonly next: Next<TargetedCall>;
  /** As it was looked for among similar calls; absent where that is not done. */
  readonly asked?: AskedCall | undefined;
  /** What would have been its answer otherwise. */
  readonly beside?: ResultOutcome;
}

/** To the byte: what differs in nothing but the order of members or a time counts for different, which is the safe mistake. */
function isSameResult(one: ResultOutcome, other: ResultOutcome): boolean {
  return one.result.bytes.equals(other.result.bytes);
}

/** Stands for the answer of a flight whose passengers have been told otherwise. */
const NOBODY: Answer = { kind: 'error', error: { code: 0, message: '' } };

function withSinkAbove(bytes: number, call: TargetedCall): TargetedCall {
  return call.sink === undefined ? call : { ...call, sink: sinkAbove(bytes, call.sink) };
}

// What is the same only for some is not kept: whose it is, the server knows by more than we do.
function hintOf(answer: Answer): number {
  if (answer.kind !== 'result' || answer.isError || answer.resultType !== 'complete') return 0;
  if (answer.result.byteLength > MAX_HINTED_BYTES) return 0;
  const { cacheScope, ttlMs } = answer.result.object ?? {};
  return cacheScope === 'public' && typeof ttlMs === 'number' && ttlMs > 0 ? Math.min(ttlMs, MAX_HINT_MS) : 0;
}
