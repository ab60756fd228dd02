/** What a cache with one of the tried times to live would have done with a repeated call. */
export interface PlayedHit {
  readonly lifetime: number;
  /** Whether it is the entry's first. */
  readonly isFirstHit: boolean;
  readonly isStale: boolean;
}

export interface SeenResult {
  readonly callKey: string;
  readonly resultKey: string;
  readonly atMs: number;
  /** Whether a write would have dropped an entry of that time. */
  readonly isDropped: (thenMs: number) => boolean;
}

interface Kept {
  latestAtMs: number;
  latest: string;
  readonly atMs: number[];
  readonly result: string[];
  readonly wasHit: boolean[];
}

/** The latest results of calls, and for each time to live the result that a cache would still hold. Forgets what was used longest ago. */
export function createKeptResults({ lifetimes, maxKept }: { readonly lifetimes: readonly number[]; readonly maxKept: number }): {
  readonly latest: (callKey: string) => { readonly atMs: number; readonly resultKey: string } | undefined;
  /** Plays the call on every cache, and keeps its result. */
  readonly see: (seen: SeenResult) => readonly PlayedHit[];
  readonly clear: () => void;
} {
  const byKey = new Map<string, Kept>();

  const see = ({ callKey, resultKey, atMs, isDropped }: SeenResult): readonly PlayedHit[] => {
    const known = byKey.get(callKey);
    if (known !== undefined) byKey.delete(callKey);
    else if (byKey.size >= maxKept) byKey.delete(byKey.keys().next().value!);
    const kept = known ?? {
      latestAtMs: atMs,
      latest: resultKey,
      atMs: lifetimes.map(() => atMs),
      result: lifetimes.map(() => resultKey),
      wasHit: lifetimes.map(() => false),
    };
    byKey.set(callKey, kept);
    if (known === undefined) return [];
    kept.latestAtMs = atMs;
    kept.latest = resultKey;
    const played: PlayedHit[] = [];
    const dropped = new Map<number, boolean>();
    for (const [lifetime, ttlMs] of lifetimes.entries()) {
      const thenMs = kept.atMs[lifetime]!;
      let isGone = atMs < thenMs || atMs - thenMs >= ttlMs || dropped.get(thenMs);
      if (isGone === undefined) dropped.set(thenMs, (isGone = isDropped(thenMs)));
      if (isGone) {
        kept.atMs[lifetime] = atMs;
        kept.result[lifetime] = resultKey;
        kept.wasHit[lifetime] = false;
      } else {
        played.push({ lifetime, isFirstHit: !kept.wasHit[lifetime], isStale: kept.result[lifetime] !== resultKey });
        kept.wasHit[lifetime] = true;
      }
    }
    return played;
  };

  return {
    latest: (callKey) => {
      const kept = byKey.get(callKey);
      return kept === undefined ? undefined : { atMs: kept.latestAtMs, resultKey: kept.latest };
    },
    see,
    clear: () => byKey.clear(),
  };
}
