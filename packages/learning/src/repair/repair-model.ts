import { createCountTable } from '../cache-advice/count-table.ts';
import type { Model, ModelState } from '../model.ts';
import type { CallAttempt } from './call-attempt.ts';
import { compareShapes, parseEdit, writeEdit, type ShapeEdit } from './compare-shapes.ts';

/** A repair that several callers have found on their own, or, as long as there is one caller in all, that one several times. */
export interface Repair {
  readonly tool: string;
  readonly errorCode: string;
  readonly edit: ShapeEdit;
  readonly times: number;
  /** Distinct callers who found it, of all who repaired a call with this error; both counted up to 64. */
  readonly principals: number;
  readonly ofPrincipals: number;
}

export interface RepairQuestion {
  /** Default: of all tools. */
  readonly tool?: string;
  /** Only repairs of this error. Default: of any. */
  readonly errorCode?: string;
  /** The tool's input schema. With it, nothing is told of arguments that it does not name, for those are a caller's own invention. */
  readonly inputSchema?: unknown;
}

export interface RepairModel extends Model<CallAttempt> {
  /** Repairs found by enough callers, the most common first. */
  readonly repairs: (question: RepairQuestion) => readonly Repair[];
}

export interface RepairOptions {
  /** Below so many distinct callers nothing is told to anyone else. Default 3, and never less than 2. */
  readonly minPrincipals?: number;
  /** An attempt is a repair of one that is at most so old. Default ten minutes. */
  readonly maxGapMs?: number;
  readonly maxRows?: number;
}

/**
 * Learns how callers repair calls that were not taken: within a session, a failed call of a tool, then one that succeeds, and what
 * differed in the names and types of their arguments.
 */
export function createRepairModel(options: RepairOptions = {}): RepairModel {
  const minPrincipals = Math.max(2, options.minPrincipals ?? 3);
  const maxGapMs = options.maxGapMs ?? 600_000;
  const edits = createCountTable({ columns: 1, maxRows: options.maxRows ?? 5_000 });
  // A caller has one of 64 places by its hash: places that were taken count callers, never too many of them, and merge by addition.
  const callers = createCountTable({ columns: places, maxRows: options.maxRows ?? 5_000 });
  const failures = new Map<string, CallAttempt>();

  const observe = (attempt: CallAttempt): void => {
    const key = `${attempt.session}|${attempt.tool}`;
    const before = failures.get(key);
    failures.delete(key);
    if (attempt.errorCode !== '') {
      if (failures.size >= maxWaiting) failures.delete(failures.keys().next().value!);
      // Of several failures in a row the last one is what the success is held against.
      failures.set(key, attempt);
      return;
    }
    const gapMs = attempt.atMs - (before?.atMs ?? -Infinity);
    if (before === undefined || attempt.principal === '' || !(gapMs >= 0 && gapMs <= maxGapMs)) return;
    const found = compareShapes(before.shape, attempt.shape);
    if (found.length === 0) return;
    const steps = Array.from({ length: places }, () => 0);
    steps[placeOf(attempt.principal)] = 1;
    const of = rowKey(attempt.tool, before.errorCode);
    callers.add(EVERYBODY, steps);
    callers.add(of, steps);
    for (const edit of found) {
      edits.add(`${of}\n${writeEdit(edit)}`, [1]);
      callers.add(`${of}\n${writeEdit(edit)}`, steps);
    }
  };

  const repairs = ({ tool, errorCode, inputSchema }: RepairQuestion): readonly Repair[] => {
    const found: Repair[] = [];
    const isAlone = countTaken(callers.get(EVERYBODY)) === 1;
    for (const key of edits.keys()) {
      const [ofTool, code, text] = key.split('\n') as [string, string, string];
      if ((tool !== undefined && ofTool !== tool) || (errorCode !== undefined && code !== errorCode)) continue;
      const edit = parseEdit(text);
      const principals = countTaken(callers.get(key));
      const times = edits.get(key)[0]!;
      if (edit === undefined || (isAlone ? times : principals) < minPrincipals || !isRepairOf(edit, inputSchema)) continue;
      const ofPrincipals = Math.max(principals, countTaken(callers.get(rowKey(ofTool, code))));
      found.push({ tool: ofTool, errorCode: code, edit, times, principals, ofPrincipals });
    }
    return found.toSorted((a, b) => b.principals - a.principals || b.times - a.times || (writeEdit(a.edit) < writeEdit(b.edit) ? -1 : 1));
  };

  return {
    name: 'repair',
    tables: [
      { name: 'edits', columns: ['times'], rule: 'sum' },
      { name: 'callers', columns: Array.from({ length: places }, (_, place) => `place${place}`), rule: 'sum' },
    ],
    observe,
    repairs,
    // Failures that wait for their repair are about single sessions and are not saved.
    save: () =>
      new Map([
        ['edits', edits.save()],
        ['callers', callers.save()],
      ]),
    load: (state: ModelState) => {
      edits.load(state.get('edits'));
      callers.load(state.get('callers'));
      failures.clear();
    },
  };
}

/** Whether an edit is about arguments that a tool's schema names; without a schema it may be. */
export function isRepairOf(edit: ShapeEdit, inputSchema: unknown): boolean {
  const properties = (inputSchema as { readonly properties?: unknown } | null | undefined)?.properties;
  if (edit.kind === 'removed' || typeof properties !== 'object' || properties === null) return true;
  return Object.hasOwn(properties, edit.kind === 'renamed' ? edit.to : edit.name);
}

const places = 64;
/** No tool has an empty name. */
const EVERYBODY = '';
const maxWaiting = 2_000;

const rowKey = (tool: string, errorCode: string): string =>
  `${tool.replaceAll('\n', ' ')}\n${errorCode.replaceAll('\n', ' ').slice(0, 100)}`;

const countTaken = (row: readonly number[]): number => row.reduce((taken, count) => taken + (count > 0 ? 1 : 0), 0);

function placeOf(principal: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < principal.length; index++) hash = Math.imul(hash ^ principal.charCodeAt(index), 0x01000193);
  return ((hash ^ (hash >>> 15)) >>> 0) % places;
}
