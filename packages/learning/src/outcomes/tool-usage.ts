import type { Interaction } from '../interaction.ts';
import type { Model } from '../model.ts';
import { joinKey, splitKey } from '../tool-key.ts';

/** How much a tool was used of late. */
export interface UsedTool {
  readonly upstream: string;
  readonly tool: string;
  /** Calls, those of a week before the last one for half. */
  readonly weight: number;
}

export interface ToolUsageModel extends Model<Interaction> {
  /** Most used first. */
  used(limit: number): readonly UsedTool[];
}

const DAY_MS = 86_400_000;
const HALF_LIFE_DAYS = 7;
/** After so many half lives a call counts for less than a sixteenth. */
const KEPT_DAYS = 4 * HALF_LIFE_DAYS;
const MAX_ROWS = 50_000;
/** Of the calls that one session makes on a day, so many count: nobody can fill what others see. */
const MAX_PER_SESSION = 10;
const MAX_SESSIONS = 10_000;

/** Counts calls of tools that went well, day by day. All of it is sums, so that what several gateways have seen adds up. */
export function createToolUsage(): ToolUsageModel {
  let days = new Map<string, number[]>();
  let lastDay = 0;
  // What sessions have added today, which is not kept.
  const bySession = new Map<string, number>();

  const forgetOld = (): void => {
    for (const key of days.keys()) if (dayOf(key) <= lastDay - KEPT_DAYS) days.delete(key);
    // Of what is young enough, the least called goes.
    while (days.size >= MAX_ROWS) {
      const [least] = [...days].reduce((one, other) => (other[1][0]! < one[1][0]! ? other : one));
      days.delete(least);
    }
  };
  return {
    name: 'usage',
    tables: [{ name: 'days', columns: ['calls'], rule: 'sum' }],
    observe: (fact) => {
      if (fact.kind !== 'call' || fact.ending !== 'ok') return;
      const day = Math.floor(fact.atMs / DAY_MS);
      if (day > lastDay) {
        lastDay = day;
        bySession.clear();
        forgetOld();
      }
      const own = joinKey(fact.session, fact.upstream, fact.tool);
      const times = (bySession.get(own) ?? 0) + 1;
      if (times > MAX_PER_SESSION) return;
      if (bySession.size >= MAX_SESSIONS) bySession.clear();
      bySession.set(own, times);
      const key = joinKey(fact.upstream, fact.tool, String(day));
      const row = days.get(key);
      if (row !== undefined) row[0]!++;
      else {
        if (days.size >= MAX_ROWS) forgetOld();
        days.set(key, [1]);
      }
    },
    used: (limit) => {
      const ages = new Map<string, number[]>();
      for (const [key, [calls = 0]] of days) {
        const tool = key.slice(0, key.lastIndexOf('\0'));
        let byAge = ages.get(tool);
        if (byAge === undefined) ages.set(tool, (byAge = []));
        byAge[lastDay - dayOf(key)] = calls;
      }
      // Added up by age: the sum of fractions depends on their order, and that of rows on how they came to be.
      const weightOf = (byAge: readonly number[]) => byAge.reduce((sum, calls, age) => sum + calls * 2 ** (-age / HALF_LIFE_DAYS), 0);
      return [...ages]
        .map(([key, byAge]) => [key, weightOf(byAge)] as const)
        .toSorted(([one, a], [other, b]) => b - a || (one < other ? -1 : 1))
        .slice(0, limit)
        .map(([key, weight]) => {
          const [upstream = '', tool = ''] = splitKey(key);
          return { upstream, tool, weight };
        });
    },
    save: () => new Map([['days', new Map([...days].map(([key, row]) => [key, [...row]]))]]),
    load: (state) => {
      days = new Map([...(state.get('days') ?? [])].map(([key, row]) => [key, [...row]]));
      lastDay = 0;
      for (const key of days.keys()) lastDay = Math.max(lastDay, dayOf(key));
      bySession.clear();
    },
  };
}

function dayOf(key: string): number {
  return Number(key.slice(key.lastIndexOf('\0') + 1));
}
