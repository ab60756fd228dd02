import type { ModelTable, TableSpec } from '../model.ts';
import type { ToolId } from './sequences.ts';

export interface PredictedTool extends ToolId {
  /** Probability that it is called next, as far as the model can tell. */
  readonly share: number;
  /** Times it came right after what the session called last. */
  readonly followed: number;
}

/** How often something was told before it came, and how often that was right. */
export interface PredictionCounts {
  readonly told: number;
  /** What was held most likely came. */
  readonly first: number;
  /** One of the three that were held most likely came. */
  readonly amongThree: number;
  /** Times it was sure of what was held most likely, see `isSure`. */
  readonly sure: number;
  /** Of these, right. */
  readonly sureRight: number;
}

export const TALLY_TABLE: TableSpec = { name: 'tally', columns: ['told', 'first', 'amongThree', 'sure', 'sureRight'], rule: 'sum' };

/** How many are told. */
export const TOLD_TOOLS = 3;
const SURE_SHARE = 0.5;
/** What was seen less often is no habit, whatever else is unlikely. */
const SURE_FOLLOWED = 3;
const ALL = 'all';

/** Whether it is at least as likely as all others together, and has come often enough to say so. */
export function isSure({ share, followed }: PredictedTool): boolean {
  return share >= SURE_SHARE && followed >= SURE_FOLLOWED;
}

export interface PredictionTally {
  readonly counts: PredictionCounts;
  /** @param told Most likely first. */
  see(told: readonly PredictedTool[], called: ToolId): void;
  save(): ModelTable;
  load(table: ModelTable | undefined): void;
}

export function createPredictionTally(): PredictionTally {
  let row = [0, 0, 0, 0, 0];
  return {
    get counts() {
      const [told, first, amongThree, sure, sureRight] = row as [number, number, number, number, number];
      return { told, first, amongThree, sure, sureRight };
    },
    see: (told, { upstream, tool }) => {
      const place = told.findIndex((each) => each.upstream === upstream && each.tool === tool);
      const wasSure = told[0] !== undefined && isSure(told[0]);
      row[0]!++;
      if (place === 0) row[1]!++;
      if (place >= 0) row[2]!++;
      if (wasSure) row[3]!++;
      if (wasSure && place === 0) row[4]!++;
    },
    save: () => new Map([[ALL, [...row]]]),
    load: (table) => {
      row = [...(table?.get(ALL) ?? [0, 0, 0, 0, 0])];
    },
  };
}
