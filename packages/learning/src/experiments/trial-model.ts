import type { Model, ModelState } from '../model.ts';
import { createCountTable } from '../cache-advice/count-table.ts';
import { compareArms, type ArmComparison, type ArmSums, type ComparisonOptions } from './compare-arms.ts';

/**
 * One value of one metric of an experiment. Values are taken to be independent: as a few sessions make most of the calls, and arms are
 * given to sessions, the honest value is one a session, their mean.
 */
export interface TrialValue {
  readonly experiment: string;
  readonly arm: string;
  readonly metric: string;
  readonly value: number;
  /** What was told before of the same session, which this takes the place of. */
  readonly instead?: number | undefined;
}

/** Which sums. */
export type TrialOf = Pick<TrialValue, 'experiment' | 'arm' | 'metric'>;

export interface TrialModel extends Model<TrialValue> {
  readonly sums: (of: TrialOf) => ArmSums;
  /** The arm `candidate` against the arm `control`, in a metric of an experiment. */
  readonly compare: (of: { readonly experiment: string; readonly metric: string }, options?: ComparisonOptions) => ArmComparison;
}

/** Sums up what experiments have shown. Values are kept in thousandths, as whole numbers, so that a merge is exact. */
export function createTrialModel({ maxRows = 5_000 }: { readonly maxRows?: number } = {}): TrialModel {
  const table = createCountTable({ columns: 3, maxRows });
  const sums = ({ experiment, arm, metric }: TrialOf): ArmSums => {
    const [count, sum, sumOfSquares] = table.get(keyOf(experiment, arm, metric)) as [number, number, number];
    return { count, sum: sum / 1_000, sumOfSquares: sumOfSquares / 1_000_000 };
  };
  return {
    name: 'trials',
    tables: [{ name: 'arms', columns: ['count', 'sum', 'sumOfSquares'], rule: 'sum' }],
    observe: ({ experiment, arm, metric, value, instead }) => {
      const [whole, before] = [Math.round(value * 1_000), Math.round((instead ?? 0) * 1_000)];
      if (!Number.isSafeInteger(whole * whole) || !Number.isSafeInteger(before * before)) return;
      table.add(keyOf(experiment, arm, metric), [instead === undefined ? 1 : 0, whole - before, whole * whole - before * before]);
    },
    sums,
    compare: ({ experiment, metric }, options) =>
      compareArms(sums({ experiment, arm: 'control', metric }), sums({ experiment, arm: 'candidate', metric }), options),
    save: () => new Map([['arms', table.save()]]),
    load: (state: ModelState) => table.load(state.get('arms')),
  };
}

const keyOf = (experiment: string, arm: string, metric: string): string => `${experiment}=${arm}|${metric}`;
