import type { CallInteraction } from '../interaction.ts';
import type { Model, ModelState } from '../model.ts';
import { createCountTable } from '../cache-advice/count-table.ts';
import { compareArms, type ArmComparison, type ArmSums, type ComparisonOptions } from './compare-arms.ts';

/**
 * One value of one metric of an experiment, from a call or a search that went by one of its arms. Values are taken to be independent:
 * where a few sessions make most of the calls, one value a session, their mean, is the honest one.
 */
export interface TrialValue {
  readonly experiment: string;
  readonly arm: string;
  readonly metric: string;
  readonly value: number;
}

export interface TrialModel extends Model<TrialValue> {
  readonly sums: (of: Omit<TrialValue, 'value'>) => ArmSums;
  /** The arm `candidate` against the arm `control`, in a metric of an experiment. */
  readonly compare: (of: { readonly experiment: string; readonly metric: string }, options?: ComparisonOptions) => ArmComparison;
}

/** Sums up what experiments have shown. Values are kept in thousandths, as whole numbers, so that a merge is exact. */
export function createTrialModel({ maxRows = 5_000 }: { readonly maxRows?: number } = {}): TrialModel {
  const table = createCountTable({ columns: 3, maxRows });
  const sums = ({ experiment, arm, metric }: Omit<TrialValue, 'value'>): ArmSums => {
    const [count, sum, sumOfSquares] = table.get(keyOf(experiment, arm, metric)) as [number, number, number];
    return { count, sum: sum / 1_000, sumOfSquares: sumOfSquares / 1_000_000 };
  };
  return {
    name: 'trials',
    tables: [{ name: 'arms', columns: ['count', 'sum', 'sumOfSquares'], rule: 'sum' }],
    observe: ({ experiment, arm, metric, value }) => {
      const whole = Math.round(value * 1_000);
      if (Number.isSafeInteger(whole * whole)) table.add(keyOf(experiment, arm, metric), [1, whole, whole * whole]);
    },
    sums,
    compare: ({ experiment, metric }, options) =>
      compareArms(sums({ experiment, arm: 'control', metric }), sums({ experiment, arm: 'candidate', metric }), options),
    save: () => new Map([['arms', table.save()]]),
    load: (state: ModelState) => table.load(state.get('arms')),
  };
}

const keyOf = (experiment: string, arm: string, metric: string): string => `${experiment}=${arm}|${metric}`;

/**
 * What a call says of the experiments it was part of: `ok` and, where the operator has said what slow means, `slow`, as 0 or 1, and
 * `seconds`. A cancelled call says nothing, for the caller may have had any reason.
 */
export function toTrialValues(call: CallInteraction, { slowMs }: { readonly slowMs?: number } = {}): readonly TrialValue[] {
  if (call.ending === 'cancelled') return [];
  return call.arms.flatMap((entry) => {
    const split = entry.lastIndexOf('=');
    if (split < 1) return [];
    const of = { experiment: entry.slice(0, split), arm: entry.slice(split + 1) };
    return [
      { ...of, metric: 'ok', value: call.ending === 'ok' ? 1 : 0 },
      { ...of, metric: 'seconds', value: Math.min(call.durationMs / 1_000, 3_600) },
      ...(slowMs === undefined ? [] : [{ ...of, metric: 'slow', value: call.durationMs > slowMs ? 1 : 0 }]),
    ];
  });
}
