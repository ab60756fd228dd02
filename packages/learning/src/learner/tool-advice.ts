import { versionedTool } from '../cache-advice/call-fact.ts';
import type { Repair } from '../repair/repair-model.ts';
import type { AllModels } from './all-models.ts';
import type { ToolAdvice } from './messages.ts';

/** Calls of a tool from which on its durations are held for known. */
const ENOUGH_CALLS = 100;
/** More than any list that is meant to be short. */
const MOST_USED = 500;

/** Gathers what the path may go by of single tools. */
export function toToolAdvice({
  fallbacks,
  next,
  repair,
  outcomes,
  plans,
  runs,
  usage,
}: Pick<AllModels, 'fallbacks' | 'next' | 'repair' | 'outcomes' | 'plans' | 'runs' | 'usage'>): ToolAdvice {
  const repairs = new Map<string, Map<string, Repair[]>>();
  for (const found of repair.model.repairs({})) {
    let byCode = repairs.get(found.tool);
    if (byCode === undefined) repairs.set(found.tool, (byCode = new Map()));
    const same = byCode.get(found.errorCode);
    if (same === undefined) byCode.set(found.errorCode, [found]);
    else same.push(found);
  }
  const timeouts = new Map<string, number>();
  for (const report of outcomes.reports())
    if (report.timeoutMs !== undefined && report.calls >= ENOUGH_CALLS) timeouts.set(versionedTool(report), report.timeoutMs);
  const upstreamsAfter = next.model.upstreamsAfter();
  return {
    repairs,
    timeouts,
    arms: fallbacks.arms(),
    plans: plans.plans(),
    risks: runs.risks(),
    upstreamsAfter,
    usage: usage.used(MOST_USED),
  };
}
