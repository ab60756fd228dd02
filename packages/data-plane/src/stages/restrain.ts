import {
  GatewayError,
  type Advice,
  type Answer,
  type Awaitable,
  type Clock,
  type LearningConfig,
  type Logger,
  type Next,
  type Restraint,
} from '@signalbox/core';
import type { AdviceGuard } from '../advice-guard.ts';
import { isBuiltIn } from '../upstreams/built-in.ts';
import { askPerson, hasPerson } from './ask-person.ts';
import type { TargetedCall, TargetedStage } from './call-stages.ts';
import { Consents } from './consents.ts';

export interface RestrainOptions {
  readonly advice: AdviceGuard | undefined;
  readonly anomalies: Pick<LearningConfig['anomalies'], 'action' | 'throttle'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

const MINUTE_MS = 60_000;
/** What a call that may change something counts for. */
const WRITE_COST = 3;
/** When to look again whether a person has answered. */
const ASKING_SECONDS = 10;

/**
 * Holds back who does what is abnormal: its calls are let through one at a time, and those between are refused with the time to wait; or
 * where that is configured, the person at the client is asked whether they may be made. Advice says whom, the configuration how far, so
 * that the worst advice can do is to slow down.
 */
export function restrain(options: RestrainOptions): TargetedStage {
  const { advice } = options;
  if (advice === undefined) return (call, next) => next(call);
  const stage = new RestrainStage(options);
  return (call, next) => {
    const ask = advice.current()?.restraints;
    if (ask === undefined || call.method !== 'tools/call' || isBuiltIn(call.target.upstream)) return next(call);
    return stage.pass(call, next, restraintsOf(advice, ask, call));
  };
}

function restraintsOf(
  advice: AdviceGuard,
  ask: NonNullable<Advice['restraints']>,
  { principal, target }: TargetedCall,
): readonly Restraint[] {
  return advice.ask(() => ask({ principal, upstream: target.upstream, tool: target.name }).filter(isSensible)) ?? NONE;
}

const NONE: readonly Restraint[] = [];

class RestrainStage {
  readonly #options: RestrainOptions;
  readonly #consents = new Consents();
  /** When the next call may pass, on the monotonic clock; it goes with its restraint. */
  readonly #nextMs = new WeakMap<Restraint, number>();

  constructor(options: RestrainOptions) {
    this.#options = options;
  }

  pass(call: TargetedCall, next: Next<TargetedCall>, restraints: readonly Restraint[]): Awaitable<Answer> {
    if (restraints.length === 0) return next(call);
    const asks = this.#options.anomalies.action === 'ask' && hasPerson(call);
    return asks ? this.#passAllowed(call, next, restraints) : this.#passSlowly(call, next, restraints);
  }

  #passSlowly(call: TargetedCall, next: Next<TargetedCall>, restraints: readonly Restraint[]): Awaitable<Answer> {
    const { clock, anomalies } = this.#options;
    const now = clock.monotonic();
    let hold: { readonly restraint: Restraint; readonly waitMs: number } | undefined;
    for (const restraint of restraints) {
      const waitMs = (this.#nextMs.get(restraint) ?? now) - now;
      if (waitMs > (hold?.waitMs ?? 0)) hold = { restraint, waitMs };
    }
    const { callsPerMinute } = anomalies.throttle;
    if (hold !== undefined) {
      const { restraint, waitMs } = hold;
      const what = restraint.isOfAll ? 'in all' : 'of this tool';
      const seconds = Math.max(1, Math.ceil(waitMs / 1000));
      const why = `it is held to ${callsPerMinute} a minute ${what} until ${timeOf(restraint)}; try again in ${seconds} s`;
      throw refusal(call, restraint, { why, seconds });
    }
    const cost = call.target.definition?.annotations?.readOnlyHint === true ? 1 : WRITE_COST;
    for (const restraint of restraints) this.#nextMs.set(restraint, now + (cost * MINUTE_MS) / callsPerMinute);
    return next(call);
  }

  #passAllowed(call: TargetedCall, next: Next<TargetedCall>, restraints: readonly Restraint[]): Awaitable<Answer> {
    const known = restraints.map((restraint) => ({ restraint, consent: this.#consents.of(restraint, call) }));
    const open = known.filter(({ consent }) => consent !== 'given');
    if (open.length === 0) return next(call);
    const refused = open.find(({ consent }) => consent === 'refused');
    if (refused !== undefined) throw this.#declined(call, refused.restraint);
    const asking = open.find(({ consent }) => consent === 'asking');
    if (asking !== undefined) {
      const why = `its person is being asked; try again in ${ASKING_SECONDS} s`;
      throw refusal(call, asking.restraint, { why, seconds: ASKING_SECONDS });
    }
    if (open.some(({ consent }) => consent === 'unaskable')) return this.#passSlowly(call, next, restraints);
    return this.#ask(
      call,
      next,
      open.map(({ restraint }) => restraint),
    );
  }

  async #ask(call: TargetedCall, next: Next<TargetedCall>, restraints: readonly Restraint[]): Promise<Answer> {
    const { clock, logger } = this.#options;
    this.#consents.set(restraints, call, 'asking');
    let consent;
    try {
      consent = await askPerson(call, { restraints, nowMs: clock.now() });
    } finally {
      this.#consents.set(restraints, call, consent === 'unanswered' ? undefined : consent);
    }
    const [restraint] = restraints as [Restraint];
    const { upstream, name: tool } = call.target;
    logger.info('the person at a client was asked about abnormal calls', {
      callId: call.id,
      principal: call.principal,
      anomalies: restraints.map(({ id }) => id),
      upstream,
      tool,
      consent,
    });
    if (consent === 'unaskable') return this.#passSlowly(call, next, restraints);
    if (consent === 'refused') throw this.#declined(call, restraint);
    if (consent === 'unanswered')
      throw refusal(call, restraint, {
        why: 'its person was asked and has not answered; the next call asks again',
        seconds: ASKING_SECONDS,
      });
    call.trace.isApproved = true;
    return next(call);
  }

  #declined(call: TargetedCall, restraint: Restraint): GatewayError {
    const seconds = Math.max(1, Math.ceil((restraint.endsAtMs - this.#options.clock.now()) / 1000));
    return refusal(call, restraint, { why: `its person has declined it, until ${timeOf(restraint)}`, seconds });
  }
}

function refusal(
  { target, trace }: TargetedCall,
  restraint: Restraint,
  { why, seconds }: { readonly why: string; readonly seconds: number },
): GatewayError {
  return new GatewayError(
    'RESTRAINED',
    `Cannot call "${trace.name ?? target.name}" now: because of calls that are abnormal for this caller (anomaly "${restraint.id}") ${why}`,
    { data: { retryAfterSeconds: seconds, anomaly: restraint.id, until: timeOf(restraint), sent: false } },
  );
}

function timeOf({ endsAtMs }: Restraint): string {
  return new Date(endsAtMs).toISOString();
}

// Advice that makes no sense holds back nobody.
function isSensible({ endsAtMs }: Restraint): boolean {
  // @throws RangeError for what is no time
  new Date(endsAtMs).toISOString();
  return true;
}
