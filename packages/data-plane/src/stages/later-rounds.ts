import { GatewayError, RawJson, type Answer, type Target } from '@signalbox/core';
import { withMember, withParams } from '@signalbox/protocol';
import type { TargetedCall } from './call-stages.ts';

/** How a state begins that says who has asked. What clients are given of it is sealed, like any state. */
const ASKED_BY = 'signalbox/asked-by:';

/** Whether a call brings what an upstream has asked for. */
export function isLaterRound({ params }: TargetedCall): boolean {
  return params.has('requestState') || params.has('inputResponses');
}

/**
 * A later round as it is made: at the one that has asked and nowhere else, which knows what it asked and gets its own state back.
 * @throws GatewayError `UPSTREAM_UNAVAILABLE` where that one is no fallback here any more.
 */
export function toAsker(call: TargetedCall): TargetedCall {
  const text = call.params.get('requestState')?.value;
  if (typeof text !== 'string' || !text.startsWith(ASKED_BY)) return call.fallbacks.length === 0 ? call : { ...call, fallbacks: [] };
  const [upstream, name, state] = readAsker(text);
  const target = [call.target, ...call.fallbacks].find((each) => each.upstream === upstream && each.name === name);
  if (target === undefined) throw askerGone(call.target, upstream);
  const requestState = typeof state === 'string' ? RawJson.fromValue(state) : undefined;
  return { ...call, target, fallbacks: [], params: withParams(call.params, { requestState }) };
}

/** Has the state say who has asked, where the next round would not find the way to that one by itself. */
export function withAsker(answer: Answer, asker: Target, asked: Target): Answer {
  if (answer.kind !== 'result' || answer.resultType !== 'input_required') return answer;
  const given: unknown = answer.result.object?.['requestState'];
  const state = typeof given === 'string' ? given : undefined;
  if (asker === asked && !state?.startsWith(ASKED_BY)) return answer;
  const text = ASKED_BY + JSON.stringify([asker.upstream, asker.name, ...(state === undefined ? [] : [state])]);
  return { ...answer, result: withMember(answer.result, 'requestState', RawJson.fromValue(text)), modernMembers: undefined };
}

// Callers within this process are given it as it is, and could bring another one.
function readAsker(text: string): readonly unknown[] {
  try {
    const read: unknown = JSON.parse(text.slice(ASKED_BY.length));
    if (Array.isArray(read)) return read;
  } catch {
    // Told below.
  }
  throw new GatewayError('INVALID_PARAMS', 'Cannot accept this "requestState": it is not one of ours');
}

function askerGone({ name }: Target, upstream: unknown): GatewayError {
  return new GatewayError(
    'UPSTREAM_UNAVAILABLE',
    `Cannot go on with this call of "${name}": ${JSON.stringify(upstream)} had asked for input in place of its upstream, and is no fallback of it here any more; make the call anew`,
    { data: { upstream, sent: false } },
  );
}
