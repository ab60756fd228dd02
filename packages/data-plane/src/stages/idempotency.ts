import {
  GatewayError,
  IDEMPOTENCY_CAPABILITY,
  IDEMPOTENCY_KEY,
  RawJson,
  isObject,
  parseIdempotencyKey,
  toGatewayError,
  toMessage,
  wholly,
  type Awaitable,
  type Clock,
  type Outcome,
} from '@signalbox/core';
import { readMember, withMember } from '@signalbox/protocol';
import { fingerprintOf, keyId, roundOf } from '../idempotency/fingerprint.ts';
import { Flight } from './flight.ts';
import type { KeyJournal } from '../idempotency/key-journal.ts';
import type { KeyEntry, KeyTable } from '../idempotency/key-table.ts';
import { notRepeatable, otherRound, usedOtherwise } from '../idempotency/refusals.ts';
import { verdictOf, verdictOfError, type Verdict } from '../idempotency/verdict.ts';
import type { Upstream } from '../upstreams/upstream.ts';
import type { TargetedCall, TargetedStage } from './call-stages.ts';
import { isIdempotent } from './retry.ts';

export interface IdempotencyOptions {
  readonly keys: KeyTable;
  /** Where it is written down that a key was used; absent when that need not outlive the process. */
  readonly keyJournal: KeyJournal | undefined;
  readonly upstream: (name: string) => Upstream | undefined;
  readonly clock: Clock;
  /** How long a key is remembered, in milliseconds. */
  readonly keyTtlMs: number;
}

/** Member of `_meta`, or of an error's data, that marks an outcome as one that was given before. */
export const REPLAYED = 'signalbox.dev/replayed';
const TRUE = RawJson.fromValue(true);

/**
 * Runs a call that carries an idempotency key once, however often it is sent: a repetition joins the run, or gets its
 * outcome again, or is refused when it is not known whether the first one ran. Calls without a key pass through.
 */
export function idempotency(options: IdempotencyOptions): TargetedStage {
  const { keys } = options;
  return (call, next) => {
    const given = call.method === 'tools/call' ? call.params.get('_meta')?.object?.[IDEMPOTENCY_KEY] : undefined;
    if (given === undefined) return next(call);
    const id = keyId(call.principal, parseIdempotencyKey(given));
    const fingerprint = fingerprintOf(call);
    const known = keys.find(id);
    if (known === undefined) return run(options, call, wholly(next), { id, fingerprint });
    if (known.fingerprint !== fingerprint) throw usedOtherwise(call, known);
    const { state } = known;
    switch (state.kind) {
      case 'running':
        if (state.flight.round !== roundOf(call.params)) throw otherRound(call, known);
        return state.flight.join(call);
      case 'ended':
        if (state.outcome !== undefined) {
          call.trace.isCached = true;
          return markReplayed(state.outcome);
        }
        if (!mayRunAgain(options, call)) throw notRepeatable(call, known, state.why);
        break;
      case 'lost':
        if (!mayRunAgain(options, call)) throw notRepeatable(call, known, state.why);
        break;
      case 'open':
        break;
    }
    return run(options, call, wholly(next), { id, fingerprint });
  };
}

// A server that remembers keys itself will not run the call twice, and may still have the outcome.
function mayRunAgain(options: IdempotencyOptions, call: TargetedCall): boolean {
  if (isIdempotent(call)) return true;
  const experimental = options.upstream(call.target.upstream)?.manifest?.capabilities['experimental'];
  return isObject(experimental) && experimental[IDEMPOTENCY_CAPABILITY] !== undefined;
}

function run(
  options: IdempotencyOptions,
  call: TargetedCall,
  next: (call: TargetedCall) => Awaitable<Outcome>,
  wish: { readonly id: string; readonly fingerprint: string },
): Promise<Outcome> {
  const { keys, keyJournal, clock } = options;
  const flight = new Flight(call, {
    round: roundOf(call.params),
    isRepeatable: isIdempotent(call),
    clock,
    onAbandoned: () => release(options, entry),
  });
  const entry: KeyEntry = {
    ...wish,
    owner: call.principal,
    callId: call.id,
    beganAtMs: clock.now(),
    expiresAtMs: clock.monotonic() + options.keyTtlMs,
    state: { kind: 'running', flight },
  };
  keys.add(entry);
  const answer = flight.join(call);
  const fail = (thrown: unknown) => {
    const error = toGatewayError(thrown);
    note(options, entry, verdictOfError(error, flight.call.trace.isSent), { why: error.message });
    flight.fail(thrown);
  };
  const succeed = (outcome: Outcome) => {
    try {
      note(options, entry, verdictOf(outcome), { outcome, why: outcome.kind === 'error' ? outcome.error.message : '' });
    } catch (error) {
      // A module may answer with what cannot be written; the call ran, and nobody can be told how it ended.
      return fail(error);
    }
    flight.succeed(outcome);
  };
  const launch = () => {
    if (flight.isAbandoned) return;
    try {
      const outcome = next(flight.call);
      if (outcome instanceof Promise) outcome.then(succeed, fail);
      else succeed(outcome);
    } catch (error) {
      fail(error);
    }
  };
  if (keyJournal === undefined) launch();
  else keyJournal.begin(entry).then(launch, (error: unknown) => fail(notWritten(call, error)));
  return answer;
}

function note(
  options: IdempotencyOptions,
  entry: KeyEntry,
  verdict: Verdict,
  about: { readonly outcome?: Outcome; readonly why: string },
): void {
  const { keys, keyJournal } = options;
  // A run that was given up may end all the same, when its key stands for another one already.
  if (keys.find(entry.id) !== entry) return;
  switch (verdict) {
    case 'unrun':
      return release(options, entry);
    case 'open':
      keys.update(entry, { kind: 'open' });
      return keyJournal?.release(entry);
    case 'ended':
      keys.update(entry, { kind: 'ended', outcome: about.outcome! });
      return keyJournal?.end(entry);
    case 'lost':
      return keys.update(entry, { kind: 'lost', why: about.why });
  }
}

function release({ keys, keyJournal }: IdempotencyOptions, entry: KeyEntry): void {
  if (keys.find(entry.id) !== entry) return;
  keys.forget(entry);
  keyJournal?.release(entry);
}

function notWritten(call: TargetedCall, cause: unknown): GatewayError {
  return new GatewayError(
    'INTERNAL',
    `Cannot call "${call.target.name}": its idempotency key cannot be written down: ${toMessage(cause)}`,
    {
      cause,
      data: { sent: false },
    },
  );
}

function markReplayed(outcome: Outcome): Outcome {
  if (outcome.kind === 'error') {
    const { data } = outcome.error;
    return data === undefined || isObject(data)
      ? { kind: 'error', error: { ...outcome.error, data: { ...data, [REPLAYED]: true } } }
      : outcome;
  }
  const meta = withMember(readMember(outcome.result, '_meta'), REPLAYED, TRUE);
  return { ...outcome, result: withMember(outcome.result, '_meta', meta), modernMembers: undefined };
}
