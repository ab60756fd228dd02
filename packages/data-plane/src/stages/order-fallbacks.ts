import type { AdvisedFallback, FallbackChoice, Target } from '@signalbox/core';
import type { AdviceGuard } from '../advice-guard.ts';

export interface OrderOptions {
  /** Absent where nobody advises. */
  readonly advice: AdviceGuard | undefined;
  readonly random: () => number;
}

export interface FallbackOrder {
  readonly targets: readonly Target[];
  /** The same, for the record. */
  readonly choices: readonly FallbackChoice[];
}

/** Share of turns to fallbacks that keep the configured order whatever is advised, so that it can always be seen how that would do. */
const STATIC_SHARE = 0.1;

/** Says in which order fallbacks are tried: as they are configured, or as is advised. Each is tried in the end, whatever advice says. */
export function orderFallbacks(fallbacks: readonly Target[], { advice, random }: OrderOptions): FallbackOrder {
  const ask = fallbacks.length > 1 ? advice?.current()?.fallbacks : undefined;
  const advised = ask && advice!.ask(() => readAdvice(fallbacks, ask(fallbacks.map(({ upstream, name }) => ({ upstream, tool: name })))));
  const isStatic = advised === undefined || random() < STATIC_SHARE;
  const order = isStatic ? fallbacks.map((_, place) => place) : drawFirst(advised, random());
  const shareOf = (place: number): number => advised?.find((each) => each.place === place)?.share ?? 0;
  const staticShare = advised === undefined ? 1 : STATIC_SHARE;
  return {
    targets: order.map((place) => fallbacks[place]!),
    choices: order.map((place) => {
      const { upstream, name } = fallbacks[place]!;
      const propensity = (place === 0 ? staticShare : 0) + (1 - staticShare) * shareOf(place);
      return { upstream, tool: name, staticPlace: place + 1, propensity };
    }),
  };
}

interface AdvisedPlace {
  readonly place: number;
  readonly share: number;
}

/** @returns each fallback once, best first, with shares that make one; `undefined` for advice that is about others or makes no sense. */
function readAdvice(fallbacks: readonly Target[], advised: readonly AdvisedFallback[] | undefined): readonly AdvisedPlace[] | undefined {
  if (advised === undefined) return undefined;
  const places = advised.map(({ upstream, tool }) => fallbacks.findIndex((each) => each.upstream === upstream && each.name === tool));
  const isComplete = places.length === fallbacks.length && new Set(places).size === places.length && !places.includes(-1);
  const sum = advised.reduce((total, { share }) => total + (share >= 0 ? share : Number.NaN), 0);
  if (!isComplete || !(sum > 0) || !Number.isFinite(sum)) return undefined;
  return advised.map(({ share }, index) => ({ place: places[index]!, share: share / sum }));
}

/** The one that is drawn, and then the others as they were advised. */
function drawFirst(advised: readonly AdvisedPlace[], draw: number): readonly number[] {
  let rest = draw;
  const first = advised.find(({ share }) => (rest -= share) < 0) ?? advised.findLast(({ share }) => share > 0)!;
  return [first.place, ...advised.filter((each) => each !== first).map(({ place }) => place)];
}
