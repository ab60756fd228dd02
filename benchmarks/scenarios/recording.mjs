import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { createLogger } from '../../apps/gateway/dist/log/create-logger.js';
import { createCallCounts } from '../../apps/gateway/dist/seen/call-counts.js';
import { createCallLog } from '../../apps/gateway/dist/seen/call-log.js';
import { createJournal } from '../../apps/gateway/dist/seen/journal.js';
import { createMonitor } from '../../apps/gateway/dist/seen/monitor.js';
import { resourceOf } from '../../apps/gateway/dist/seen/collector.js';
import { createSpanEncoder } from '../../apps/gateway/dist/seen/span-encoder.js';
import { createSpanSender } from '../../apps/gateway/dist/seen/span-sender.js';
import { createTraceExport } from '../../apps/gateway/dist/seen/trace-export.js';
import { createJournalRing } from '../../packages/control-plane/dist/index.js';
import { parseGatewayConfig, silentLogger, systemClock } from '../../packages/core/dist/index.js';
import { createAudit } from '../../packages/security/dist/index.js';
import { createMemoryStore } from '../../packages/storage/dist/index.js';
import { alternate, toRows } from '../lib/rounds.mjs';
import { summarize } from '../lib/statistics.mjs';

/** As many calls as end in one turn of a busy gateway. */
const PER_TURN = 20;
const ALL = 'µs per call, all readers but traces';
const TRACED = 'µs per call, all readers with each call traced';
const VERIFY = 'records verified a second';

export const benchmark = {
  name: 'recording',
  about:
    'What a record of a call costs each of its readers, with all they do later and elsewhere in the process: batches of the audit written to a store in memory, spans sent to a collector, lines written to a file.',
  budgets: [
    { metric: ALL, atMost: 15 },
    { metric: TRACED, atMost: 25 },
    { metric: VERIFY, atLeast: 100_000 },
  ],

  async run({ quick }) {
    const calls = quick ? 10_000 : 40_000;
    const ways = {
      none: [],
      recent: ['recent'],
      metrics: ['metrics'],
      monitor: ['monitor'],
      audit: ['audit'],
      traces: ['traces'],
      log: ['log'],
    };
    const variants = {
      ...ways,
      'by default': ['recent', 'metrics', 'monitor', 'audit'],
      'all but traces': ['recent', 'metrics', 'monitor', 'audit', 'log'],
      all: Object.values(ways).flat(),
    };
    const collector = await startCollector();
    const folder = await mkdtemp(path.join(tmpdir(), 'signalbox-recording-'));
    const measure = (variant) => measureReaders(variants[variant], { calls, folder, url: collector.url });
    for (const variant of Object.keys(variants)) await measure(variant);
    const samples = await alternate(Object.keys(variants), { rounds: quick ? 3 : 7, measure });
    const verified = [];
    for (let round = 0; round < 3; round++) verified.push(await measureVerify());
    collector.close();
    await rm(folder, { recursive: true, force: true });
    const none = samples.get('none').map(({ cpuUs }) => cpuUs);
    const added = (variant) => summarize(samples.get(variant).map(({ cpuUs }, round) => cpuUs - none[round]));
    return {
      rows: toRows(samples),
      metrics: {
        [ALL]: added('all but traces'),
        [TRACED]: added('all'),
        'µs per call, those that are on by default': added('by default'),
        [VERIFY]: summarize(verified),
      },
    };
  },
};

async function measureReaders(names, { calls, folder, url }) {
  const parts = await openParts(names, { folder, url });
  globalThis.gc?.();
  const before = process.cpuUsage();
  for (let number = 0; number < calls; number++) {
    parts.journal.write(createRecord(number));
    if (number % PER_TURN === 0) await turn();
  }
  await parts.close();
  const { user, system } = process.cpuUsage(before);
  return { cpuUs: (user + system) / calls };
}

async function openParts(names, { folder, url }) {
  const closes = [];
  const readers = [];
  const add = (name, create) => {
    if (names.includes(name)) readers.push(create());
  };
  add('recent', () => ({ name: 'recent', ...createJournalRing() }));
  add('metrics', createCallCounts);
  add('monitor', () => {
    const monitor = createMonitor();
    closes.push(() => monitor.close());
    return monitor;
  });
  add('traces', () => {
    const resource = resourceOf({ version: '1', instance: '1' });
    const encoder = createSpanEncoder(resource, { clientTransport: () => 'tcp', upstreamTransport: () => 'pipe' });
    const sender = createSpanSender({ url, headers: {} });
    const traces = createTraceExport({ encoder, sender, clock: systemClock, logger: silentLogger, maxQueued: 1_000_000 });
    closes.push(() => traces.close(60_000));
    return traces;
  });
  add('log', () => {
    const logger = createLogger(parseGatewayConfig({ log: { file: path.join(folder, 'calls.log') } }).log, {
      dataDir: undefined,
      stderr: process.stderr,
    });
    closes.push(() => logger.close());
    return createCallLog(logger);
  });
  const audit = names.includes('audit') ? openAudit(createMemoryStore()) : undefined;
  if (audit !== undefined) closes.push(() => audit.close());
  return {
    journal: createJournal({ readers, audit, logger: silentLogger }),
    close: async () => {
      for (const close of closes) await close();
    },
  };
}

function openAudit(store) {
  const { audit: config } = parseGatewayConfig({});
  return createAudit({ store, writer: { instance: 'benchmark', slot: 0 }, config, clock: systemClock, logger: silentLogger });
}

async function measureVerify() {
  const audit = openAudit(createMemoryStore());
  const count = 20_000;
  for (let number = 0; number < count; number++) {
    audit.write(createRecord(number));
    if (number % 5_000 === 0) await new Promise((resolve) => void setTimeout(resolve, 50));
  }
  await audit.close();
  const start = performance.now();
  const { isSound, chains } = await audit.verify();
  if (!isSound || chains[0].last !== count) throw new Error('The chain does not verify');
  return (count * 1_000) / (performance.now() - start);
}

function createRecord(number) {
  return {
    callId: `benchmark-${number}`,
    method: 'tools/call',
    name: 'echo',
    server: undefined,
    principal: 'local',
    upstream: 'everything',
    upstreamName: 'echo',
    client: 'benchmark',
    revision: '2026-07-28',
    startedAtMs: Date.now(),
    durationMs: 1.234_567,
    queuedMs: 0,
    upstreamMs: 1.123_456,
    sentAfterMs: 0.012_345,
    paramsBytes: 120,
    resultBytes: 240,
    status: 'ok',
    error: undefined,
    attempts: 1,
    cached: false,
    cacheTier: undefined,
    trace: {
      traceId: '0af7651916cd43dd8448eb211c80319c',
      spanId: 'b7ad6b7169203331',
      parentSpanId: undefined,
      upstreamSpanId: '00f067aa0ba902b7',
      isSampled: true,
    },
  };
}

async function startCollector() {
  const server = createServer((request, response) => request.resume().on('end', () => response.end())).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
