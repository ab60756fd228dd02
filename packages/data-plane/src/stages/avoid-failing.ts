import type { AdviceGuard } from '../advice-guard.ts';
import type { Upstream } from '../upstreams/upstream.ts';
import type { TargetedCall } from './call-stages.ts';
import { orderFallbacks, type FallbackOrder } from './order-fallbacks.ts';

export interface AvoidOptions {
  readonly upstream: (name: string) => Upstream | undefined;
  /** Absent where nobody advises. */
  readonly advice: AdviceGuard | undefined;
  readonly random: () => number;
}

/** From this risk on an upstream is held to fail again. */
export const VERY_LIKELY = 0.75;
/** Share of calls that ask it first all the same, so that it is seen to be back and what is learned of it stays true. */
const TRIAL_SHARE = 0.05;
/** Where few call, the first call so long after the last failure or such a call does, too, or later where the breaker waits longer. */
const TRIAL_MS = 30_000;

/**
 * Says in which order the target and its fallbacks are tried while the target's upstream very likely fails again: those that
 * may answer first, then the others. `undefined` to go by the configuration, as always where nothing has failed or nobody advises.
 */
export function avoidFailing(call: TargetedCall, options: AvoidOptions): FallbackOrder | undefined {
  const { target, fallbacks } = call;
  const upstream = options.upstream(target.upstream);
  if (fallbacks.length === 0 || upstream === undefined || !isToFail(upstream, options)) return undefined;
  const open = fallbacks.filter((fallback) => mayAnswer(options.upstream(fallback.upstream), options));
  if (open.length === 0) return undefined;
  const { openMs } = upstream.desired.config.breaker;
  const trialShare = upstream.failureRun.takeTurn(Math.max(TRIAL_MS, openMs)) ? 1 : TRIAL_SHARE;
  const isTrial = trialShare === 1 || options.random() < trialShare;
  const drawn = orderFallbacks(open, options);
  const shares = new Map(drawn.targets.map((each, index) => [each, (1 - trialShare) * drawn.choices[index]!.propensity]));
  shares.set(target, trialShare);
  const closed = fallbacks.filter((fallback) => !open.includes(fallback));
  const targets = isTrial ? [target, ...drawn.targets, ...closed] : [...drawn.targets, target, ...closed];
  const choices = targets.map((each) => {
    const staticPlace = fallbacks.indexOf(each) + 1;
    return { upstream: each.upstream, tool: each.name, staticPlace, propensity: shares.get(each) ?? 0 };
  });
  return { targets, choices };
}

function isToFail({ name, failureRun }: Upstream, { advice }: AvoidOptions): boolean {
  const failures = failureRun.now;
  const ask = failures && advice?.current()?.failureRisk;
  const risk = ask && advice!.ask(() => ask(name, failures));
  return risk !== undefined && risk >= VERY_LIKELY && risk <= 1;
}

function mayAnswer(upstream: Upstream | undefined, options: AvoidOptions): boolean {
  if (upstream === undefined || upstream.breaker.state !== 'closed') return false;
  return (upstream.state === 'ready' || upstream.state === 'degraded') && !isToFail(upstream, options);
}
