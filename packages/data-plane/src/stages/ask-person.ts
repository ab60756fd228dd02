import { Cancellation, GatewayError, RawJson, isObject, toGatewayError, type Outcome, type Restraint } from '@signalbox/core';
import type { TargetedCall } from './call-stages.ts';

/** What the person at a client says of a call; `unaskable` where the client has no way to ask one. */
export type Consent = 'given' | 'refused' | 'unanswered' | 'unaskable';

const MAX_SHOWN_ARGUMENTS = 500;
const MINUTE_MS = 60_000;

const SCHEMA = {
  type: 'object',
  properties: { allow: { type: 'boolean', title: 'Allow it', description: 'Also what is like it, until then', default: false } },
  required: ['allow'],
};

/** Whether the client of a call can ask its person something. */
export function hasPerson({ ask, client }: TargetedCall): boolean {
  return ask !== undefined && isObject(client.capabilities['elicitation']);
}

/** Asks the person at the client of a call whether it may be made, in a form. @throws GatewayError `CANCELLED` with the call. */
export async function askPerson(
  call: TargetedCall,
  { restraints, nowMs }: { readonly restraints: readonly Restraint[]; readonly nowMs: number },
): Promise<Consent> {
  const cancellation = new Cancellation();
  const stop = call.cancellation.watch((reason) => cancellation.cancel(reason));
  const params = RawJson.fromValue({ message: messageOf(call, restraints, nowMs), requestedSchema: SCHEMA });
  try {
    return readConsent(await call.ask!({ method: 'elicitation/create', params, cancellation }));
  } catch (thrown) {
    const { code } = toGatewayError(thrown);
    if (call.cancellation.isCancelled) throw new GatewayError('CANCELLED', `Cancelled before it was allowed: ${call.cancellation.reason}`);
    return code === 'MISSING_CAPABILITY' ? 'unaskable' : 'unanswered';
  } finally {
    stop();
  }
}

function readConsent(outcome: Outcome): Consent {
  if (outcome.kind === 'error') return 'unanswered';
  const { action, content } = outcome.result.object ?? {};
  if (action === 'accept') return isObject(content) && content['allow'] === true ? 'given' : 'refused';
  return action === 'decline' ? 'refused' : 'unanswered';
}

function messageOf({ client, target, params }: TargetedCall, restraints: readonly Restraint[], nowMs: number): string {
  const who = client.info?.name === undefined ? 'A program' : `"${client.info.name}"`;
  const args = params.get('arguments')?.bytes.toString('utf8');
  const shown = args === undefined ? '' : ` with ${args.length > MAX_SHOWN_ARGUMENTS ? `${args.slice(0, MAX_SHOWN_ARGUMENTS)}…` : args}`;
  const reasons = restraints.map(({ why }) => why).filter((why) => why !== undefined);
  const minutes = Math.ceil((Math.max(...restraints.map(({ endsAtMs }) => endsAtMs)) - nowMs) / MINUTE_MS);
  const unusual = reasons.length === 0 ? 'That is unusual for it.' : `That is unusual for it: ${reasons.join(', and ')}.`;
  return `${who} wants to call "${target.name}" of "${target.upstream}"${shown}. ${unusual} May it do so, and what is like it, for the next ${minutes} min?`;
}
