import type { Interaction } from '../interaction.ts';
import type { Model, ModelState } from '../model.ts';
import { joinKey, splitKey } from '../tool-key.ts';
import { clusterSlowly, type SessionCalls } from './cluster-sessions.ts';

/** Sessions that do the same. */
export interface AgentCluster {
  readonly sessions: number;
  readonly calls: number;
  readonly lastMs: number;
  /** The tools and servers that tell it from the others most, best first. */
  readonly marks: readonly string[];
  /** Who has most sessions of it, by keyed hash, and with which software. */
  readonly principals: readonly { readonly principal: string; readonly sessions: number }[];
  readonly clients: readonly { readonly client: string; readonly sessions: number }[];
}

export interface AgentClusters {
  readonly sessions: number;
  /** From -1 to 1, how much nearer sessions are to their own cluster than to the next. */
  readonly separation: number;
  /** Largest first. */
  readonly clusters: readonly AgentCluster[];
}

/** What the newest sessions have called, and which of them are alike. */
export interface SessionCounts extends Model<Interaction> {
  /** For idle time: up to a second of work, with pauses. */
  cluster(pause: () => Promise<void>): Promise<AgentClusters>;
}

interface Session {
  readonly tenant: string;
  readonly principal: string;
  readonly client: string;
  lastMs: number;
  calls: number;
  /** Last time and count, by server and tool. */
  readonly tools: Map<string, number[]>;
}

const MAX_SESSIONS = 1_000;
const MAX_TOOLS = 64;
/** The share of sessions that make room when there is none. */
const PRUNED = 0.1;
/** The newest ones are grouped, of those that have called enough to be like something. */
const CLUSTERED = 300;
const LEAST_CALLS = 3;
const MOST_NAMED = 10;
const LAST = 0;
const COUNT = 1;

export function createSessionCounts(): SessionCounts {
  let sessions = new Map<string, Session>();

  const open = (key: string): Session => {
    let session = sessions.get(key);
    if (session === undefined) {
      if (sessions.size >= MAX_SESSIONS) for (const [oldest] of byAge(sessions).slice(0, PRUNED * MAX_SESSIONS)) sessions.delete(oldest);
      const [tenant = '', , principal = '', client = ''] = splitKey(key);
      sessions.set(key, (session = { tenant, principal, client, lastMs: 0, calls: 0, tools: new Map() }));
    }
    return session;
  };
  const add = (session: Session, tool: string, [lastMs, count]: readonly [number, number]): void => {
    let row = session.tools.get(tool);
    if (row === undefined) {
      if (session.tools.size >= MAX_TOOLS) return;
      session.tools.set(tool, (row = [0, 0]));
    }
    row[LAST] = Math.max(row[LAST]!, lastMs);
    row[COUNT]! += count;
    session.lastMs = Math.max(session.lastMs, lastMs);
    session.calls += count;
  };

  return {
    name: 'sessions',
    tables: [{ name: 'calls', columns: ['lastMs', 'calls'], rule: 'latest' }],
    observe: (fact) => {
      if (fact.kind !== 'call' || fact.ending === 'refused' || fact.ending === 'cancelled') return;
      // A client gives itself its name, which may hold anything.
      const client = fact.client.replaceAll('\0', '');
      const session = open(joinKey(fact.tenant, fact.session, fact.principal, client));
      add(session, joinKey(fact.upstream, fact.tool), [fact.atMs, 1]);
    },
    save: (): ModelState => {
      const rows = new Map<string, readonly number[]>();
      for (const [key, { tools }] of sessions) for (const [tool, row] of tools) rows.set(joinKey(key, tool), [...row]);
      return new Map([['calls', rows]]);
    },
    load: (state) => {
      sessions = new Map();
      for (const [key, row] of state.get('calls') ?? []) {
        const parts = splitKey(key);
        add(open(joinKey(...parts.slice(0, 4))), joinKey(...parts.slice(4)), [row[LAST]!, row[COUNT]!]);
      }
    },
    cluster: async (pause) => {
      const grouped = byAge(sessions)
        .map(([, session]) => session)
        .filter(({ calls }) => calls >= LEAST_CALLS)
        .slice(-CLUSTERED);
      const { assigned, marks, separation } = await clusterSlowly(grouped.map(toSessionCalls), pause);
      const clusters = marks.map((each, cluster) =>
        describe(
          each,
          grouped.filter((_, index) => assigned[index] === cluster),
        ),
      );
      return {
        sessions: grouped.length,
        separation,
        clusters: clusters.filter(({ sessions: size }) => size > 0).toSorted((a, b) => b.sessions - a.sessions || b.lastMs - a.lastMs),
      };
    },
  };
}

// Oldest first. Keys decide between equals, so that what is kept does not depend on how it came to be.
function byAge(sessions: ReadonlyMap<string, Session>): (readonly [string, Session])[] {
  return [...sessions].toSorted(([one, a], [other, b]) => a.lastMs - b.lastMs || (one < other ? -1 : 1));
}

function toSessionCalls({ tools }: Session): SessionCalls {
  const rows = [...tools].toSorted(([one], [other]) => (one < other ? -1 : 1));
  return {
    tools: new Map(
      rows.map(([key, row]) => {
        const [upstream = '', tool = ''] = splitKey(key);
        return [`${upstream}.${tool}`, { upstream, count: row[COUNT]! }];
      }),
    ),
  };
}

function describe(marks: readonly string[], sessions: readonly Session[]): AgentCluster {
  return {
    sessions: sessions.length,
    calls: sessions.reduce((sum, { calls }) => sum + calls, 0),
    lastMs: sessions.reduce((last, { lastMs }) => Math.max(last, lastMs), 0),
    marks,
    principals: mostOf(sessions, ({ principal }) => principal).map(([principal, count]) => ({ principal, sessions: count })),
    clients: mostOf(sessions, ({ client }) => client).map(([client, count]) => ({ client, sessions: count })),
  };
}

function mostOf(sessions: readonly Session[], nameOf: (session: Session) => string): [string, number][] {
  const counts = new Map<string, number>();
  for (const session of sessions) counts.set(nameOf(session), (counts.get(nameOf(session)) ?? 0) + 1);
  return [...counts].toSorted(([one, a], [other, b]) => b - a || (one < other ? -1 : 1)).slice(0, MOST_NAMED);
}
