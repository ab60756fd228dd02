/**
 * What can be learned, kept as rows of numbers, so that one codec, one merge, one diff and one "forget" serve every model.
 * A model is deterministic: the same events in the same order give the same rows, bit for bit.
 */
export interface Model<Event> {
  readonly name: string;
  readonly tables: readonly TableSpec[];
  /** Learns from one event. Bounded work and bounded memory: at a limit the rows with least evidence go. Never throws. */
  observe(event: Event): void;
  /** A copy of all rows; later events do not change it. */
  save(): ModelState;
  /** Replaces everything that was learned. `load(save())` leaves every prediction as it was, bit for bit. */
  load(state: ModelState): void;
}

export interface TableSpec {
  readonly name: string;
  readonly columns: readonly string[];
  /**
   * How two descendants of one base become one, column by column:
   * `sum` adds what each has added (exact for whole numbers), `mean` weighs by the first column, which is the evidence and is summed,
   * `latest` takes the row whose first column, a Unix time in milliseconds, is greater.
   */
  readonly rule: 'sum' | 'mean' | 'latest';
}

/** Table name → row key → one number for each column. */
export type ModelState = ReadonlyMap<string, ModelTable>;
export type ModelTable = ReadonlyMap<string, readonly number[]>;
