import type { ChangeRecord } from '../parts.ts';
import type { Actor } from '../recorded-state/plan-change.ts';
import type { AdminPrincipal } from './principals.ts';
import type { AdminParts } from './route.ts';

/** Who changes the state, by who uses the API. */
export function toActor({ name, role }: AdminPrincipal): Actor {
  return { by: name, isOwner: role === 'owner' };
}

/** Puts what was done beside the state into the audit. What was done is not undone when that fails. */
export async function recordAction(
  { audit, clock, logger }: AdminParts,
  { name }: AdminPrincipal,
  { action, lines }: Pick<ChangeRecord, 'action' | 'lines'>,
): Promise<void> {
  try {
    await audit?.change({ atMs: clock.now(), by: name, action, reason: undefined, stateVersion: undefined, lines });
  } catch (error) {
    logger.error('Cannot keep an action in the audit', { action, error });
  }
}
