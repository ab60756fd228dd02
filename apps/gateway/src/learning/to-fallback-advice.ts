import type { Advice, AdvisedFallback, CalledTool } from '@signalbox/core';
import { orderArms, toolKey, type ArmCounts, type OrderedArm } from '@signalbox/learning';

/** Attempts of the fallback that is configured first, before there is anything to weigh others against. */
const ENOUGH_ATTEMPTS = 10;
const NOTHING: ArmCounts = { calls: 0, failed: 0 };

/** Orders fallbacks by how they have fared of late. The same is drawn once for each choice between them. */
export function toFallbackAdvice(arms: ReadonlyMap<string, ArmCounts>): NonNullable<Advice['fallbacks']> {
  const known = new Map<string, readonly AdvisedFallback[] | undefined>();
  return (fallbacks) => {
    const key = fallbacks.map(toolKey).join('\0');
    if (!known.has(key))
      known.set(
        key,
        weighFallbacks(fallbacks, arms)?.map(({ place, share }) => ({ ...fallbacks[place]!, share })),
      );
    return known.get(key);
  };
}

/** @returns `undefined` while too little is known for another order than the configured one. */
export function weighFallbacks(fallbacks: readonly CalledTool[], arms: ReadonlyMap<string, ArmCounts>): readonly OrderedArm[] | undefined {
  const counts = fallbacks.map((fallback) => arms.get(toolKey(fallback)) ?? NOTHING);
  return counts.length > 1 && counts[0]!.calls >= ENOUGH_ATTEMPTS ? orderArms(counts) : undefined;
}
