import type { ModelTable, TableSpec } from '../model.ts';
import { joinKey } from '../tool-key.ts';

const COLUMNS = ['dayMs', 'told', 'heldBack'] as const;
const DAY = COLUMNS.indexOf('dayMs');
const TOLD = COLUMNS.indexOf('told');
const HELD_BACK = COLUMNS.indexOf('heldBack');
const DAY_MS = 86_400_000;
/** How late an event may come. */
const LATE_MS = 7 * DAY_MS;
/** Of the alerts of a day, the share that one caller may cause. */
const PRINCIPAL_SHARE = 0.25;
/** How much of the last of a budget only the most abnormal may take: a threshold is up to this many times higher. */
const STEEPNESS = 1.5;
const ALL = 'all';
const ONE = 'one';

/** Few alerts a day, by the time of events: the more were told, the more abnormal the next one has to be. */
export interface AlertBudget {
  readonly table: TableSpec;
  /** @param asked.excess How many times its threshold a score is. @returns whether there is room, which is taken then. */
  take(asked: { readonly tenant: string; readonly principal: string; readonly atMs: number; readonly excess: number }): boolean;
  /** Times that there was none, on the last day. */
  readonly heldBack: number;
  save(): Map<string, readonly number[]>;
  load(table: ModelTable | undefined): void;
}

export function createAlertBudget({ perDay }: { readonly perDay: number }): AlertBudget {
  const perPrincipal = Math.max(1, Math.ceil(PRINCIPAL_SHARE * perDay));
  let rows = new Map<string, number[]>();
  let dayMs = -Infinity;

  // An event that comes late belongs to the day that is; a clock that was wrong by more begins anew.
  const begin = (atMs: number): void => {
    const day = Math.floor(atMs / DAY_MS) * DAY_MS;
    if (day <= dayMs && day >= dayMs - LATE_MS) return;
    dayMs = day;
    rows = new Map();
  };
  const open = (key: string): number[] => {
    let row = rows.get(key);
    if (row === undefined) rows.set(key, (row = [dayMs, 0, 0]));
    return row;
  };

  return {
    table: { name: 'budget', columns: COLUMNS, rule: 'latest' },
    take: ({ tenant, principal, atMs, excess }) => {
      begin(atMs);
      const all = open(ALL);
      const own = principal === '' ? undefined : rows.get(joinKey(ONE, tenant, principal));
      const used = Math.max(all[TOLD]! / perDay, (own?.[TOLD] ?? 0) / perPrincipal);
      if (used >= 1 || excess < 1 + STEEPNESS * used ** 2) {
        all[HELD_BACK]!++;
        return false;
      }
      all[TOLD]!++;
      if (principal !== '') open(joinKey(ONE, tenant, principal))[TOLD]!++;
      return true;
    },
    get heldBack() {
      return rows.get(ALL)?.[HELD_BACK] ?? 0;
    },
    save: () => new Map([...rows].map(([key, row]) => [key, [...row]])),
    load: (table) => {
      rows = new Map([...(table ?? [])].map(([key, row]) => [key, [...row]]));
      dayMs = rows.get(ALL)?.[DAY] ?? -Infinity;
    },
  };
}
