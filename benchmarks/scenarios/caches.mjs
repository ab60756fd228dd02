import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { LRUCache } from 'lru-cache';
import { RawJson, silentLogger, systemClock } from '../../packages/core/dist/index.js';
import { outcomeCodec } from '../../packages/data-plane/dist/index.js';
import { SEAL_KEY_BYTES, createByteSeal } from '../../packages/security/dist/index.js';
import { AdaptiveCache } from '../../packages/storage/dist/cache/adaptive-cache.js';
import { createAnswerCache, openCompression, openDiskTier, openRedisTier } from '../../packages/storage/dist/index.js';
import { createMixes } from '../lib/mixes.mjs';
import { start } from '../lib/processes.mjs';
import { alternate, toRows } from '../lib/rounds.mjs';
import { summarize } from '../lib/statistics.mjs';

const REDIS = '/usr/bin/redis-server';
const ANSWERS = 2_000;
const HOUR_MS = 3_600_000;
/** Enough that the time in which the cache finds out what it sees does not count for much. */
const USES = 400_000;
/** Looks at each answer in memory, so that the time it takes can be measured. */
const LOOKS = 25;

export const benchmark = {
  name: 'caches',
  about:
    'An answer of 1 KiB from each tier of the cache, opened, unpacked and decoded; and how often what is wanted is there, for ten kinds of traffic, beside the order of last use.',
  budgets: [
    { metric: 'µs per hit in memory', atMost: 2 },
    { metric: 'µs per hit on disk', atMost: 40 },
    { metric: 'hit ratio less that of LRU, worst of all traffic', atLeast: -0.01 },
    { metric: 'hit ratio less that of LRU, with scans', atLeast: 0.03 },
  ],

  async run({ quick }) {
    const folder = await mkdtemp(path.join(tmpdir(), 'signalbox-'));
    const redis = existsSync(REDIS) ? await startRedis(folder) : undefined;
    const tiers = {
      memory: () => [],
      disk: async () => [await openDiskTier({ folder, maxBytes: 64 * 1024 * 1024, clock: systemClock, logger: silentLogger })],
      ...(redis && { redis: async () => [await openRedisTier({ url: redis.url, namespace: 'bench' })] }),
    };
    try {
      const samples = await alternate(Object.keys(tiers), {
        rounds: quick ? 3 : 7,
        measure: (tier) => measureTier(tiers[tier], { isMemory: tier === 'memory' }),
      });
      const hit = (tier) => summarize(samples.get(tier).map(({ cpuUs }) => cpuUs));
      const eviction = compareEviction(USES);
      return {
        rows: [...toRows(samples), ...eviction.rows],
        metrics: {
          'µs per hit in memory': hit('memory'),
          'µs per hit on disk': hit('disk'),
          ...(redis && { 'µs per hit in Redis': hit('redis') }),
          'hit ratio less that of LRU, worst of all traffic': summarize([Math.min(...eviction.gains.values())]),
          'hit ratio less that of LRU, with scans': summarize([eviction.gains.get('Zipf 0.9 with scans')]),
        },
      };
    } finally {
      await redis?.stop();
      await rm(folder, { recursive: true, force: true });
    }
  },
};

async function measureTier(openTiers, { isMemory }) {
  const options = {
    below: async () => ({
      tiers: await openTiers(),
      seal: createByteSeal({ key: Buffer.alloc(SEAL_KEY_BYTES, 7), purpose: 'answers' }),
      compression: await openCompression(),
      compressFromBytes: 1_024,
    }),
    ...outcomeCodec,
    clock: systemClock,
    logger: silentLogger,
  };
  const filled = createAnswerCache({ ...options, memoryBytes: 16 * 1024 * 1024 });
  await filled.get('upstream', 'opens the tiers');
  for (let key = 0; key < ANSWERS; key += 1) filled.set('upstream', keyOf(key), answer(key), { ttlMs: HOUR_MS, staleMs: 0, tookMs: 5 });
  await new Promise((resolve) => {
    setTimeout(resolve, 200);
  });
  // What is to be found below must not be in memory.
  const asked = isMemory ? filled : createAnswerCache({ ...options, memoryBytes: 0 });
  if (!isMemory) await filled.close();
  await asked.get('upstream', 'opens the tiers');
  const looks = isMemory ? LOOKS : 1;
  const before = process.cpuUsage();
  let found = 0;
  for (let look = 0; look < looks; look += 1) {
    for (let key = 0; key < ANSWERS; key += 1) {
      const kept = asked.get('upstream', keyOf(key));
      if ((kept instanceof Promise ? await kept : kept) !== undefined) found += 1;
    }
  }
  const { user, system } = process.cpuUsage(before);
  await asked.close();
  if (found !== looks * ANSWERS) throw new Error(`Found ${found} of ${looks * ANSWERS} answers`);
  return { cpuUs: (user + system) / found };
}

// Made once: whoever asks has its key at hand.
const keys = Array.from({ length: ANSWERS }, (_, key) => flat(key));
function keyOf(key) {
  return keys[key];
}

function flat(key) {
  return Buffer.from(`["","identity",null,0,"1.0.0","definition","tools/call","search"]{"limit":20,"query":"number ${key}"}`).toString();
}

function answer(key) {
  const words = Array.from({ length: 60 }, (_, index) => `result ${key * 60 + index}`).join(', ');
  return {
    kind: 'result',
    result: RawJson.fromBytes(Buffer.from(JSON.stringify({ resultType: 'complete', content: [{ type: 'text', text: words }] }))),
    resultType: 'complete',
    isError: false,
    revision: '2026-07-28',
  };
}

function compareEviction(uses) {
  const gains = new Map();
  const rows = [];
  for (const [name, create] of Object.entries(createMixes(uses))) {
    const keys = create().map((key) => `search {"query":"number ${key}"}`);
    for (const capacity of [2_000, 10_000]) {
      const lru = new LRUCache({ max: capacity });
      const adaptive = new AdaptiveCache({ maxBytes: capacity });
      const byUse = share(keys, { get: (key) => lru.get(key), set: (key) => lru.set(key, true) });
      const own = share(keys, { get: (key) => adaptive.get(key), set: (key) => adaptive.set(key, true, 1) });
      gains.set(name, Math.min(gains.get(name) ?? 1, own - byUse));
      rows.push({ label: `${name}, room for ${capacity}`, values: { shareHit: summarize([own]), shareHitLru: summarize([byUse]) } });
    }
  }
  return { gains, rows };
}

function share(keys, cache) {
  let hits = 0;
  for (const key of keys) {
    if (cache.get(key) === undefined) cache.set(key);
    else hits += 1;
  }
  return hits / keys.length;
}

async function startRedis(folder) {
  const port = await new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
  const server = await start([REDIS, '--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no'], {
    ready: /Ready to accept connections/,
  });
  return { url: `redis://127.0.0.1:${port}`, stop: () => server.stop() };
}
