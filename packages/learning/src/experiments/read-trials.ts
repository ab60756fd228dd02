import type { CallInteraction, Interaction, SearchInteraction } from '../interaction.ts';
import { toolKey } from '../search/read-feedback.ts';
import { toTrialValues, type TrialValue } from './trial-model.ts';

/** How long a search waits for the call that comes of it. */
const PATIENCE_MS = 10 * 60_000;
const DAY_MS = 86_400_000;
const MAX_OPEN = 10_000;
/** So many values of a metric count of one unit: whoever calls most shall not decide alone. */
const MAX_PER_UNIT = 10;
const MAX_COUNTED = 50_000;

/** Metrics of experiments: the share of searches of which a call came that went well, and of calls that went well. */
export const FOUND = 'found';
export const OK = 'ok';
/** Counts units, to see whether arms get as many as they should. */
export const UNIT = 'unit';

interface OpenSearch {
  readonly unit: string;
  readonly atMs: number;
  readonly arms: readonly string[];
  readonly shown: Set<string>;
}

/** What keeps its arm: a session for a day, for there are callers whose session never ends. */
export function unitOf(session: string, atMs: number): string {
  return `${session}@${Math.floor(atMs / DAY_MS)}`;
}

/** Returns what makes values of the metrics of experiments of facts that carry arms. */
export function createTrialReader(): (interaction: Interaction) => readonly TrialValue[] {
  // In the order in which they began.
  const open = new Map<string, OpenSearch>();
  const counted = new Map<string, number>();

  const count = (unit: string, values: readonly TrialValue[]): TrialValue[] =>
    values.filter(({ experiment, metric }) => {
      const key = `${unit} ${experiment} ${metric}`;
      const times = (counted.get(key) ?? 0) + 1;
      if (counted.size >= MAX_COUNTED) counted.clear();
      counted.set(key, times);
      return times <= (metric === UNIT ? 1 : MAX_PER_UNIT);
    });
  const valuesOf = (arms: readonly string[], metric: string, value: number): TrialValue[] =>
    arms.map((entry) => {
      const split = entry.lastIndexOf('=');
      return { experiment: entry.slice(0, split), arm: entry.slice(split + 1), metric, value };
    });
  const settle = ({ unit, arms }: OpenSearch, value: number): TrialValue[] => count(unit, valuesOf(arms, FOUND, value));
  const sweep = (atMs: number): TrialValue[] => {
    const settled: TrialValue[] = [];
    for (const [session, search] of open) {
      if (open.size <= MAX_OPEN && atMs - search.atMs <= PATIENCE_MS) break;
      open.delete(session);
      settled.push(...settle(search, 0));
    }
    return settled;
  };
  const readSearch = (search: SearchInteraction): TrialValue[] => {
    const session = sessionOf(search);
    const shown = new Set(search.shown.map(toolKey));
    const before = open.get(session);
    // Needs of one search come one by one, at the same time.
    if (before?.atMs === search.atMs) {
      for (const key of shown) before.shown.add(key);
      return [];
    }
    const unit = unitOf(session, search.atMs);
    open.delete(session);
    open.set(session, { unit, atMs: search.atMs, arms: search.arms, shown });
    return [...(before === undefined ? [] : settle(before, 0)), ...count(unit, valuesOf(search.arms, UNIT, 1))];
  };
  const readCall = (call: CallInteraction): TrialValue[] => {
    const session = sessionOf(call);
    const values = count(
      unitOf(session, call.atMs),
      toTrialValues(call).filter(({ metric }) => metric === OK),
    );
    const search = open.get(session);
    if (call.ending !== 'ok' || search?.shown.has(toolKey(call)) !== true) return values;
    open.delete(session);
    return [...values, ...settle(search, 1)];
  };
  return (interaction) => {
    if (interaction.arms.length === 0 && open.size === 0) return [];
    const swept = sweep(interaction.atMs);
    if (interaction.kind === 'search' && interaction.arms.length > 0) return [...swept, ...readSearch(interaction)];
    return interaction.kind === 'call' ? [...swept, ...readCall(interaction)] : swept;
  };
}

function sessionOf({ tenant, session, principal }: Interaction): string {
  return `${tenant} ${session} ${principal}`;
}
