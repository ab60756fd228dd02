import { GatewayError, type Advice, type Clock, type LearningConfig, type Restraint } from '@signalbox/core';
import type { AdviceGuard } from '../advice-guard.ts';
import { isBuiltIn } from '../upstreams/built-in.ts';
import type { TargetedCall, TargetedStage } from './call-stages.ts';

export interface RestrainOptions {
  readonly advice: AdviceGuard | undefined;
  readonly throttle: LearningConfig['anomalies']['throttle'];
  readonly clock: Clock;
}

const MINUTE_MS = 60_000;
/** What a call that may change something counts for. */
const WRITE_COST = 3;

/**
 * Holds back who does what is abnormal: its calls are let through one at a time, and those between are refused with the time to wait.
 * Advice says whom, the configuration how far, so that the worst advice can do is to slow down.
 */
export function restrain({ advice, throttle, clock }: RestrainOptions): TargetedStage {
  if (advice === undefined) return (call, next) => next(call);
  const intervalMs = MINUTE_MS / throttle.callsPerMinute;
  /** When the next call may pass, on the monotonic clock; it goes with its restraint. */
  const nextMs = new WeakMap<Restraint, number>();

  /** @returns the refusal of a call that comes too soon; one that does not is counted. */
  const take = (ask: NonNullable<Advice['restraints']>, call: TargetedCall): GatewayError | undefined => {
    const { principal, target } = call;
    const restraints = ask({ principal, upstream: target.upstream, tool: target.name });
    if (restraints.length === 0) return undefined;
    const now = clock.monotonic();
    let hold: Hold | undefined;
    for (const restraint of restraints) {
      const waitMs = (nextMs.get(restraint) ?? now) - now;
      if (waitMs > (hold?.waitMs ?? 0)) hold = { restraint, waitMs };
    }
    if (hold !== undefined) return toRefusal(call, hold, throttle);
    const cost = target.definition?.annotations?.readOnlyHint === true ? 1 : WRITE_COST;
    for (const restraint of restraints) nextMs.set(restraint, now + cost * intervalMs);
    return undefined;
  };

  return (call, next) => {
    const ask = advice.current()?.restraints;
    if (ask === undefined || call.method !== 'tools/call' || isBuiltIn(call.target.upstream)) return next(call);
    const refusal = advice.ask(() => take(ask, call));
    if (refusal !== undefined) throw refusal;
    return next(call);
  };
}

interface Hold {
  readonly restraint: Restraint;
  readonly waitMs: number;
}

function toRefusal(
  { target, trace }: TargetedCall,
  { restraint, waitMs }: Hold,
  { callsPerMinute }: RestrainOptions['throttle'],
): GatewayError {
  const retryAfterSeconds = Math.max(1, Math.ceil(waitMs / 1000));
  const until = new Date(restraint.endsAtMs).toISOString();
  const what = restraint.isOfAll ? 'in all' : 'of this tool';
  return new GatewayError(
    'RESTRAINED',
    `Cannot call "${trace.name ?? target.name}" now: because of calls that are abnormal for this caller (anomaly "${restraint.id}") it is held to ${callsPerMinute} a minute ${what} until ${until}; try again in ${retryAfterSeconds} s`,
    { data: { retryAfterSeconds, anomaly: restraint.id, until, sent: false } },
  );
}
