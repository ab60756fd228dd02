import {
  toMessage,
  type AnswerCache,
  type Awaitable,
  type ByteSeal,
  type CacheTier,
  type Clock,
  type KeepOptions,
  type KeptAnswer,
  type Logger,
} from '@signalbox/core';
import { AdaptiveCache } from './adaptive-cache.ts';
import { createEntryText, type Compression, type TierEntry } from './entry-text.ts';

export interface Below {
  /** Asked in this order when memory has nothing. */
  readonly tiers: readonly CacheTier[];
  readonly seal: ByteSeal;
  readonly compression: Compression;
  readonly compressFromBytes: number;
}

export interface AnswerCacheOptions<Value> {
  readonly memoryBytes: number;
  /** Opens what is below memory, with the first answer that is looked for or kept. The tiers belong to the cache then. */
  readonly below?: (() => Promise<Below>) | undefined;
  /** About how many bytes `encode` would give. */
  readonly sizeOf: (value: Value) => number;
  readonly encode: (value: Value) => Buffer;
  /** @returns `undefined` for bytes that are no value. */
  readonly decode: (bytes: Buffer) => Value | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface TierReading {
  readonly tier: string;
  readonly entries: number;
  readonly bytes: number;
  readonly maxBytes: number;
  readonly hits: number;
  readonly misses: number;
  /** Times it could not be used, and values in it that were not as they had been written. */
  readonly failures: number;
}

/** A cache in memory above any number of tiers. Whoever creates it closes it. */
export interface TieredCache<Value> extends AnswerCache<Value> {
  read(): Promise<readonly TierReading[]>;
  close(): Promise<void>;
}

const MEMORY = 'memory';
/** How long a tier that failed is passed over, in milliseconds. */
const REST_MS = 1_000;
/** A value of more bytes stays in memory. */
const MAX_BELOW_BYTES = 16 * 1024 * 1024;
/** Memory taken by an entry beside its value and its key. */
const ENTRY_BYTES = 200;

interface Lower {
  readonly tier: CacheTier;
  hits: number;
  misses: number;
  failures: number;
  restsUntilMs: number;
}

/** Creates a cache of answers. What a lower tier has is brought up; what is put in goes to all. */
export function createAnswerCache<Value>(options: AnswerCacheOptions<Value>): TieredCache<Value> {
  return new Tiered(options);
}

class Tiered<Value> implements TieredCache<Value> {
  readonly #options: AnswerCacheOptions<Value>;
  readonly #memory: AdaptiveCache<KeptAnswer<Value>>;
  /** `undefined` until they are open. */
  #lower: readonly Lower[] | undefined;
  #text: ReturnType<typeof createEntryText> | undefined;
  #opening: Promise<void> | undefined;
  #stops: readonly (() => void)[] = [];
  #isClosed = false;
  #hits = 0;
  #misses = 0;

  constructor(options: AnswerCacheOptions<Value>) {
    this.#options = options;
    this.#memory = new AdaptiveCache({ maxBytes: options.memoryBytes });
    if (options.below === undefined) this.#lower = [];
  }

  get(group: string, key: string): Awaitable<KeptAnswer<Value> | undefined> {
    const place = toPlace(group, key);
    const kept = this.#memory.get(place);
    if (kept !== undefined) {
      if (this.#options.clock.monotonic() < kept.staleUntilMs) {
        this.#hits += 1;
        return kept;
      }
      this.#memory.delete(place);
    }
    this.#misses += 1;
    if (this.#lower === undefined) return this.#open().then(() => this.#getBelow(group, key, place));
    return this.#getBelow(group, key, place);
  }

  set(group: string, key: string, value: Value, options: KeepOptions): void {
    const size = this.#options.sizeOf(value);
    const now = this.#options.clock.monotonic();
    this.#keep(toPlace(group, key), value, size, {
      freshUntilMs: now + options.ttlMs,
      staleUntilMs: now + options.ttlMs + options.staleMs,
      tookMs: options.tookMs,
    });
    if (size > MAX_BELOW_BYTES) return;
    if (this.#lower === undefined) void this.#open().then(() => this.#setBelow(group, key, value, options));
    else this.#setBelow(group, key, value, options);
  }

  async clear(group?: string): Promise<void> {
    this.#forget(group);
    await this.#open();
    await Promise.all(this.#lower!.map((lower) => this.#use(lower, () => lower.tier.clear(group), undefined)));
  }

  async read(): Promise<readonly TierReading[]> {
    const { memoryBytes } = this.#options;
    const { size, bytes } = this.#memory;
    const memory = { tier: MEMORY, entries: size, bytes, maxBytes: memoryBytes, hits: this.#hits, misses: this.#misses, failures: 0 };
    const nothing = { entries: 0, bytes: 0, maxBytes: 0 };
    await this.#open();
    const lower = this.#lower!.map(async (each) => {
      const { hits, misses } = each;
      const held = await this.#use(each, () => each.tier.read(), nothing);
      return { tier: each.tier.name, ...held, hits, misses, failures: each.failures };
    });
    return [memory, ...(await Promise.all(lower))];
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#opening;
    for (const stop of this.#stops) stop();
    this.#memory.clear();
    const lower = this.#lower ?? [];
    this.#lower = [];
    await Promise.allSettled(lower.map(async ({ tier }) => tier.close()));
  }

  #open(): Promise<void> {
    return (this.#opening ??= this.#openBelow());
  }

  async #openBelow(): Promise<void> {
    const { below, logger } = this.#options;
    if (this.#lower !== undefined || below === undefined || this.#isClosed) {
      this.#lower ??= [];
      return;
    }
    try {
      const opened = await below();
      this.#text = createEntryText(opened);
      this.#lower = opened.tiers.map((tier) => ({ tier, hits: 0, misses: 0, failures: 0, restsUntilMs: 0 }));
      this.#stops = opened.tiers.flatMap((tier) => tier.watchClears?.((group) => this.#forget(group)) ?? []);
    } catch (error) {
      logger.warn('answers are kept in memory alone', { error: toMessage(error) });
      this.#lower = [];
    }
  }

  #setBelow(group: string, key: string, value: Value, options: KeepOptions): void {
    if (this.#text === undefined) return;
    const entry: TierEntry = { ...options, storedAtMs: this.#options.clock.now(), body: this.#options.encode(value) };
    const bytes = this.#text.write(toPlace(group, key), entry);
    const now = this.#options.clock.monotonic();
    for (const lower of this.#lower ?? [])
      if (now >= lower.restsUntilMs)
        void this.#use(lower, () => lower.tier.set(group, key, bytes, { ttlMs: options.ttlMs + options.staleMs }), undefined);
  }

  // A tier that answers at once is asked without a promise: one costs more than reading a row.
  #getBelow(group: string, key: string, place: string, from = 0): Awaitable<KeptAnswer<Value> | undefined> {
    const lower = this.#lower?.[from];
    if (lower === undefined) return undefined;
    const isResting = this.#options.clock.monotonic() < lower.restsUntilMs;
    const found = isResting ? undefined : this.#use(lower, () => lower.tier.get(group, key), undefined);
    const take = (bytes: Buffer | undefined) => {
      const kept = bytes && this.#bringUp(lower, bytes, { group, key, place });
      if (kept !== undefined) {
        lower.hits += 1;
        return kept;
      }
      if (!isResting) lower.misses += 1;
      return this.#getBelow(group, key, place, from + 1);
    };
    return found instanceof Promise ? found.then(take) : take(found);
  }

  #bringUp(
    lower: Lower,
    bytes: Buffer,
    { group, key, place }: { readonly group: string; readonly key: string; readonly place: string },
  ): KeptAnswer<Value> | undefined {
    const { clock, decode } = this.#options;
    const entry = this.#readEntry(place, bytes);
    const value = entry && decode(entry.body);
    if (value === undefined) {
      lower.failures += 1;
      void this.#use(lower, () => lower.tier.delete(group, key), undefined);
      return undefined;
    }
    // One from the future was written before the clock was put back, so its age is anyone's guess.
    const ageMs = clock.now() - entry!.storedAtMs;
    const { ttlMs, staleMs, tookMs } = entry!;
    if (ageMs < 0 || ageMs >= ttlMs + staleMs) return undefined;
    const bornMs = clock.monotonic() - ageMs;
    const times = { freshUntilMs: bornMs + ttlMs, staleUntilMs: bornMs + ttlMs + staleMs, tookMs };
    return { ...this.#keep(place, value, entry!.body.length, times), tier: lower.tier.name };
  }

  #readEntry(place: string, bytes: Buffer): TierEntry | undefined {
    try {
      return this.#text!.read(place, bytes);
    } catch {
      // Sealed by us and yet not readable: of another version of the compression.
      return undefined;
    }
  }

  #keep(place: string, value: Value, bytes: number, times: Omit<KeptAnswer<Value>, 'value' | 'tier'>): KeptAnswer<Value> {
    const kept = { value, ...times, tier: MEMORY };
    this.#memory.set(place, kept, bytes + 2 * place.length + ENTRY_BYTES);
    return kept;
  }

  #forget(group: string | undefined): void {
    this.#memory.clear(group === undefined ? '' : toPlace(group, ''));
  }

  #use<Result>(lower: Lower, run: () => Awaitable<Result>, otherwise: Result): Awaitable<Result> {
    try {
      const result = run();
      return result instanceof Promise ? result.catch((error: unknown) => this.#failed(lower, error, otherwise)) : result;
    } catch (error) {
      return this.#failed(lower, error, otherwise);
    }
  }

  #failed<Result>(lower: Lower, error: unknown, otherwise: Result): Result {
    const { clock, logger } = this.#options;
    lower.failures += 1;
    const now = clock.monotonic();
    if (now >= lower.restsUntilMs)
      logger.warn('a tier of the cache failed and is passed over', { tier: lower.tier.name, error: toMessage(error) });
    lower.restsUntilMs = now + REST_MS;
    return otherwise;
  }
}

// A name of an upstream holds no line end, so no group is the beginning of another.
function toPlace(group: string, key: string): string {
  return `${group}\n${key}`;
}
