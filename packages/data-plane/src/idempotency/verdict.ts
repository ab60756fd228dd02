import { isObject, type GatewayError, type Outcome } from '@signalbox/core';

/**
 * What is known of a run once it is over. `ended`: it ran, and this is its outcome · `open`: it waits for the caller, who
 * comes back with the same key · `unrun`: it did certainly not run · `lost`: it may have run, and nobody knows its outcome.
 */
export type Verdict = 'ended' | 'open' | 'unrun' | 'lost';

/** JSON-RPC codes with which a server refuses a request instead of running it. */
const REFUSALS: ReadonlySet<number> = new Set([-32700, -32600, -32601, -32602, -32002, -32020, -32021, -32022]);
/** The server wants the user to visit an address first, and then the same call again. */
const URL_ELICITATION_REQUIRED = -32042;

/** HTTP statuses with which a server, or what stands in front of it, turns a request away. */
const TURNED_AWAY: ReadonlySet<unknown> = new Set([
  301, 302, 303, 307, 308, 401, 403, 404, 405, 406, 407, 411, 413, 414, 415, 421, 426, 429, 431,
]);

/** Errors of ours that say that a request was refused before anything ran, wherever they arise. */
const UNRUN: ReadonlySet<unknown> = new Set([
  'OVERLOADED',
  'INVALID_PARAMS',
  'UNKNOWN_NAME',
  'METHOD_NOT_FOUND',
  'UNAUTHENTICATED',
  'FORBIDDEN',
]);
/** Errors of ours after which nobody knows. Another gateway behind this one speaks of itself in the same words. */
const LOST: ReadonlySet<unknown> = new Set([
  'UPSTREAM_UNAVAILABLE',
  'DEADLINE_EXCEEDED',
  'UPSTREAM_PROTOCOL',
  'CANCELLED',
  'NOT_REPEATABLE',
  'INTERNAL',
]);

/** Judges a run that an upstream answered. */
export function verdictOf(outcome: Outcome): Verdict {
  if (outcome.kind === 'result') return outcome.resultType === 'input_required' ? 'open' : 'ended';
  const { code, data } = outcome.error;
  if (code === URL_ELICITATION_REQUIRED) return 'open';
  const reason = isObject(data) ? data['reason'] : undefined;
  if (REFUSALS.has(code) || UNRUN.has(reason) || (isObject(data) && LOST.has(reason) && data['sent'] === false)) return 'unrun';
  return LOST.has(reason) ? 'lost' : 'ended';
}

/** Judges a run that ended without an answer. @param isSent Whether a request may have left for the upstream. */
export function verdictOfError({ code, data }: GatewayError, isSent: boolean): Verdict {
  if (!isSent || data?.['sent'] === false) return 'unrun';
  return UNRUN.has(code) || TURNED_AWAY.has(data?.['status']) ? 'unrun' : 'lost';
}
