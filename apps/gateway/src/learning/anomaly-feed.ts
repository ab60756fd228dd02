import type { AnomalyBody } from '@signalbox/control-plane';
import type { Logger } from '@signalbox/core';
import type { Anomaly } from '@signalbox/learning';
import type { PrincipalNames } from './principal-names.ts';

/** Tells of each anomaly once: in the log, and to whoever listens. */
export interface AnomalyFeed {
  publish(anomaly: Anomaly): void;
  /** Calls `listener` with each, without names. Returns its own stop function. */
  watch(listener: (anomaly: AnomalyBody) => void): () => void;
}

export function createAnomalyFeed({ names, logger }: { readonly names: PrincipalNames; readonly logger: Logger }): AnomalyFeed {
  const listeners = new Set<(anomaly: AnomalyBody) => void>();
  return {
    publish: (anomaly) => {
      const { id, kind, principal, upstream, tool, measure, observed, expected, low, high, calls, score } = anomaly;
      const caller = principal === '' ? {} : { principal: names.nameOf(principal) ?? principal };
      logger.warn('something is abnormal', { id, kind, ...caller, upstream, tool, measure, observed, expected, low, high, calls, score });
      for (const listener of listeners) listener(toAnomalyBody(anomaly));
    },
    watch: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** An anomaly as the admin API has it. @param nameOf Who is behind a hash, where that may be told. */
export function toAnomalyBody(anomaly: Anomaly, nameOf?: PrincipalNames['nameOf']): AnomalyBody {
  const { tenant: _, feedback, ...body } = anomaly;
  const principalName = nameOf?.(body.principal);
  return { ...body, ...(principalName !== undefined && { principalName }), ...(feedback !== undefined && { feedback }) };
}
