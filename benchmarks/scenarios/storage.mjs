import { randomBytes } from 'node:crypto';
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import { openStore } from '../../packages/storage/dist/index.js';
import { pinSelf, unpinSelf } from '../lib/processes.mjs';
import { alternate, ratio, toRows } from '../lib/rounds.mjs';
import { quantile, summarize } from '../lib/statistics.mjs';

const { DatabaseSync } = createRequire(new URL('../../packages/storage/package.json', import.meta.url))('@photostructure/sqlite');

const WRITERS = 64;
const KEYS = 50_000;
const PACED = 10_000;
// Half of it can be compressed, as with most of what is kept.
const VALUE = Buffer.concat([randomBytes(512), Buffer.alloc(512, 'signalbox ')]);

export const benchmark = {
  name: 'storage',
  about: `Commits of 1 KiB to random ones of ${KEYS} keys in the SQLite store, each acknowledged when it is on the disk: ${WRITERS} writers as fast as they can, and ${PACED} a second. Beside it the engine alone, on this thread, with one transaction for ${WRITERS} writers; and the disk alone, syncing ${WRITERS} KiB at a time. Nothing is pinned to a core here.`,
  budgets: [
    { metric: 'durable writes a second', atLeast: 10_000 },
    { metric: `p99 of ${PACED} a second, to the larger of 10 ms and twice the disk's`, atMost: 1 },
  ],

  async run({ quick }) {
    unpinSelf();
    const folder = mkdtempSync(path.join(tmpdir(), 'signalbox-bench-'));
    const ms = quick ? 1000 : 4000;
    const store = await openStore({ url: 'sqlite:', namespace: 'signalbox', dataDir: folder });
    const engine = openEngine(path.join(folder, 'engine.db'));
    const file = openSync(path.join(folder, 'disk'), 'w');
    const variants = {
      store: () => measureStore(store, ms),
      [`store, ${PACED} a second`]: () => measurePaced(store, ms),
      engine: () => measureEngine(engine, ms),
      disk: () => measureDisk(file, ms),
    };
    for (const measure of Object.values(variants)) await measure();
    const samples = await alternate(Object.keys(variants), { rounds: quick ? 2 : 5, measure: (variant) => variants[variant]() });
    await store.close();
    engine.database.close();
    closeSync(file);
    rmSync(folder, { recursive: true });
    pinSelf();
    const disk = samples.get('disk');
    const paced = samples.get(`store, ${PACED} a second`);
    return {
      rows: toRows(samples),
      metrics: {
        'durable writes a second': summarize(samples.get('store').map(({ writesPerSecond }) => writesPerSecond)),
        'rate to the engine': ratio(samples, 'writesPerSecond', { of: 'store', to: 'engine' }),
        [`p99 of ${PACED} a second, to the larger of 10 ms and twice the disk's`]: summarize(
          paced.map(({ p99Us }, round) => p99Us / Math.max(10_000, 2 * disk[round].p99Us)),
        ),
      },
    };
  },
};

async function measureStore(store, ms) {
  const latencies = [];
  const startedAt = performance.now();
  const endsAt = startedAt + ms;
  const cpuBefore = process.cpuUsage();
  await Promise.all(
    Array.from({ length: WRITERS }, async () => {
      while (performance.now() < endsAt) latencies.push(await commitOne(store));
    }),
  );
  return report(latencies, { startedAt, cpuBefore });
}

// Commits are due at their times, also when the store is late, so that a pause is felt by all who would have come in it.
async function measurePaced(store, ms) {
  const latencies = [];
  const startedAt = performance.now();
  const cpuBefore = process.cpuUsage();
  const pending = [];
  const count = (ms * PACED) / 1000;
  for (let sent = 0; sent < count;) {
    const due = Math.min(count, Math.floor(((performance.now() - startedAt) * PACED) / 1000));
    for (; sent < due; sent++) pending.push(commitOne(store, startedAt + (sent * 1000) / PACED).then((latency) => latencies.push(latency)));
    await delay(1);
  }
  await Promise.all(pending);
  return report(latencies, { startedAt, cpuBefore });
}

async function measureEngine({ database, put }, ms) {
  const latencies = [];
  const startedAt = performance.now();
  const cpuBefore = process.cpuUsage();
  while (performance.now() < startedAt + ms) {
    const before = performance.now();
    database.exec('BEGIN IMMEDIATE');
    for (let writer = 0; writer < WRITERS; writer++) put.run(1, randomKey(), 1, VALUE);
    database.exec('COMMIT');
    const latency = performance.now() - before;
    for (let writer = 0; writer < WRITERS; writer++) latencies.push(latency);
    await turn();
  }
  return report(latencies, { startedAt, cpuBefore });
}

async function measureDisk(file, ms) {
  const latencies = [];
  const block = Buffer.concat(Array.from({ length: WRITERS }, () => VALUE));
  const startedAt = performance.now();
  let position = 0;
  while (performance.now() < startedAt + ms) {
    const before = performance.now();
    writeSync(file, block, 0, block.length, position);
    fdatasyncSync(file);
    latencies.push(performance.now() - before);
    position = (position + block.length) % (64 * 1024 * 1024);
    await turn();
  }
  return { p50Us: quantile(latencies, 0.5) * 1000, p99Us: quantile(latencies, 0.99) * 1000 };
}

async function commitOne(store, since = performance.now()) {
  await store.commit([{ kind: 'put', collection: 'bench', key: randomKey(), value: VALUE }]);
  return performance.now() - since;
}

function openEngine(file) {
  const database = new DatabaseSync(file);
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 16000');
  database.exec(
    'CREATE TABLE entries (id INTEGER PRIMARY KEY, collection INTEGER NOT NULL, key TEXT NOT NULL, version INTEGER NOT NULL, value BLOB NOT NULL, UNIQUE (collection, key))',
  );
  const put = database.prepare(
    'INSERT INTO entries (collection, key, version, value) VALUES (?, ?, ?, ?) ON CONFLICT (collection, key) DO UPDATE SET version = excluded.version, value = excluded.value',
  );
  return { database, put };
}

function randomKey() {
  return `key-${Math.floor(Math.random() * KEYS)}`;
}

function report(latencies, { startedAt, cpuBefore }) {
  const { user, system } = process.cpuUsage(cpuBefore);
  return {
    writesPerSecond: (latencies.length * 1000) / (performance.now() - startedAt),
    p50Us: quantile(latencies, 0.5) * 1000,
    p99Us: quantile(latencies, 0.99) * 1000,
    cpuUs: (user + system) / latencies.length,
  };
}
