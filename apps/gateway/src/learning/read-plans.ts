import type { SequencesBody } from '@signalbox/control-plane';
import { explainSources } from '@signalbox/data-plane';
import { listPlans, type CallPlansByContext } from '@signalbox/learning';

/** What may be called before anybody asks, in words. */
export function readPlans(plans: CallPlansByContext, limit: number): SequencesBody['ahead'] {
  return listPlans(plans)
    .slice(0, limit)
    .map(({ after, upstream, tool, sources, share }) => ({
      after: after.map((called) => ({ ...called })),
      upstream,
      tool,
      arguments: explainSources(sources),
      share,
    }));
}
