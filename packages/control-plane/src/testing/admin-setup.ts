import { GatewayError, type Clock, type Record as CallRecord, type Role, type Status, type UpstreamStatus } from '@signalbox/core';
import { createAdminApi, type AdminApiOptions } from '../admin/admin-api.ts';
import { createJournalRing } from '../journal-ring.ts';
import type { AnomalyBody, LearningPart, ToolInsight } from '../learning-part.ts';
import { createExperimentsDouble } from './experiments-double.ts';
import type { AuditEntry, AuditPart, CachePart, ChangeRecord, MonitorPart, StoragePart } from '../parts.ts';
import { openState } from '../recorded-state/open-state.ts';
import { createMemoryFile } from './memory-file.ts';
import { createMemoryStore } from './memory-store.ts';

export const OWNER_TOKEN = 'token-of-the-owner';

export function upstreamStatus(name: string): UpstreamStatus {
  return {
    name,
    kind: 'stdio',
    state: 'ready',
    reason: 'answers',
    since: '2026-07-28T12:00:00.000Z',
    revision: undefined,
    server: { name, version: '1' },
    tags: [],
    capabilities: ['tools'],
    pid: 42,
    tools: 3,
    resources: 0,
    prompts: 0,
    leftOut: [],
    starts: 1,
    calls: 0,
    failures: 0,
    isolated: 0,
    openedAhead: 0,
    usedAhead: 0,
    inFlight: 0,
    queued: 0,
    breaker: 'closed',
    stderr: ['a line'],
  };
}

export function callRecord(callId: string): CallRecord {
  return {
    callId,
    method: 'tools/call',
    name: 'echo',
    server: undefined,
    principal: 'local',
    upstream: 'github',
    upstreamName: 'echo',
    client: undefined,
    revision: '2026-07-28',
    startedAtMs: 0,
    durationMs: 1,
    queuedMs: 0,
    upstreamMs: 1,
    sentAfterMs: 0,
    paramsBytes: 100,
    resultBytes: 200,
    status: 'ok',
    error: undefined,
    attempts: 1,
    cached: false,
    cacheTier: undefined,
    trace: undefined,
  };
}

/** An admin API with every part and a principal of each role, whose tokens are `token-of-<role>`. */
export async function createAdminSetup(overrides: Partial<AdminApiOptions> = {}) {
  let time = 1000;
  const timers = new Set<() => void>();
  const clock: Clock = {
    now: () => time,
    monotonic: () => time,
    after: (_, run) => {
      timers.add(run);
      return () => timers.delete(run);
    },
  };
  /** Runs all timers that are set now. */
  const tick = (): void => {
    const due = [...timers];
    timers.clear();
    for (const run of due) run();
  };
  const access = (role: Role) => ({ role, token: { env: `TOKEN_${role}` } });
  const file = createMemoryFile(
    JSON.stringify({
      mcpServers: { github: { command: 'x' } },
      admin: {
        access: {
          vera: access('viewer'),
          otto: access('operator'),
          aude: access('auditor'),
          olga: access('owner'),
          nemo: { role: 'owner', token: { env: 'NOT_SET' } },
        },
      },
    }),
  );
  const environment = Object.fromEntries(['viewer', 'operator', 'auditor', 'owner'].map((role) => [`TOKEN_${role}`, `token-of-${role}`]));
  const changes: ChangeRecord[] = [];
  const audit = createAudit(changes);
  const store = overrides.store ?? createMemoryStore();
  const state = await openState({ store, file, clock, audit });
  // The start is in the audit, too.
  changes.length = 0;
  const upstreams = new Map([['github', upstreamStatus('github')]]);
  const status: Status = {
    upstreams: () => [...upstreams.values()],
    virtualServers: () => [],
    sessions: () => ({ open: 2, streams: 1 }),
  };
  const journal = createJournalRing();
  journal.write(callRecord('1'));
  const learning = { ...LEARNING, experiments: createExperimentsDouble() };
  const parts = { audit, monitor: MONITOR, caches: CACHES, storage: STORAGE, learning };
  const api = createAdminApi({
    state,
    status,
    store,
    journal,
    token: OWNER_TOKEN,
    environment,
    version: '1.2.3',
    clock,
    ...parts,
    ...overrides,
  });
  const ask = async (
    method: string,
    path: string,
    { token = OWNER_TOKEN as string | null, body = undefined as unknown, headers = {} } = {},
  ) => {
    const request = new Request(`http://127.0.0.1/api/v1${path}`, {
      method,
      headers: {
        ...(token !== null && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const response = await api.fetch(request);
    const type = response.headers.get('content-type') ?? '';
    if (type.startsWith('text/event-stream')) return { response, status: response.status, body: undefined };
    const text = await response.text();
    return {
      response,
      status: response.status,
      body: (type.endsWith('json') && !type.includes('ndjson') ? JSON.parse(text) : text) as unknown,
    };
  };
  return {
    api,
    ask,
    learning,
    state,
    file,
    store,
    journal,
    changes,
    upstreams,
    tick,
    timers,
    advance: (ms: number) => (time += ms),
  };
}

function createAudit(changes: ChangeRecord[]): AuditPart {
  const entries = (): AuditEntry[] =>
    changes
      .map((record, index) => ({ chain: 'c', sequence: index + 1, hash: 'h', kind: 'change' as const, record, hasPayload: true }))
      .toReversed();
  return {
    list: async ({ limit }) => ({ entries: entries().slice(0, limit), next: undefined }),
    verify: async () => ({ isSound: true, chains: [{ chain: 'c', first: 1, last: 1, head: 'h', broken: undefined }] }),
    payload: async (chain, sequence) => (chain === 'c' && sequence === 1 ? { arguments: '{}', result: null } : undefined),
    change: async (record) => void changes.push(record),
  };
}

const LATENCY = { count: 1, p50Ms: 1, p90Ms: 1, p99Ms: 1, maxMs: 1 };
const MONITOR: MonitorPart = {
  read: async () => ({
    workers: [
      {
        worker: 1,
        pid: 42,
        eventLoop: { delayP50Ms: 1, delayP99Ms: 2, delayMaxMs: 3, utilization: 0.5 },
        cpu: { userSeconds: 1, systemSeconds: 1 },
        memory: { rssBytes: 1, heapUsedBytes: 1, heapTotalBytes: 1, externalBytes: 1 },
        gc: { count: 1, totalMs: 1, maxMs: 1 },
        calls: LATENCY,
      },
    ],
    silent: [2],
    upstreams: { github: LATENCY },
    all: LATENCY,
  }),
  profile: async (kind) => (kind === 'cpu' ? '{"nodes":[]}' : '{"head":{}}'),
};
const CACHES: CachePart = {
  read: async () => ({
    tiers: [{ tier: 'memory', entries: 1, bytes: 1, maxBytes: 1, hits: 1, misses: 1 }],
    hits: 1,
    staleHits: 0,
    misses: 1,
    savedMs: 1,
    similar: { hits: 1, checked: 1, wrong: 0, compared: 1, bound: 0.01 },
    ahead: { made: 2, used: 1 },
  }),
  clear: async () => undefined,
};
const STORAGE: StoragePart = {
  read: () => ({ kind: 'memory', state: 'ok', reason: undefined }),
  backup: async () => ({ path: '/data/backup', bytes: 1, sha256: 'ab' }),
};

const TOOL_INSIGHT: ToolInsight = {
  upstream: 'github',
  tool: 'echo',
  calls: 2,
  failed: 0,
  effect: 'read',
  cache: { kind: 'never', reason: 'too little evidence', ttlMs: 0, invalidatedBy: [], wrongHitBound: 1, hits: 0, staleHits: 0 },
  next: [],
  hints: [],
  fallbacks: [],
};
export const ANOMALY: AnomalyBody = {
  id: '0123456789ab',
  kind: 'arguments',
  principal: 'aa',
  principalName: 'alice',
  upstream: 'github',
  tool: 'echo',
  firstMs: 1,
  lastMs: 2,
  count: 3,
  score: 9,
  threshold: 5.5,
  measure: 'argument bytes',
  observed: 5_000,
  expected: 50,
  low: 20,
  high: 90,
  calls: 200,
};
const LEARNING: Omit<LearningPart, 'experiments'> = {
  anomalies: async ({ kind = ANOMALY.kind }) => ({ anomalies: kind === ANOMALY.kind ? [ANOMALY] : [], heldBack: 0 }),
  judgeAnomaly: async ({ id, verdict }) => {
    if (id !== ANOMALY.id) throw new GatewayError('UNKNOWN_NAME', `There is no anomaly "${id}"`);
    return { ...ANOMALY, feedback: verdict };
  },
  liftRestraint: (id) => {
    if (id !== ANOMALY.id) throw new GatewayError('UNKNOWN_NAME', `Nobody is held back for an anomaly "${id}"`);
    return { untilMs: 9, lifted: true };
  },
  watchAnomalies: () => () => undefined,
  tag: async ({ name, commit = 'c1' }) => ({ name, commit }),
  untag: async (name) => {
    if (name === 'none') throw new GatewayError('UNKNOWN_NAME', `There is no tag "${name}"`);
  },
  clusters: async () => ({
    sessions: 2,
    separation: 0,
    clusters: [
      {
        sessions: 2,
        calls: 9,
        lastMs: 2,
        marks: ['server github'],
        principals: [{ principal: 'aa', principalName: 'alice', sessions: 2 }],
        clients: [{ client: 'test', sessions: 2 }],
      },
    ],
  }),
  status: () => ({
    state: 'learning',
    adviceVersion: 1,
    facts: { written: 2, dropped: 0, learned: 2, kept: 2 },
    restarts: 0,
    cpuSeconds: 0.1,
    otherGateways: 0,
    models: [{ name: 'tools', rows: 1, bytes: 10 }],
    commit: 'c1',
  }),
  why: (need) => ({ need, adviceVersion: 1, matches: [{ name: 'echo', upstream: 'github', tool: 'echo', score: 1, staticRank: 1 }] }),
  tools: async () => ({ tools: [TOOL_INSIGHT] }),
  sequences: async () => ({
    sequences: [{ tools: [{ upstream: 'github', tool: 'echo' }], count: 2, succeeded: 1 }],
    ahead: [
      {
        after: [{ upstream: 'github', tool: 'echo' }],
        upstream: 'github',
        tool: 'add',
        arguments: [{ name: 'a', from: 'the result of the last call' }],
        share: 0.9,
      },
    ],
  }),
  quality: async () => ({ days: [{ day: '2026-03-01', searches: 4, led: 3, lost: 1, place: 0.8, staticPlace: 0.5 }] }),
  proposals: async () => ({
    proposals: [
      {
        id: '0123456789',
        upstream: 'github',
        tool: 'echo',
        callers: 3,
        ofCallers: 4,
        why: '3 of 4 callers …',
        addToDescription: 'Always give `text` (string).',
        schemaPatch: [{ op: 'add', path: '/required', value: ['text'] }],
      },
    ],
  }),
  surfaces: async () => ({
    addresses: [{ surface: 'all', tools: 9, tokens: { all: 900, hot: 500, search: 400 }, hotTools: [], estimated: false }],
    clients: [
      {
        client: 'test',
        conversations: 1,
        toolsEach: 2,
        searches: 0,
        advice: [{ surface: 'all', tokens: { all: 900 }, reason: '1 of 20 conversations are known' }],
      },
    ],
  }),
  commits: async () => ({ commits: [{ id: 'c1', parents: [], message: 'first', atMs: 1, facts: 2, refs: ['live'] }] }),
  diff: async (from, to) => ({ from, to, added: 0, removed: 0, changed: 0, rows: [] }),
  rollBack: async (to) => {
    if (to !== 'c1') throw new GatewayError('UNKNOWN_NAME', `There is no commit, branch or tag "${to}"`);
    return { commit: 'c2' };
  },
  freeze: async () => undefined,
  forget: async () => ({ forgotten: 1, kept: 1, before: 'aa', after: 'bb', commit: 'c2' }),
  replay: async () => ({ facts: 2, tookMs: 1, timesRealTime: 1_000, root: 'aa', isSame: true }),
};
