import type { Interaction } from '../interaction.ts';
import type { Model, ModelState } from '../model.ts';
import { joinKey, splitKey } from '../tool-key.ts';

export interface ToolId {
  readonly upstream: string;
  readonly tool: string;
}

export interface NextTool extends ToolId {
  readonly share: number;
}

export interface FrequentSequence {
  readonly tools: readonly ToolId[];
  readonly count: number;
  /** Of its last calls, the share that went well. */
  readonly succeeded: number;
}

/** Sequences of tools within sessions: which follow which, counted up to four in a row. */
export interface Sequences extends Model<Interaction> {
  /** What is called after a tool, most often first. */
  next(after: ToolId, limit: number): readonly NextTool[];
  /** What comes again and again, most often first; no sequence that only ever is a part of a longer one. */
  frequent(limit: number): readonly FrequentSequence[];
}

const LONGEST = 4;
const MAX_ROWS = 100_000;
const MAX_SESSIONS = 5_000;
const SESSION_MS = 3_600_000;
const COUNT = 0;
const SUCCEEDED = 1;
const LEAST_COUNT = 3;

interface Session {
  atMs: number;
  /** Keys of the last tools, oldest first. */
  readonly tools: string[];
}

export function createSequences(): Sequences {
  let grams = new Map<string, number[]>();
  let sessions = new Map<string, Session>();

  const prune = (): void => {
    // What was seen once goes first; if that is not enough, what was seen least.
    for (let least = 1; grams.size > 0.9 * MAX_ROWS; least *= 2)
      for (const [key, row] of grams) if (row[COUNT]! <= least) grams.delete(key);
  };
  const sessionOf = (key: string, atMs: number): Session => {
    let session = sessions.get(key);
    if (session !== undefined && atMs - session.atMs <= SESSION_MS) {
      // Last used stands last.
      sessions.delete(key);
      sessions.set(key, session);
    } else {
      if (sessions.size >= MAX_SESSIONS) sessions.delete(sessions.keys().next().value!);
      sessions.delete(key);
      sessions.set(key, (session = { atMs, tools: [] }));
    }
    session.atMs = atMs;
    return session;
  };

  return {
    name: 'sequences',
    tables: [
      { name: 'grams', columns: ['count', 'succeeded'], rule: 'sum' },
      { name: 'sessions', columns: ['atMs', 'order'], rule: 'latest' },
    ],
    observe: (fact) => {
      if (fact.kind !== 'call' || fact.ending === 'refused' || fact.ending === 'cancelled') return;
      const session = sessionOf(joinKey(fact.tenant, fact.session), fact.atMs);
      session.tools.push(joinKey(fact.upstream, fact.tool));
      if (session.tools.length > LONGEST) session.tools.shift();
      if (grams.size >= MAX_ROWS) prune();
      for (let length = 1; length <= session.tools.length; length++) {
        const key = joinKey(fact.tenant, ...session.tools.slice(-length));
        let row = grams.get(key);
        if (row === undefined) grams.set(key, (row = [0, 0]));
        row[COUNT]!++;
        if (fact.ending === 'ok') row[SUCCEEDED]!++;
      }
    },
    save: (): ModelState => {
      const rows = new Map<string, readonly number[]>();
      let order = 0;
      for (const [key, { atMs, tools }] of sessions) rows.set(joinKey(key, ...tools), [atMs, order++]);
      return new Map([
        ['grams', new Map([...grams].map(([key, row]) => [key, [...row]]))],
        ['sessions', rows],
      ]);
    },
    load: (state) => {
      grams = new Map([...(state.get('grams') ?? [])].map(([key, row]) => [key, [...row]]));
      sessions = new Map();
      const rows = [...(state.get('sessions') ?? [])].toSorted(([, a], [, b]) => a[1]! - b[1]!);
      for (const [key, [atMs = 0]] of rows) {
        const [tenant = '', session = '', ...parts] = splitKey(key);
        const tools = parts.flatMap((part, index) => (index % 2 === 0 ? [joinKey(part, parts[index + 1] ?? '')] : []));
        sessions.set(joinKey(tenant, session), { atMs, tools });
      }
    },
    next: ({ upstream, tool }, limit) => {
      const found: [NextTool, number][] = [];
      let total = 0;
      for (const [key, row] of grams) {
        const parts = splitKey(key);
        if (parts.length !== 5 || parts[1] !== upstream || parts[2] !== tool) continue;
        total += row[COUNT]!;
        found.push([{ upstream: parts[3]!, tool: parts[4]!, share: 0 }, row[COUNT]!]);
      }
      return found
        .toSorted(([one, a], [other, b]) => b - a || (joinKey(one.upstream, one.tool) < joinKey(other.upstream, other.tool) ? -1 : 1))
        .slice(0, limit)
        .map(([next, count]) => ({ ...next, share: count / total }));
    },
    frequent: (limit) => {
      const rows = [...grams].filter(([key, row]) => row[COUNT]! >= LEAST_COUNT && splitKey(key).length > 3);
      const inLonger = new Map<string, number>();
      for (const [key, row] of rows) {
        const parts = splitKey(key);
        for (const part of [joinKey(parts[0]!, ...parts.slice(3)), joinKey(...parts.slice(0, -2))])
          inLonger.set(part, Math.max(inLonger.get(part) ?? 0, row[COUNT]!));
      }
      return rows
        .filter(([key, row]) => inLonger.get(key) !== row[COUNT])
        .toSorted(([one, a], [other, b]) => b[COUNT]! - a[COUNT]! || other.length - one.length || (one < other ? -1 : 1))
        .slice(0, limit)
        .map(([key, row]) => {
          const parts = splitKey(key).slice(1);
          const tools = parts.flatMap((upstream, index) => (index % 2 === 0 ? [{ upstream, tool: parts[index + 1]! }] : []));
          return { tools, count: row[COUNT]!, succeeded: row[SUCCEEDED]! / row[COUNT]! };
        });
    },
  };
}
