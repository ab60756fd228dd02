import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger, type ByteSeal, type CacheTier, type Clock } from '@signalbox/core';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createAnswerCache, type TieredCache } from './answer-cache.ts';
import { createDiskTier } from './disk-tier.ts';
import { openCompression } from './open-tiers.ts';

let folder: string;
beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'answers-'))));
afterEach(() => rm(folder, { recursive: true, force: true }));

function createClock(now = 1_000_000) {
  const time = { now, monotonic: 0 };
  const timers = new Set<() => void>();
  const clock: Clock = {
    now: () => time.now,
    monotonic: () => time.monotonic,
    after: (_, run) => {
      timers.add(run);
      return () => timers.delete(run);
    },
  };
  const advance = (ms: number) => {
    time.now += ms;
    time.monotonic += ms;
  };
  const runTimers = () => {
    for (const run of timers) {
      timers.delete(run);
      run();
    }
  };
  return { clock, time, advance, runTimers };
}

// Not a secret one, but one that notices changes: the place and a sum stand beside the bytes.
const seal: ByteSeal = {
  seal: (bytes, place) =>
    Buffer.concat([Buffer.from([bytes.reduce((sum, byte) => (sum * 31 + byte) & 0xff, 7)]), Buffer.from(`${place}\0`), bytes]),
  open: (sealed, place) => {
    const head = Buffer.from(`${place}\0`);
    const bytes = sealed.subarray(1 + head.length);
    const isOurs = sealed.subarray(1, 1 + head.length).equals(head);
    return isOurs && sealed[0] === bytes.reduce((sum, byte) => (sum * 31 + byte) & 0xff, 7) ? bytes : undefined;
  },
};

function createCache(clock: Clock, tiers: () => readonly CacheTier[], memoryBytes = 1_000_000): TieredCache<string> {
  return createAnswerCache<string>({
    memoryBytes,
    below: async () => ({ tiers: tiers(), seal, compression: await openCompression(), compressFromBytes: 1_000 }),
    sizeOf: (value) => value.length,
    encode: (value) => Buffer.from(value),
    decode: (bytes) => (bytes.length === 0 ? undefined : bytes.toString()),
    clock,
    logger: silentLogger,
  });
}

const disk = (clock: Clock, maxBytes = 1_000_000) => createDiskTier({ folder, maxBytes, clock, logger: silentLogger });
const kept = { ttlMs: 1_000, staleMs: 500, tookMs: 42 };

test('an answer is fresh, then stale, then gone', async () => {
  const { clock, advance } = createClock();
  const cache = createCache(clock, () => []);
  cache.set('files', 'read a', 'answer', kept);
  expect(await cache.get('files', 'read a')).toEqual({
    value: 'answer',
    freshUntilMs: 1_000,
    staleUntilMs: 1_500,
    tookMs: 42,
    tier: 'memory',
  });
  advance(1_499);
  expect(await cache.get('files', 'read a')).toMatchObject({ value: 'answer' });
  advance(1);
  expect(await cache.get('files', 'read a')).toBeUndefined();
});

test('an answer from disk outlives the process, with the rest of its time', async () => {
  const { clock, advance } = createClock();
  const first = createCache(clock, () => [disk(clock)]);
  const large = 'large '.repeat(10_000);
  first.set('files', 'small', 'answer', kept);
  first.set('files', 'large', large, kept);
  await first.read();
  await first.close();
  advance(400);
  const second = createCache(clock, () => [disk(clock)]);
  expect(await second.get('files', 'small')).toEqual({
    value: 'answer',
    freshUntilMs: 1_000,
    staleUntilMs: 1_500,
    tookMs: 42,
    tier: 'disk',
  });
  expect((await second.get('files', 'large'))?.value).toBe(large);
  expect(await second.get('files', 'other')).toBeUndefined();
  expect(await second.get('fil', 'es\nsmall')).toBeUndefined();
  const readings = await second.read();
  expect(readings).toMatchObject([
    { tier: 'memory', entries: 2, hits: 0, misses: 4 },
    { tier: 'disk', entries: 2, hits: 2, misses: 2, failures: 0 },
  ]);
  expect(readings[1]!.bytes).toBeLessThan(large.length / 10);
  advance(1_100);
  await second.close();
  const third = createCache(clock, () => [disk(clock)]);
  expect(await third.get('files', 'small')).toBeUndefined();
  await third.close();
});

test('an answer from the future is not believed', async () => {
  const { clock, time } = createClock();
  const first = createCache(clock, () => [disk(clock)]);
  first.set('files', 'a', 'answer', kept);
  await first.close();
  time.now -= 3_600_000;
  const second = createCache(clock, () => [disk(clock)]);
  expect(await second.get('files', 'a')).toBeUndefined();
  await second.close();
});

test('no byte of a value can be changed unnoticed, and a value put in another place is not given there', async () => {
  const { clock } = createClock();
  const values = new Map<string, Buffer>();
  const tier: CacheTier = {
    name: 'map',
    get: (group, key) => values.get(`${group} ${key}`),
    set: (group, key, value) => void values.set(`${group} ${key}`, value),
    delete: (group, key) => void values.delete(`${group} ${key}`),
    clear: () => values.clear(),
    read: () => ({ entries: values.size, bytes: 0, maxBytes: 0 }),
    close: () => undefined,
  };
  const fill = createCache(clock, () => [tier]);
  fill.set('files', 'a', 'answer', kept);
  await fill.read();
  const good = values.get('files a')!;
  for (let index = 0; index < good.length; index += 1) {
    const bad = Buffer.from(good);
    bad[index]! ^= 1 << (index % 8);
    values.set('files a', bad);
    const cache = createCache(clock, () => [tier]);
    expect(await cache.get('files', 'a')).toBeUndefined();
    expect(await cache.read()).toMatchObject([{}, { failures: 1, hits: 0 }]);
    expect(values.has('files a')).toBe(false);
  }
  values.set('files b', good);
  const cache = createCache(clock, () => [tier]);
  expect(await cache.get('files', 'b')).toBeUndefined();
});

test('a tier that fails is passed over for a moment', async () => {
  const { clock, advance } = createClock();
  let asked = 0;
  const broken: CacheTier = {
    name: 'broken',
    get: () => {
      asked += 1;
      return Promise.reject(new Error('away'));
    },
    set: () => Promise.reject(new Error('away')),
    delete: () => undefined,
    clear: () => Promise.reject(new Error('away')),
    read: () => Promise.reject(new Error('away')),
    close: () => Promise.reject(new Error('away')),
  };
  const cache = createCache(clock, () => [broken, disk(clock)]);
  cache.set('files', 'a', 'answer', kept);
  expect((await cache.get('files', 'a'))?.value).toBe('answer');
  for (let time = 0; time < 10; time += 1) await cache.get('files', 'b');
  expect(asked).toBeLessThanOrEqual(1);
  asked = 0;
  advance(1_001);
  for (let time = 0; time < 10; time += 1) await cache.get('files', 'b');
  expect(asked).toBe(1);
  expect(await cache.read()).toMatchObject([{}, { tier: 'broken', entries: 0 }, { tier: 'disk', entries: 1 }]);
  await cache.clear();
  await cache.close();
});

test('clearing a group leaves the others', async () => {
  const { clock } = createClock();
  const cache = createCache(clock, () => [disk(clock)]);
  for (const group of ['a', 'ab']) cache.set(group, 'key', group, kept);
  await cache.clear('a');
  expect([await cache.get('a', 'key'), (await cache.get('ab', 'key'))?.value]).toEqual([undefined, 'ab']);
  await cache.clear();
  expect(await cache.get('ab', 'key')).toBeUndefined();
  await cache.close();
});

test('the disk keeps what was used, within its bound, and begins anew when its file is no database', async () => {
  const { clock, runTimers } = createClock();
  const tier = disk(clock, 100_000);
  const value = Buffer.alloc(880);
  for (let key = 0; key < 50; key += 1) await tier.set('g', `hot ${key}`, value, { ttlMs: 60_000 });
  runTimers();
  for (let key = 0; key < 1_000; key += 1) {
    await tier.set('g', `scan ${key}`, value, { ttlMs: 60_000 });
    if (key % 20 === 0) {
      runTimers();
      for (let hot = 0; hot < 50; hot += 1) await tier.get('g', `hot ${hot}`);
    }
  }
  runTimers();
  const held = await tier.read();
  expect(held.bytes).toBeLessThanOrEqual(100_000);
  expect(held.entries).toBeGreaterThan(80);
  const hot = Array.from({ length: 50 }, (_, key) => tier.get('g', `hot ${key}`)).filter((found) => found !== undefined);
  expect(hot).toHaveLength(50);
  await tier.close();
  for (const suffix of ['', '-wal']) await writeFile(join(folder, `cache.db${suffix}`), 'no database at all'.repeat(300));
  const again = disk(clock);
  expect((await again.read()).entries).toBe(0);
  await again.close();
});
