import type { CallInteraction, Interaction } from '../interaction.ts';
import type { Model, ModelState } from '../model.ts';
import { joinKey, splitKey } from '../tool-key.ts';

/** What is known of how a tool behaves. */
export interface ToolReport {
  readonly upstream: string;
  readonly tool: string;
  readonly toolVersion: string;
  readonly calls: number;
  readonly failed: number;
  /** That the next call fails, from 0 to 1: counts of this definition of the tool, drawn towards all tools while they are few. */
  readonly failureRisk: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  /** Three times what one call in a hundred exceeds, at least a second; `undefined` with too few calls. */
  readonly timeoutMs: number | undefined;
}

const CALLS = 0;
const FAILED = 1;
/** Ratio of two neighbouring bounds of durations: quantiles are at most 5 % off. */
const GROWTH = 1.1;
const SMALLEST_MS = 0.01;
const MAX_TOOLS = 20_000;
const ENOUGH_CALLS = 30;
/** How many calls the rate of all tools counts for. */
const PRIOR_CALLS = 4;

/** Counts calls, failures and durations of each tool. All of it is sums, so that what several gateways have seen adds up. */
export interface ToolOutcomes extends Model<Interaction> {
  /** Most called first. */
  reports(): readonly ToolReport[];
}

export function createToolOutcomes(): ToolOutcomes {
  let tools = new Map<string, number[]>();
  let durations = new Map<string, number[]>();
  // Rebuilt from `durations`, to find a tool's buckets.
  let buckets = new Map<string, Map<number, number[]>>();

  const add = (tool: string, durationMs: number): void => {
    const bucket = Math.max(0, Math.ceil(Math.log(Math.max(SMALLEST_MS, durationMs) / SMALLEST_MS) / Math.log(GROWTH)));
    let own = buckets.get(tool);
    if (own === undefined) buckets.set(tool, (own = new Map()));
    let row = own.get(bucket);
    if (row === undefined) {
      own.set(bucket, (row = [0]));
      durations.set(joinKey(tool, String(bucket)), row);
    }
    row[0]!++;
  };
  const count = (key: string, isFailure: boolean): void => {
    let row = tools.get(key);
    if (row === undefined) {
      if (tools.size >= MAX_TOOLS) evict();
      tools.set(key, (row = [0, 0]));
    }
    row[CALLS]!++;
    if (isFailure) row[FAILED]!++;
  };
  const evict = (): void => {
    const [least] = [...tools].reduce((one, other) => (byCalls(one, other) < 0 ? other : one));
    tools.delete(least);
    for (const bucket of buckets.get(least)?.keys() ?? []) durations.delete(joinKey(least, String(bucket)));
    buckets.delete(least);
  };
  const quantile = (tool: string, share: number): number => {
    const own = [...(buckets.get(tool) ?? [])].toSorted(([a], [b]) => a - b);
    const total = own.reduce((sum, [, row]) => sum + row[0]!, 0);
    let seen = 0;
    for (const [bucket, row] of own) {
      seen += row[0]!;
      if (seen >= share * total) return SMALLEST_MS * GROWTH ** (bucket - 0.5);
    }
    return 0;
  };

  return {
    name: 'outcomes',
    tables: [
      { name: 'tools', columns: ['calls', 'failed'], rule: 'sum' },
      { name: 'durations', columns: ['calls'], rule: 'sum' },
    ],
    observe: (fact) => {
      if (fact.kind !== 'call') return;
      const keyOf = (each: Pick<CallInteraction, 'upstream' | 'tool' | 'toolVersion'>) =>
        joinKey(fact.tenant, each.upstream, each.tool, each.toolVersion);
      const key = keyOf(fact);
      // Tools that failed before another one answered in their place.
      for (const other of new Set(fact.failed?.map(keyOf))) if (other !== key) count(other, true);
      // What was refused or taken back says nothing of the tool.
      if (fact.ending === 'refused' || fact.ending === 'cancelled') return;
      count(key, fact.ending !== 'ok');
      if (!fact.cached) add(key, fact.durationMs);
    },
    save: (): ModelState =>
      new Map([
        ['tools', copyRows(tools)],
        ['durations', copyRows(durations)],
      ]),
    load: (state) => {
      tools = copyRows(state.get('tools'));
      durations = copyRows(state.get('durations'));
      buckets = new Map();
      for (const [key, row] of durations) {
        const cut = key.lastIndexOf('\0');
        const tool = key.slice(0, cut);
        let own = buckets.get(tool);
        if (own === undefined) buckets.set(tool, (own = new Map()));
        own.set(Number(key.slice(cut + 1)), row);
      }
    },
    reports: () => {
      let [calls, failed] = [0, 0];
      for (const row of tools.values()) {
        calls += row[CALLS]!;
        failed += row[FAILED]!;
      }
      const rate = (failed + 1) / (calls + 2);
      return [...tools].toSorted(byCalls).map(([key, row]) => {
        const [, upstream = '', tool = '', toolVersion = ''] = splitKey(key);
        return {
          upstream,
          tool,
          toolVersion,
          calls: row[CALLS]!,
          failed: row[FAILED]!,
          failureRisk: (row[FAILED]! + PRIOR_CALLS * rate) / (row[CALLS]! + PRIOR_CALLS),
          p50Ms: quantile(key, 0.5),
          p95Ms: quantile(key, 0.95),
          timeoutMs: row[CALLS]! < ENOUGH_CALLS ? undefined : Math.max(1_000, 3 * quantile(key, 0.99)),
        };
      });
    },
  };
}

// Most called first. Keys decide between equals, so that what is said does not depend on how it came to be.
function byCalls([one, a]: readonly [string, readonly number[]], [other, b]: readonly [string, readonly number[]]): number {
  return b[CALLS]! - a[CALLS]! || (one < other ? -1 : 1);
}

function copyRows(rows: ReadonlyMap<string, readonly number[]> | undefined): Map<string, number[]> {
  return new Map([...(rows ?? [])].map(([key, row]) => [key, [...row]]));
}
