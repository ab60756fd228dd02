import type { CalledTool, PlannedCall } from '@signalbox/core';
import type { Interaction } from '../interaction.ts';
import type { Model } from '../model.ts';
import { createAgedCounts } from '../outcomes/aged-counts.ts';
import { joinKey, splitKey } from '../tool-key.ts';

/** Learns which call, with arguments from where, conversations go on to after one or two others. */
export interface CallPlans extends Model<Interaction> {
  plans(): CallPlansByContext;
}

/** `undefined` where enough is known of what comes after, and it is too much different. */
export type CallPlansByContext = ReadonlyMap<string, PlannedCall | undefined>;

const HALF_LIFE_MS = 7 * 86_400_000;
const MAX_ROWS = 20_000;
/** Calls after the same ones from which on something is said of what comes next. */
const ENOUGH = 5;
/** As surely as that a call comes next it is planned. Beyond a half, so there is one at most. */
const LEAST_SHARE = 0.6;
/** Counts against every plan from the beginning, so that few calls do not make it sure. */
const DOUBT = 1;
/** Parts of a context of one call and of two. */
const [ONE, TWO] = [2, 4] as const;

export function createCallPlans(): CallPlans {
  const counts = createAgedCounts({ columns: 1, halfLifeMs: HALF_LIFE_MS, maxRows: MAX_ROWS });
  let known: CallPlansByContext | undefined;
  return {
    name: 'plans',
    tables: [{ name: 'steps', columns: ['times'], rule: 'sum' }],
    observe: (fact) => {
      if (fact.kind !== 'call' || fact.step === undefined) return;
      const { after, sources } = fact.step;
      known = undefined;
      for (let order = 1; order <= Math.min(2, after.length); order++) {
        const context = contextOf(after.slice(0, order));
        counts.add(context, fact.atMs, [1]);
        // A failure is not kept, so to call for it before would be in vain.
        if (sources !== undefined && fact.ending === 'ok') counts.add(joinKey(context, fact.upstream, fact.tool, sources), fact.atMs, [1]);
      }
    },
    plans: () => (known ??= weighPlans(counts.weighed())),
    save: () => new Map([['steps', counts.save()]]),
    load: (state) => {
      counts.load(state.get('steps'));
      known = undefined;
    },
  };
}

/** The call to be made after others of one conversation, the last one first; what two say goes before what one says. */
export function planAfter(plans: CallPlansByContext, last: readonly CalledTool[]): PlannedCall | undefined {
  const [one] = last;
  if (one === undefined) return undefined;
  const both = last.length > 1 ? contextOf(last.slice(0, 2)) : undefined;
  return both !== undefined && plans.has(both) ? plans.get(both) : plans.get(contextOf([one]));
}

/** Calls that may be made ahead, the surest first, each with those that it comes after, the last one first. */
export function listPlans(plans: CallPlansByContext): (PlannedCall & { readonly after: readonly CalledTool[] })[] {
  const listed = [];
  for (const [context, plan] of plans) {
    if (plan === undefined) continue;
    const [upstream = '', tool = '', ...before] = splitKey(context);
    const after =
      before.length === 0
        ? [{ upstream, tool }]
        : [
            { upstream, tool },
            { upstream: before[0]!, tool: before[1]! },
          ];
    listed.push({ ...plan, after });
  }
  return listed.toSorted((one, other) => other.share - one.share);
}

function contextOf(after: readonly CalledTool[]): string {
  return joinKey(...after.flatMap(({ upstream, tool }) => [upstream, tool]));
}

function weighPlans(weighed: ReadonlyMap<string, readonly number[]>): CallPlansByContext {
  const plans = new Map<string, PlannedCall | undefined>();
  const totals = new Map<string, number>();
  for (const [key, [times = 0]] of weighed) {
    const { length } = splitKey(key);
    if ((length === ONE || length === TWO) && times >= ENOUGH) totals.set(key, times);
  }
  for (const [key, [times = 0]] of weighed) {
    const parts = splitKey(key);
    if (parts.length === ONE || parts.length === TWO) continue;
    const [upstream = '', tool = '', sources = ''] = parts.slice(-3);
    const context = joinKey(...parts.slice(0, -3));
    const share = times / ((totals.get(context) ?? Infinity) + DOUBT);
    if (share >= LEAST_SHARE) plans.set(context, { upstream, tool, sources, share });
  }
  // Where two calls say that it is open what comes next, what the last one alone says is not asked.
  for (const context of totals.keys()) {
    const [upstream = '', tool = ''] = splitKey(context);
    if (!plans.has(context) && plans.has(joinKey(upstream, tool))) plans.set(context, undefined);
  }
  return plans;
}
