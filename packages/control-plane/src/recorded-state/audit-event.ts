import type { Logger } from '@signalbox/core';
import { renderDiff, type ConfigDiff } from '../desired-state/diff-config.ts';
import type { AuditPart } from '../parts.ts';
import type { StateEvent } from './state-event.ts';

export interface AuditEventOptions {
  readonly audit: Pick<AuditPart, 'change'> | undefined;
  readonly logger: Logger;
}

/** Puts a change into the audit. What applies already is not undone when that fails; the log says so. */
export async function auditEvent({ audit, logger }: AuditEventOptions, event: StateEvent, diff: ConfigDiff): Promise<void> {
  const { atMs, by, action, reason, version, restarts = [] } = event;
  const lines = [...renderDiff(diff), ...restarts.map((name) => `restart mcpServers.${name}`)];
  try {
    await audit?.change({ atMs, by, action, reason, stateVersion: version, lines });
  } catch (error) {
    logger.error('Cannot keep a change in the audit', { version, error });
  }
}
