import { GatewayError } from '@signalbox/core';
import type { ModelState, ModelTable, TableSpec } from './model.ts';

/** Three states of one model: what two started from, and what each has become. */
export interface Descendants {
  readonly base: ModelState;
  readonly a: ModelState;
  readonly b: ModelState;
}

/**
 * What two descendants of one base know together. Exact for whole numbers under the rule `sum`: the result is what one learner would
 * hold that had seen the events of both. Rows that both have lost stay lost.
 * @throws GatewayError `INTERNAL` when a row has not the columns that its table declares.
 */
export function mergeStates(tables: readonly TableSpec[], { base, a, b }: Descendants): ModelState {
  return new Map(tables.map((spec) => [spec.name, mergeTable(spec, rowsOf(base, spec), rowsOf(a, spec), rowsOf(b, spec))]));
}

const NO_ROWS: ModelTable = new Map();

function rowsOf(state: ModelState, { name }: TableSpec): ModelTable {
  return state.get(name) ?? NO_ROWS;
}

function mergeTable(spec: TableSpec, base: ModelTable, a: ModelTable, b: ModelTable): ModelTable {
  const merged = new Map<string, readonly number[]>();
  for (const key of new Set([...a.keys(), ...b.keys()])) {
    const rows = [base.get(key), a.get(key), b.get(key)] as const;
    for (const row of rows) if (row !== undefined) checkRow(spec, key, row);
    const row = mergeRow(spec, ...rows);
    if (row !== undefined) merged.set(key, row);
  }
  return merged;
}

type Row = readonly number[] | undefined;

function mergeRow({ rule, columns }: TableSpec, base: Row, a: Row, b: Row): Row {
  if (rule === 'latest') return a === undefined || (b !== undefined && b[0]! > a[0]!) ? b : a;
  // What one of two has dropped had least evidence there; the other's row goes on alone.
  if (a === undefined || b === undefined) return a ?? b;
  if (rule === 'sum') return columns.map((_, column) => a[column]! + b[column]! - (base?.[column] ?? 0));
  const evidence = a[0]! + b[0]! - (base?.[0] ?? 0);
  return columns.map((_, column) => {
    if (column === 0) return evidence;
    if (evidence <= 0) return a[column]!;
    return (a[column]! * a[0]! + b[column]! * b[0]! - (base?.[column] ?? 0) * (base?.[0] ?? 0)) / evidence;
  });
}

function checkRow({ name, columns }: TableSpec, key: string, row: readonly number[]): void {
  if (row.length === columns.length) return;
  throw new GatewayError(
    'INTERNAL',
    `Cannot merge row "${key}" of table "${name}": it has ${row.length} columns rather than ${columns.length}`,
  );
}
