import type { AnomalyBody, RestraintBody } from '@signalbox/control-plane';
import type { Logger } from '@signalbox/core';
import type { Anomaly } from '@signalbox/learning';
import type { PrincipalNames } from './principal-names.ts';
import type { HeldRestraint, Restraints } from './restraints.ts';

/** Tells of each anomaly once: in the log, and to whoever listens. */
export interface AnomalyFeed {
  publish(anomaly: Anomaly): void;
  /** Calls `listener` with each, without names. Returns its own stop function. */
  watch(listener: (anomaly: AnomalyBody) => void): () => void;
}

export interface AnomalyFeedOptions {
  readonly names: PrincipalNames;
  readonly restraints: Pick<Restraints, 'find'> | undefined;
  readonly logger: Logger;
}

export function createAnomalyFeed({ names, restraints, logger }: AnomalyFeedOptions): AnomalyFeed {
  const listeners = new Set<(anomaly: AnomalyBody) => void>();
  return {
    publish: (anomaly) => {
      const { id, kind, principal, upstream, tool, measure, observed, expected, low, high, calls, score } = anomaly;
      const caller = principal === '' ? {} : { principal: names.nameOf(principal) ?? principal };
      const restraint = restraints?.find(id);
      const held = restraint && { restrainedUntil: new Date(restraint.endsAtMs).toISOString() };
      logger.warn('something is abnormal', {
        id,
        kind,
        ...caller,
        upstream,
        tool,
        measure,
        observed,
        expected,
        low,
        high,
        calls,
        score,
        ...held,
      });
      for (const listener of listeners) listener(toAnomalyBody(anomaly, { restraint }));
    },
    watch: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

export interface AnomalyBodyOptions {
  /** Who is behind a hash, where that may be told. */
  readonly nameOf?: PrincipalNames['nameOf'];
  readonly restraint: HeldRestraint | undefined;
}

/** An anomaly as the admin API has it. */
export function toAnomalyBody(anomaly: Anomaly, { nameOf, restraint }: AnomalyBodyOptions): AnomalyBody {
  const { tenant: _, feedback, ...body } = anomaly;
  const principalName = nameOf?.(body.principal);
  return {
    ...body,
    ...(principalName !== undefined && { principalName }),
    ...(feedback !== undefined && { feedback }),
    ...(restraint && { restraint: toRestraintBody(restraint) }),
  };
}

export function toRestraintBody({ endsAtMs, isLifted }: HeldRestraint): RestraintBody {
  return { untilMs: endsAtMs, lifted: isLifted };
}
