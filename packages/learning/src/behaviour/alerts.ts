import type { ModelState, TableSpec } from '../model.ts';
import { joinKey, splitKey } from '../tool-key.ts';
import { createAlertBudget } from './alert-budget.ts';
import {
  toAnomalyId,
  type Anomaly,
  type AnomalyEvidence,
  type AnomalyKind,
  type AnomalySubject,
  type Measure,
  type Verdict,
} from './anomaly.ts';
import { EvidenceTable } from './evidence-table.ts';
import { createOpinions } from './opinions.ts';

const COLUMNS = ['lastMs', 'firstMs', 'count', 'score', 'threshold', 'observed', 'expected', 'low', 'high', 'calls', 'feedback'] as const;
const LAST = COLUMNS.indexOf('lastMs');
const FIRST = COLUMNS.indexOf('firstMs');
const COUNT = COLUMNS.indexOf('count');
const SCORE = COLUMNS.indexOf('score');
const THRESHOLD = COLUMNS.indexOf('threshold');
const OBSERVED = COLUMNS.indexOf('observed');
const EXPECTED = COLUMNS.indexOf('expected');
const LOW = COLUMNS.indexOf('low');
const HIGH = COLUMNS.indexOf('high');
const CALLS = COLUMNS.indexOf('calls');
const FEEDBACK = COLUMNS.indexOf('feedback');

const MAX_ALERTS = 1_000;
/** Time within which the same again is not told again. */
const FOLD_MS = 86_400_000;
/** Alerts that wait to be told, or told again, at most; nobody may ever ask for them. */
const MAX_UNTOLD = 200;

export interface AlertsOptions {
  readonly alertsPerDay: number;
}

export interface Suspicion extends AnomalySubject {
  readonly atMs: number;
  readonly score: number;
  /** From where on such a score is told, as long as nobody says otherwise. */
  readonly threshold: number;
  /** Made only when it is told. */
  readonly evidence: () => AnomalyEvidence;
}

/** What was told: few enough a day, each once, and fewer of what people call noise. */
export interface Alerts {
  readonly tables: readonly TableSpec[];
  /** @returns whether it is told, now or as one of those before. */
  raise(suspicion: Suspicion): boolean;
  /** Takes an opinion on what was told of a subject. */
  judge(subject: AnomalySubject, options: { readonly atMs: number; readonly verdict: Verdict }): void;
  /** Newest first. */
  list(): readonly Anomaly[];
  find(id: string): Anomaly | undefined;
  /** Times that something was not told for want of budget, on the last day that something was told. */
  readonly heldBack: number;
  /** What was told since the last time. */
  takeNew(): readonly Anomaly[];
  /** What was told before and seen again since the last time. */
  takeAgain(): readonly Anomaly[];
  save(): ModelState;
  load(state: ModelState): void;
}

export function createAlerts({ alertsPerDay }: AlertsOptions): Alerts {
  const alerts = new EvidenceTable({ columns: COLUMNS.length, maxRows: MAX_ALERTS, evidence: LAST });
  const opinions = createOpinions();
  const budget = createAlertBudget({ perDay: alertsPerDay });
  let untold: string[] = [];
  let again = new Set<string>();
  const read = (keys: Iterable<string>): Anomaly[] =>
    [...keys].flatMap((key) => {
      const row = alerts.get(key);
      return row === undefined ? [] : [toAnomaly([key, row])];
    });

  return {
    tables: [{ name: 'alerts', columns: COLUMNS, rule: 'latest' }, opinions.table, budget.table],
    raise: (suspicion) => {
      const { atMs, score, evidence, tenant, principal, kind } = suspicion;
      const key = keyOf(suspicion);
      const threshold = suspicion.threshold * opinions.factor({ key, tenant, kind });
      if (score < threshold) return false;
      let row = alerts.get(key);
      if (row === undefined || atMs - row[LAST]! > FOLD_MS) {
        if (!budget.take({ tenant, principal, atMs, excess: score / threshold })) return false;
        row ??= alerts.add(key);
        row.fill(0);
        row[FIRST] = atMs;
        if (untold.length < MAX_UNTOLD) untold.push(key);
      } else if (again.size < MAX_UNTOLD) again.add(key);
      row[LAST] = Math.max(row[LAST]!, atMs);
      row[COUNT]!++;
      if (score < row[SCORE]!) return true;
      row[SCORE] = score;
      row[THRESHOLD] = threshold;
      const { observed, expected, low, high, calls } = evidence();
      row[OBSERVED] = observed;
      row[EXPECTED] = expected;
      row[LOW] = low;
      row[HIGH] = high;
      row[CALLS] = calls;
      return true;
    },
    judge: (subject, { atMs, verdict }) => {
      const key = keyOf(subject);
      const row = alerts.get(key);
      if (row === undefined) return;
      row[FEEDBACK] = verdict === 'useful' ? 1 : -1;
      const { tenant, kind } = subject;
      opinions.add({ key, tenant, kind }, { atMs, verdict, excess: row[SCORE]! / row[THRESHOLD]! });
    },
    list: () => [...alerts.rows].map(toAnomaly).toSorted((a, b) => b.lastMs - a.lastMs || b.score - a.score || (a.id < b.id ? -1 : 1)),
    find: (id) => {
      const found = [...alerts.rows].find(([key]) => toAnomalyId(key) === id);
      return found && toAnomaly(found);
    },
    get heldBack() {
      return budget.heldBack;
    },
    takeNew: () => {
      const keys = untold;
      untold = [];
      return read(keys);
    },
    takeAgain: () => {
      if (again.size === 0) return [];
      const keys = again;
      again = new Set();
      return read(keys);
    },
    save: () =>
      new Map([
        ['alerts', alerts.save()],
        [opinions.table.name, opinions.save()],
        [budget.table.name, budget.save()],
      ]),
    load: (state) => {
      alerts.load(state.get('alerts'));
      opinions.load(state.get(opinions.table.name));
      budget.load(state.get(budget.table.name));
      untold = [];
      again = new Set();
    },
  };
}

function keyOf({ tenant, principal, upstream, tool, kind, measure }: AnomalySubject): string {
  return joinKey(tenant, principal, upstream, tool, kind, measure);
}

function toAnomaly([key, row]: readonly [string, readonly number[]]): Anomaly {
  const [tenant = '', principal = '', upstream = '', tool = '', kind, measure] = splitKey(key);
  return {
    id: toAnomalyId(key),
    tenant,
    principal,
    upstream,
    tool,
    kind: kind as AnomalyKind,
    measure: measure as Measure,
    firstMs: row[FIRST]!,
    lastMs: row[LAST]!,
    count: row[COUNT]!,
    score: row[SCORE]!,
    threshold: row[THRESHOLD]!,
    observed: row[OBSERVED]!,
    expected: row[EXPECTED]!,
    low: row[LOW]!,
    high: row[HIGH]!,
    calls: row[CALLS]!,
    feedback: row[FEEDBACK] === 0 ? undefined : row[FEEDBACK]! > 0 ? 'useful' : 'noise',
  };
}
