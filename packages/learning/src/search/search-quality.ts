import { EvidenceTable } from '../behaviour/evidence-table.ts';
import type { Interaction, SearchInteraction } from '../interaction.ts';
import type { Model } from '../model.ts';
import { createFeedbackReader } from './read-feedback.ts';
import type { SearchFeedback } from './search-feedback.ts';

/** How good the searches of one day were. */
export interface SearchDay {
  /** Midnight, UTC, as Unix time in milliseconds. */
  readonly atMs: number;
  readonly searches: number;
  /** Searches that were followed by a call that went well of a tool they had shown. */
  readonly led: number;
  /** Searches that were followed by another one only. */
  readonly lost: number;
  /** One divided by the place of the tool that was called, as the mean; and by the place the static ranking alone had for it. */
  readonly place: number | undefined;
  readonly staticPlace: number | undefined;
}

/** Counts day by day what searches came to. */
export interface SearchQuality extends Model<Interaction> {
  /** Days on which something was searched for, newest first. */
  days(limit: number): readonly SearchDay[];
}

const COLUMNS = ['day', 'searches', 'led', 'lost', 'chosen', 'place', 'staticPlace'] as const;
const [DAY, SEARCHES, LED, LOST, CHOSEN, PLACE, STATIC] = [0, 1, 2, 3, 4, 5, 6] as const;
const MAX_DAYS = 400;
const DAY_MS = 86_400_000;
/** Places are kept as whole numbers. */
const PLACE_UNIT = 1_000;

export function createSearchQuality(): SearchQuality {
  const days = new EvidenceTable({ columns: COLUMNS.length, maxRows: MAX_DAYS, evidence: DAY });
  const readFeedback = createFeedbackReader();
  // A search that led to two calls led to something once, and one that was said again in other words to nothing.
  const judged = new WeakSet<SearchInteraction>();

  const dayOf = (atMs: number): number[] => {
    const day = Math.floor(atMs / DAY_MS);
    const key = String(day);
    let row = days.get(key);
    if (row === undefined) {
      row = days.add(key);
      row[DAY] = day;
    }
    return row;
  };
  const take = ({ search, chosen, outcome, shown }: SearchFeedback): void => {
    if (search === undefined || judged.has(search)) return;
    const row = dayOf(search.atMs);
    if (outcome === 'abandoned' || outcome === 'repeated') {
      judged.add(search);
      row[LOST]!++;
      return;
    }
    const place = search.shown.findIndex((_, index) => shown[index]!.key === chosen);
    if (place < 0) return;
    judged.add(search);
    row[LED]!++;
    row[CHOSEN]!++;
    row[PLACE]! += placeValue(place + 1);
    row[STATIC]! += placeValue(search.shown[place]!.staticRank);
  };

  return {
    name: 'quality',
    // The day is the same in all that have it.
    tables: [{ name: 'days', columns: COLUMNS, rule: 'latest' }],
    observe: (fact) => {
      if (!Number.isFinite(fact.atMs)) return;
      if (fact.kind === 'search') dayOf(fact.atMs)[SEARCHES]!++;
      for (const feedback of readFeedback(fact)) take(feedback);
    },
    days: (limit) =>
      [...days.rows.values()]
        .toSorted((one, other) => other[DAY]! - one[DAY]!)
        .slice(0, limit)
        .map(toDay),
    save: () => new Map([['days', days.save()]]),
    load: (state) => days.load(state.get('days')),
  };
}

function toDay(row: readonly number[]): SearchDay {
  const mean = (at: number) => (row[CHOSEN] === 0 ? undefined : row[at]! / PLACE_UNIT / row[CHOSEN]!);
  return {
    atMs: row[DAY]! * DAY_MS,
    searches: row[SEARCHES]!,
    led: row[LED]!,
    lost: row[LOST]!,
    place: mean(PLACE),
    staticPlace: mean(STATIC),
  };
}

function placeValue(place: number): number {
  return place === 0 ? 0 : Math.round(PLACE_UNIT / place);
}
