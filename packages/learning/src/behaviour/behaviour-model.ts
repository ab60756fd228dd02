import { hashOf } from '../cache-advice/hash-of.ts';
import type { CallInteraction, FeedbackInteraction, Interaction } from '../interaction.ts';
import type { Model, ModelState } from '../model.ts';
import { joinKey } from '../tool-key.ts';
import { createAlerts, type Alerts } from './alerts.ts';
import { ANOMALY_KINDS, MEASURES, type AnomalyKind, type Measure } from './anomaly.ts';
import { CALLER, CALLER_COLUMNS, CALLS, FIRST, LAST, PAIR, PAIR_COLUMNS, SEEN_CALLS, SEEN_COLUMNS, TOOL_COLUMNS } from './columns.ts';
import { EvidenceTable } from './evidence-table.ts';
import { createSuspicions, type Observed } from './suspicions.ts';

export interface BehaviourOptions {
  /** Most alerts that are told in one day. */
  readonly alertsPerDay: number;
  /** Days of history before what a caller does may be abnormal. */
  readonly settleDays: number;
}

/** What each caller usually does with each tool, and each tool with all, and what is far from it. */
export interface BehaviourModel extends Model<Interaction>, Pick<Alerts, 'list' | 'find' | 'takeNew' | 'takeAgain' | 'heldBack'> {}

const MAX_PAIRS = 20_000;
const MAX_CALLERS = 5_000;
const MAX_TOOLS = 5_000;
const MAX_SHAPES = 40_000;
const MAX_UPSTREAMS = 20_000;
const MAX_DESTINATIONS = 40_000;
const MAX_ORDERS = 40_000;
/** Shapes of arguments that are kept for one caller and tool; whoever uses more has none. */
const SHAPES_EACH = 16;
/** The same of destinations, and of orders of a caller. */
const DESTINATIONS_EACH = 16;
const ORDERS_EACH = 200;
const DAY_MS = 86_400_000;

export function createBehaviourModel({ alertsPerDay, settleDays }: BehaviourOptions): BehaviourModel {
  const tables = {
    pairs: new EvidenceTable({ columns: PAIR_COLUMNS.length, maxRows: MAX_PAIRS, evidence: CALLS }),
    callers: new EvidenceTable({ columns: CALLER_COLUMNS.length, maxRows: MAX_CALLERS, evidence: CALLS }),
    tools: new EvidenceTable({ columns: TOOL_COLUMNS.length, maxRows: MAX_TOOLS, evidence: CALLS }),
    shapes: new EvidenceTable({ columns: SEEN_COLUMNS.length, maxRows: MAX_SHAPES, evidence: SEEN_CALLS }),
    upstreams: new EvidenceTable({ columns: SEEN_COLUMNS.length, maxRows: MAX_UPSTREAMS, evidence: SEEN_CALLS }),
    destinations: new EvidenceTable({ columns: SEEN_COLUMNS.length, maxRows: MAX_DESTINATIONS, evidence: SEEN_CALLS }),
    orders: new EvidenceTable({ columns: SEEN_COLUMNS.length, maxRows: MAX_ORDERS, evidence: SEEN_CALLS }),
  };
  const alerts = createAlerts({ alertsPerDay });
  const versions = createHashing();
  const shapes = createHashing();
  const names = createHashing();
  const suspect = createSuspicions({ alerts, settleMs: settleDays * DAY_MS });

  const open = (table: EvidenceTable, key: string, atMs: number): number[] => {
    let row = table.get(key);
    if (row === undefined) {
      row = table.add(key);
      row[FIRST] = atMs;
    }
    row[LAST] = Math.max(row[LAST]!, atMs);
    return row;
  };
  /** @returns whether it is there for the first time. */
  const see = (table: EvidenceTable, key: string, atMs: number): boolean => {
    const known = table.get(key);
    const row = known ?? table.add(key);
    row[LAST] = Math.max(row[LAST]!, atMs);
    row[SEEN_CALLS]!++;
    return known === undefined;
  };

  const observeCall = (call: CallInteraction): void => {
    const { tenant, principal, upstream, tool, atMs } = call;
    const callerKey = joinKey(tenant, principal);
    const pairKey = joinKey(callerKey, upstream, tool);
    const caller = open(tables.callers, callerKey, atMs);
    const toolKey = joinKey(tenant, upstream, tool);
    const knownTool = tables.tools.get(toolKey);
    const isNew = tables.pairs.get(pairKey) === undefined;
    const pair = open(tables.pairs, pairKey, atMs);
    const isElsewhere = isNew && see(tables.upstreams, joinKey(callerKey, upstream), atMs);
    const observed: Observed = {
      call,
      caller,
      pair,
      tool: knownTool ?? open(tables.tools, toolKey, atMs),
      isNew,
      isElsewhere,
      isToolNew: knownTool === undefined,
      isNewShape: isShapeNew(pair, pairKey, call),
      newDestinations: countNewDestinations(pair, pairKey, call),
      move: moveOf(caller, callerKey, call),
    };
    suspect(observed);
  };
  const countNewDestinations = (pair: readonly number[], pairKey: string, { destinations = [], atMs }: CallInteraction): number => {
    if (pair[PAIR.destinations]! >= DESTINATIONS_EACH) return 0;
    return destinations.filter((destination) => see(tables.destinations, joinKey(pairKey, destination), atMs)).length;
  };
  const moveOf = (caller: number[], callerKey: string, { session, upstream, tool, atMs }: CallInteraction): Observed['move'] => {
    const [own, now] = [names(session), names(joinKey(upstream, tool))];
    const before = caller[CALLER.session] === own ? caller[CALLER.before]! : undefined;
    caller[CALLER.session] = own;
    caller[CALLER.before] = now;
    if (before === undefined || before === now) return 'none';
    const isKept = caller[CALLER.orders]! < ORDERS_EACH;
    return isKept && see(tables.orders, joinKey(callerKey, String(before), String(now)), atMs) ? 'new' : 'known';
  };
  const isShapeNew = (pair: number[], pairKey: string, { argsShape, toolVersion, atMs, argsBytes }: CallInteraction): boolean => {
    if (argsBytes === 0 && argsShape.length === 0) return false;
    const version = versions(toolVersion);
    if (version !== pair[PAIR.version]) {
      // Another definition may ask for other arguments.
      pair[PAIR.version] = version;
      pair[PAIR.shaped] = 0;
      pair[PAIR.shapes] = 0;
    }
    if (pair[PAIR.shapes]! >= SHAPES_EACH) return false;
    return see(tables.shapes, joinKey(pairKey, String(version), String(shapes(argsShape.join('\n')))), atMs);
  };

  return {
    name: 'behaviour',
    tables: [
      { name: 'pairs', columns: PAIR_COLUMNS, rule: 'latest' },
      { name: 'callers', columns: CALLER_COLUMNS, rule: 'latest' },
      { name: 'tools', columns: TOOL_COLUMNS, rule: 'latest' },
      { name: 'shapes', columns: SEEN_COLUMNS, rule: 'latest' },
      { name: 'upstreams', columns: SEEN_COLUMNS, rule: 'latest' },
      { name: 'destinations', columns: SEEN_COLUMNS, rule: 'latest' },
      { name: 'orders', columns: SEEN_COLUMNS, rule: 'latest' },
      ...alerts.tables,
    ],
    observe: (fact) => {
      if (!Number.isFinite(fact.atMs)) return;
      if (fact.kind === 'call') observeCall(fact);
      else if (fact.kind === 'feedback') judge(alerts, fact);
    },
    save: (): ModelState => new Map([...Object.entries(tables).map(([name, table]) => [name, table.save()] as const), ...alerts.save()]),
    load: (state) => {
      for (const [name, table] of Object.entries(tables)) table.load(state.get(name));
      alerts.load(state);
    },
    list: () => alerts.list(),
    find: (id) => alerts.find(id),
    takeNew: () => alerts.takeNew(),
    takeAgain: () => alerts.takeAgain(),
    get heldBack() {
      return alerts.heldBack;
    },
  };
}

const MAX_HASHES = 5_000;
const HASH_CHARS = 9;

/** Returns numbers that tell texts apart, remembered for those that come again. */
function createHashing(): (text: string) => number {
  const hashes = new Map<string, number>();
  return (text) => {
    let known = hashes.get(text);
    if (known === undefined) {
      if (hashes.size >= MAX_HASHES) hashes.clear();
      hashes.set(text, (known = Number.parseInt(hashOf(text).slice(0, HASH_CHARS), 36)));
    }
    return known;
  };
}

const SEPARATOR = ': ';

/** What an opinion on an anomaly says that it is about, as a fact has it. */
export function toAnomalyTopic({ kind, measure }: { readonly kind: AnomalyKind; readonly measure: Measure }): string {
  return `${kind}${SEPARATOR}${measure}`;
}

function judge(alerts: Alerts, { tenant, principal, upstream, tool, anomaly, verdict, atMs }: FeedbackInteraction): void {
  const [of, by] = anomaly.split(SEPARATOR);
  const kind = ANOMALY_KINDS.find((each) => each === of);
  const measure = MEASURES.find((each) => each === by);
  if (kind === undefined || measure === undefined || verdict === 0) return;
  alerts.judge({ tenant, principal, upstream, tool, kind, measure }, { atMs, verdict: verdict > 0 ? 'useful' : 'noise' });
}
