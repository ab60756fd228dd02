import { createFeedbackReader } from '../search/read-feedback.ts';
import type { SearchFeedback } from '../search/search-feedback.ts';
import { toName } from '../search/to-name.ts';
import type { CallInteraction, Interaction, SearchInteraction } from '../interaction.ts';
import type { Model, ModelTable } from '../model.ts';
import { createTrialModel, type TrialModel } from './trial-model.ts';

/** What a session in an arm is measured by, each once, as its mean. */
export const METRICS = ['success', 'repeated', 'failed', 'slow', 'kilobytes', 'place', 'sessions'] as const;
export type MetricName = (typeof METRICS)[number];

/** The arm of sessions to which nothing of the candidate is shown, although what it would show is known. */
export const SHADOW_ARM = 'shadow';
/** A call that takes longer is slow. */
export const SLOW_CALL_MS = 1_000;

export interface ExperimentModel extends Model<Interaction> {
  readonly trials: TrialModel;
}

const COLUMNS = [
  'atMs',
  'searches',
  'succeeded',
  'repeated',
  'answerBytes',
  'calls',
  'failed',
  'slow',
  'chosen',
  'controlPlace',
  'candidatePlace',
] as const;
type Row = Record<(typeof COLUMNS)[number], number>;

const MAX_SESSIONS = 10_000;
const MAX_ARMS = 8;
const KIBI = 1_024;
/** Places are kept as whole numbers. */
const PLACE_UNIT = 1_000;

/**
 * Counts what experiments show, arm by arm. Arms are given to sessions, so each session is one value of each metric: the mean of what it
 * has done by now. A call counts only where its session has searched before in the same arm, as an experiment is about searches.
 */
export function createExperimentModel({ maxSessions = MAX_SESSIONS }: { readonly maxSessions?: number } = {}): ExperimentModel {
  const trials = createTrialModel();
  const sessions = new Map<string, Row>();
  const readFeedback = createFeedbackReader();
  // A search that went well twice went well.
  const succeeded = new WeakSet<SearchInteraction>();

  const change = (key: Key, atMs: number, steps: Partial<Row>): void => {
    const name = nameOf(key);
    const before = sessions.get(name);
    if (before === undefined) makeRoom(sessions, maxSessions);
    const after = { ...(before ?? EMPTY) };
    for (const column of COLUMNS) after[column] += steps[column] ?? 0;
    after.atMs = Math.max(after.atMs, atMs);
    sessions.set(name, after);
    const told = before === undefined ? new Map<string, number>() : valuesOf(key, before);
    for (const [of, value] of valuesOf(key, after)) {
      const instead = told.get(of);
      if (instead === value) continue;
      const [arm, metric] = of.split(' ') as [string, string];
      trials.observe({ experiment: key.experiment, arm, metric, value, instead });
    }
  };

  const take = (feedback: SearchFeedback, atMs: number): void => {
    const { search, chosen, outcome, shown } = feedback;
    if (search === undefined) return;
    const isLost = outcome === 'abandoned' || outcome === 'repeated';
    const place = search.shown.findIndex((_, index) => shown[index]!.key === chosen);
    if (!isLost && (place < 0 || succeeded.has(search))) return;
    if (!isLost) succeeded.add(search);
    for (const key of keysOf(search)) {
      if (isLost) change(key, atMs, { repeated: 1 });
      else if (key.arm !== SHADOW_ARM) change(key, atMs, { succeeded: 1 });
      else {
        const { candidateRank = 0 } = search.shown[place]!;
        change(key, atMs, { succeeded: 1, chosen: 1, controlPlace: placeValue(place + 1), candidatePlace: placeValue(candidateRank) });
      }
    }
  };

  const takeCall = (call: CallInteraction): void => {
    if (call.ending === 'cancelled') return;
    for (const key of keysOf(call))
      if (sessions.has(nameOf(key)))
        change(key, call.atMs, { calls: 1, failed: call.ending === 'ok' ? 0 : 1, slow: call.durationMs > SLOW_CALL_MS ? 1 : 0 });
  };

  return {
    name: 'experiments',
    tables: [...trials.tables, { name: 'sessions', columns: COLUMNS, rule: 'latest' }],
    trials,
    observe: (interaction) => {
      // A call without arms may still be what a search in an arm was for: that its stage has ended does not make it less.
      if (
        interaction.kind === 'feedback' ||
        interaction.kind === 'comparison' ||
        (interaction.kind === 'search' && interaction.arms.length === 0)
      )
        return;
      for (const feedback of readFeedback(interaction)) take(feedback, interaction.atMs);
      if (interaction.kind === 'call') takeCall(interaction);
      else for (const key of keysOf(interaction)) change(key, interaction.atMs, { searches: 1, answerBytes: interaction.answerBytes ?? 0 });
    },
    save: () => new Map([...trials.save(), ['sessions', saveSessions(sessions)]]),
    load: (state) => {
      trials.load(state);
      sessions.clear();
      for (const [name, values] of state.get('sessions') ?? []) if (values.length === COLUMNS.length) sessions.set(name, toRow(values));
    },
  };
}

interface Key {
  readonly experiment: string;
  readonly arm: string;
  readonly session: string;
}

function keysOf({ arms, session, principal }: Interaction): Key[] {
  return arms.slice(0, MAX_ARMS).flatMap((entry) => {
    const split = entry.lastIndexOf('=');
    if (split < 1) return [];
    return [{ experiment: toName(entry.slice(0, split)), arm: entry.slice(split + 1), session: toName(session || principal) }];
  });
}

function nameOf({ experiment, arm, session }: Key): string {
  return `${experiment}=${arm}\0${session}`;
}

const EMPTY: Row = Object.freeze(toRow([]));

function toRow(values: readonly number[]): Row {
  return Object.fromEntries(COLUMNS.map((column, index) => [column, values[index] ?? 0])) as Row;
}

// By arm and metric. In the shadow both rankings are judged by what the same session chose.
function valuesOf({ arm }: Key, row: Row): Map<string, number> {
  if (arm === SHADOW_ARM) {
    if (row.chosen === 0) return new Map();
    const mean = (sum: number) => sum / PLACE_UNIT / row.chosen;
    return new Map([
      ['control place', mean(row.controlPlace)],
      ['candidate place', mean(row.candidatePlace)],
      ['control sessions', 1],
      ['candidate sessions', 1],
    ]);
  }
  const values = new Map([[`${arm} sessions`, 1]]);
  if (row.searches > 0) {
    values.set(`${arm} success`, row.succeeded / row.searches);
    values.set(`${arm} repeated`, row.repeated / row.searches);
    values.set(`${arm} kilobytes`, row.answerBytes / KIBI / row.searches);
  }
  if (row.calls > 0) {
    values.set(`${arm} failed`, row.failed / row.calls);
    values.set(`${arm} slow`, row.slow / row.calls);
  }
  return values;
}

/** What a place is worth: its reciprocal, and nothing where the tool is not shown. */
function placeValue(place: number): number {
  return place === 0 ? 0 : Math.round(PLACE_UNIT / place);
}

// The longest silent go, a tenth at once. Their order is told by what they hold, so that it is the same after a restart.
function makeRoom(sessions: Map<string, Row>, maxSessions: number): void {
  if (sessions.size < maxSessions) return;
  const byAge = [...sessions].toSorted(([a, left], [b, right]) => left.atMs - right.atMs || (a < b ? -1 : 1));
  for (const [name] of byAge.slice(0, Math.max(1, Math.floor(maxSessions / 10)))) sessions.delete(name);
}

function saveSessions(sessions: ReadonlyMap<string, Row>): ModelTable {
  return new Map([...sessions].map(([name, row]) => [name, COLUMNS.map((column) => row[column])]));
}
