import { GatewayError } from '@signalbox/core';
import type { TargetedCall } from '../stages/call-stages.ts';
import type { KeyEntry } from './key-table.ts';

/** The key stands for something else. */
export function usedOtherwise(call: TargetedCall, entry: KeyEntry): GatewayError {
  return new GatewayError(
    'INVALID_PARAMS',
    `Cannot use this idempotency key for "${nameOf(call)}": it was used before for another tool or with other arguments; a call that differs needs a key of its own`,
    { data: { firstCallId: entry.callId } },
  );
}

/** Another round of the same call is under way. */
export function otherRound(call: TargetedCall, entry: KeyEntry): GatewayError {
  return new GatewayError('CONFLICT', `Cannot go on with "${nameOf(call)}": another round of it is under way with this idempotency key`, {
    data: { firstCallId: entry.callId },
  });
}

/** The call has run, or may have, and its outcome cannot be given again. */
export function notRepeatable(call: TargetedCall, entry: KeyEntry, why: string): GatewayError {
  const { upstream, name } = call.target;
  const hasRun = entry.state.kind === 'ended';
  const began = new Date(entry.beganAtMs).toISOString();
  return new GatewayError(
    'NOT_REPEATABLE',
    `Cannot run "${nameOf(call)}" again with this idempotency key: the call that began at ${began} ${hasRun ? 'has' : 'may have'} run, and its outcome is not known any more (${why}). ` +
      `Find out whether it ${hasRun ? 'did what it should' : 'ran'}, from "${upstream}" itself or with a tool that only reads; a call with a new key runs it once more`,
    { data: { upstream, tool: name, ran: hasRun ? 'yes' : 'unknown', beganAt: began, firstCallId: entry.callId, why } },
  );
}

function nameOf(call: TargetedCall): string {
  return call.trace.name ?? call.target.name;
}
