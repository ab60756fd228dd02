import type { CallInteraction } from '../interaction.ts';
import type { Alerts } from './alerts.ts';
import { CALLS, TOOL } from './columns.ts';
import { addDay } from './drift.ts';

const DAY_MS = 86_400_000;
/** Calls in a day below which it says nothing. */
const LEAST_CALLS = 30;
const THRESHOLD = 5.5;
/** What a day's mean of logarithms and a day's share of failures may be off without a word. */
const LEAST_SPREAD = { result: 0.2, failed: 0.03 };

/** Looks, at the first call of a new day, at whether a tool has become another one in the last days. */
export function closeDay(
  { tenant, upstream, tool: name, atMs }: CallInteraction,
  tool: number[],
  { alerts, mayTell }: { readonly alerts: Alerts; readonly mayTell: boolean },
): void {
  const day = Math.floor(atMs / DAY_MS);
  const current = tool[TOOL.day]!;
  if (day === current || (day < current && day > current - 2)) return;
  const calls = tool[TOOL.dayCalls]!;
  const results = tool[TOOL.dayResults]!;
  const about = { tenant, principal: '', upstream, tool: name, kind: 'drift', atMs, threshold: THRESHOLD } as const;
  if (results >= LEAST_CALLS) {
    const value = tool[TOOL.dayResultSum]! / results;
    const drift = addDay(tool, TOOL.result, { value, spread: LEAST_SPREAD.result, least: THRESHOLD });
    if (drift !== undefined && mayTell) {
      const { score, expected, spread } = drift;
      const [low, high] = [toBytes(expected - 3 * spread), toBytes(expected + 3 * spread)];
      const evidence = () => ({ observed: toBytes(value), expected: toBytes(expected), low, high, calls: tool[CALLS]! });
      alerts.raise({ ...about, measure: 'result bytes', score, evidence });
    }
  }
  if (calls >= LEAST_CALLS) {
    const value = tool[TOOL.dayFailed]! / calls;
    const spread = LEAST_SPREAD.failed + Math.sqrt((value * (1 - value)) / calls);
    const drift = addDay(tool, TOOL.share, { value, spread, least: THRESHOLD });
    if (drift !== undefined && mayTell) {
      const { score, expected } = drift;
      const [low, high] = [Math.max(0, expected - 3 * drift.spread), Math.min(1, expected + 3 * drift.spread)];
      alerts.raise({
        ...about,
        measure: 'failure share',
        score,
        evidence: () => ({ observed: value, expected, low, high, calls: tool[CALLS]! }),
      });
    }
  }
  tool[TOOL.day] = day;
  tool.fill(0, TOOL.dayCalls, TOOL.dayResultSum + 1);
}

function toBytes(logarithm: number): number {
  return Math.max(0, Math.exp(logarithm) - 1);
}
