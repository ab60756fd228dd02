import type { ModelTable, TableSpec } from '../model.ts';
import { joinKey } from '../tool-key.ts';
import type { AnomalyKind, Verdict } from './anomaly.ts';
import { EvidenceTable } from './evidence-table.ts';

const COLUMNS = ['atMs', 'factor', 'useful', 'noise'] as const;
const AT = COLUMNS.indexOf('atMs');
const FACTOR = COLUMNS.indexOf('factor');
const USEFUL = COLUMNS.indexOf('useful');
const NOISE = COLUMNS.indexOf('noise');
const MAX_ROWS = 2_000;
/** What an opinion does to the threshold of its subject. */
const STEP = 1.5;
const MOST = 100;
/** A kind is less trusted from this many more opinions against it than for it, by this much for each, up to this. */
const MANY = 5;
const KIND_STEP = 0.1;
const MOST_OF_KIND = 2;

export interface OpinionSubject {
  /** Of the alert. */
  readonly key: string;
  readonly tenant: string;
  readonly kind: AnomalyKind;
}

/** What people think of alerts: noise raises the threshold of its subject above what was told, and when there is much, that of its kind. */
export interface Opinions {
  readonly table: TableSpec;
  add(subject: OpinionSubject, options: { readonly atMs: number; readonly verdict: Verdict; readonly excess: number }): void;
  /** By which a threshold is multiplied; at least 1. */
  factor(subject: OpinionSubject): number;
  save(): Map<string, readonly number[]>;
  load(table: ModelTable | undefined): void;
}

export function createOpinions(): Opinions {
  const rows = new EvidenceTable({ columns: COLUMNS.length, maxRows: MAX_ROWS, evidence: AT });
  const count = (key: string, atMs: number, verdict: Verdict): number[] => {
    const row = rows.get(key) ?? rows.add(key);
    row[AT] = Math.max(row[AT]!, atMs);
    row[FACTOR] = Math.max(1, row[FACTOR]!);
    row[verdict === 'useful' ? USEFUL : NOISE]!++;
    return row;
  };
  return {
    table: { name: 'opinions', columns: COLUMNS, rule: 'latest' },
    add: ({ key, tenant, kind }, { atMs, verdict, excess }) => {
      const own = count(key, atMs, verdict);
      own[FACTOR] = verdict === 'useful' ? Math.max(1, own[FACTOR]! / STEP) : Math.min(MOST, own[FACTOR]! * Math.max(STEP, STEP * excess));
      const all = count(joinKey(tenant, kind), atMs, verdict);
      const more = all[NOISE]! - all[USEFUL]! - MANY + 1;
      all[FACTOR] = Math.max(1, Math.min(MOST_OF_KIND, 1 + KIND_STEP * more));
    },
    factor: ({ key, tenant, kind }) => (rows.get(key)?.[FACTOR] ?? 1) * (rows.get(joinKey(tenant, kind))?.[FACTOR] ?? 1),
    save: () => rows.save(),
    load: (table) => rows.load(table),
  };
}
