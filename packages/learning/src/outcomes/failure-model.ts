import type { CallInteraction } from '../interaction.ts';
import type { Model, ModelState, ModelTable } from '../model.ts';
import { joinKey } from '../tool-key.ts';

/** A call as the prediction of its end sees it. */
export interface AttemptEvent {
  readonly session: string;
  readonly atMs: number;
  readonly upstream: string;
  readonly tool: string;
  /** Names and JSON types of the top-level arguments, as `path:string`. */
  readonly argsShape: readonly string[];
  /** Tells the same arguments from others; empty where they are not known. */
  readonly argsKey: string;
}

/** Learns from attempts and how they ended; foretells, before an attempt is made, whether it will fail. */
export interface FailureModel extends Model<AttemptEvent & { readonly isOk: boolean }> {
  /** From 0 to 1. Changes nothing. */
  risk(attempt: AttemptEvent): number;
}

// FTRL-proximal (McMahan et al., "Ad Click Prediction: a View from the Trenches", 2013), without the first norm.
const ALPHA = 0.2;
const BETA = 1;
const L2 = 0.4;
const MAX_ROWS = 100_000;
const MAX_SESSIONS = 5_000;
const SESSION_TOOLS = 64;
/** Calls of its own from which on a tool's rate counts by half. */
const PRIOR = 2;
const STREAK = 3;

interface Session {
  atMs: number;
  calls: number;
  streak: number;
  /** Failures in a row, by tool, by server and by tool with its arguments; -1 after a success. */
  readonly last: Map<string, number>;
  previous: string;
}

export function createFailureModel(): FailureModel {
  let weights = new Map<string, number[]>();
  let rates = new Map<string, number[]>();
  let sessions = new Map<string, Session>();

  const weightOf = (feature: string): number => {
    const row = weights.get(feature);
    return row === undefined ? 0 : -row[0]! / ((BETA + Math.sqrt(row[1]!)) / ALPHA + L2);
  };
  const rateOf = (key: string, prior: number, strength: number): number => {
    const [calls, failed] = rates.get(key) ?? [0, 0];
    return (failed! + strength * prior) / (calls! + strength);
  };
  /** Rate of the tool, drawn towards that of its server, and that towards all. */
  const ownRate = ({ upstream, tool }: Pick<AttemptEvent, 'upstream' | 'tool'>): number => {
    const all = rateOf(ALL, 0.1, 10);
    return rateOf(joinKey('t', upstream, tool), rateOf(joinKey('s', upstream), all, 4), PRIOR);
  };
  const predict = (attempt: AttemptEvent): { readonly risk: number; readonly features: readonly string[]; readonly offset: number } => {
    const features = featuresOf(attempt, sessions.get(attempt.session));
    // What the tool does on average is where it begins; the features say how this call differs.
    const rate = ownRate(attempt);
    const offset = Math.log(rate / (1 - rate));
    const sum = features.reduce((total, feature) => total + weightOf(feature), offset);
    return { risk: 1 / (1 + Math.exp(-sum)), features, offset };
  };
  const sessionOf = (name: string): Session => {
    const known = sessions.get(name);
    sessions.delete(name);
    if (known === undefined && sessions.size >= MAX_SESSIONS) sessions.delete(sessions.keys().next().value!);
    const session = known ?? { atMs: 0, calls: 0, streak: 0, last: new Map<string, number>(), previous: '' };
    sessions.set(name, session);
    return session;
  };
  const evict = (): void => {
    // Least seen first: what the gradient has moved least.
    const least = [...weights].toSorted(([one, a], [other, b]) => a[1]! - b[1]! || (one < other ? -1 : 1)).slice(0, MAX_ROWS / 10);
    for (const [feature] of least) weights.delete(feature);
  };

  return {
    name: 'failures',
    tables: [
      { name: 'weights', columns: ['z', 'n'], rule: 'sum' },
      { name: 'rates', columns: ['calls', 'failed'], rule: 'sum' },
      { name: 'sessions', columns: ['atMs', 'order', 'calls', 'streak'], rule: 'latest' },
    ],
    risk: (attempt) => predict(attempt).risk,
    observe: (event) => {
      const { upstream, tool, isOk } = event;
      const { risk, features } = predict(event);
      const error = risk - (isOk ? 0 : 1);
      if (weights.size >= MAX_ROWS) evict();
      for (const feature of features) {
        let row = weights.get(feature);
        if (row === undefined) weights.set(feature, (row = [0, 0]));
        const step = (Math.sqrt(row[1]! + error * error) - Math.sqrt(row[1]!)) / ALPHA;
        row[0]! += error - step * weightOf(feature);
        row[1]! += error * error;
      }
      for (const key of [ALL, joinKey('s', upstream), joinKey('t', upstream, tool)]) {
        let row = rates.get(key);
        if (row === undefined) rates.set(key, (row = [0, 0]));
        row[0]!++;
        if (!isOk) row[1]!++;
      }
      remember(sessionOf(event.session), event);
    },
    save: (): ModelState =>
      new Map([
        ['weights', copyRows(weights)],
        ['rates', copyRows(rates)],
        ['sessions', toRows(sessions)],
      ]),
    load: (state) => {
      weights = copyRows(state.get('weights'));
      rates = copyRows(state.get('rates'));
      sessions = fromRows(state.get('sessions'));
    },
  };
}

/** A call of the journal for the failure model; `undefined` for what was refused or taken back, which says nothing of the tool. */
export function toAttemptEvent(call: CallInteraction): (AttemptEvent & { readonly isOk: boolean }) | undefined {
  if (call.ending === 'refused' || call.ending === 'cancelled') return undefined;
  const { tenant, principal, session, atMs, upstream, tool, argsShape, argsKey, ending } = call;
  return { session: joinKey(tenant, principal, session), atMs, upstream, tool, argsShape, argsKey, isOk: ending === 'ok' };
}

const ALL = 'all';

// What names a session, its last call and how its tools ended are texts of any kind, so a row's key is JSON.
function toRows(sessions: ReadonlyMap<string, Session>): ModelTable {
  const rows = new Map<string, readonly number[]>();
  let order = 0;
  for (const [name, { atMs, calls, streak, previous, last }] of sessions)
    rows.set(JSON.stringify([name, previous, ...last]), [atMs, order++, calls, streak]);
  return rows;
}

function fromRows(rows: ModelTable | undefined): Map<string, Session> {
  const sessions = new Map<string, Session>();
  for (const [key, [atMs = 0, , calls = 0, streak = 0]] of [...(rows ?? [])].toSorted(([, a], [, b]) => a[1]! - b[1]!)) {
    const [name, previous, ...last] = JSON.parse(key) as [string, string, ...[string, number][]];
    sessions.set(name, { atMs, calls, streak, previous, last: new Map(last) });
  }
  return sessions;
}

function remember(session: Session, { atMs, upstream, tool, argsKey, isOk }: AttemptEvent & { readonly isOk: boolean }): void {
  session.atMs = atMs;
  session.calls++;
  session.streak = isOk ? 0 : session.streak + 1;
  session.previous = joinKey(upstream, tool);
  for (const key of [joinKey('t', upstream, tool), joinKey('s', upstream), joinKey('a', upstream, tool, argsKey)]) {
    const before = session.last.get(key) ?? 0;
    session.last.set(key, isOk ? -1 : Math.max(0, before) + 1);
    if (session.last.size > SESSION_TOOLS) session.last.delete(session.last.keys().next().value!);
  }
}

function featuresOf({ upstream, tool, argsShape, argsKey }: AttemptEvent, session: Session | undefined): string[] {
  const key = joinKey(upstream, tool);
  const ofTool = gradeOf(session?.last.get(joinKey('t', upstream, tool)));
  const ofServer = gradeOf(session?.last.get(joinKey('s', upstream)));
  const ofArguments = argsKey === '' ? 'unknown' : gradeOf(session?.last.get(joinKey('a', upstream, tool, argsKey)));
  const streak = Math.min(STREAK, session?.streak ?? 0);
  const features = [
    'bias',
    `tool ${key}`,
    `server ${upstream}`,
    `streak ${streak}`,
    `tool ended ${ofTool}`,
    `server ended ${ofServer}`,
    `arguments ended ${ofArguments}`,
    `tool ${key} ended ${ofTool}`,
    `server ${upstream} ended ${ofServer}`,
    `ended ${ofTool} ${streak} ${ofArguments}`,
    `place ${Math.min(8, session?.calls ?? 0) >> 1}`,
    `count ${Math.min(8, argsShape.length)}`,
    `tool ${key} count ${Math.min(8, argsShape.length)}`,
    `after ${session?.previous ?? '^'} ${key}`,
  ];
  for (const argument of argsShape) features.push(`argument ${key} ${argument}`);
  return features;
}

function gradeOf(last: number | undefined): string {
  return last === undefined ? 'new' : last < 0 ? 'well' : String(Math.min(STREAK, last));
}

function copyRows(rows: ReadonlyMap<string, readonly number[]> | undefined): Map<string, number[]> {
  return new Map([...(rows ?? [])].map(([key, row]) => [key, [...row]]));
}
