import { setTimeout as delay } from 'node:timers/promises';
import { silentLogger, systemClock } from '@signalbox/core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createByteSeal } from '../../packages/security/src/index.ts';
import { createAnswerCache, openCompression, openRedisTier, type TieredCache } from '../../packages/storage/src/index.ts';
import { startRedis, type RedisServer } from './support/redis-server.ts';

let server: RedisServer;
beforeAll(async () => (server = await startRedis()));
afterAll(() => server.stop());

const kept = { ttlMs: 60_000, staleMs: 0, tookMs: 7 };

/** The cache of one gateway. Those with one key share what is in Redis. */
function createCache(namespace: string, key = 1): TieredCache<string> {
  return createAnswerCache<string>({
    memoryBytes: 1_000_000,
    below: async () => ({
      tiers: [await openRedisTier({ url: server.url, namespace })],
      seal: createByteSeal({ key: Buffer.alloc(32, key), purpose: 'answers' }),
      compression: await openCompression(),
      compressFromBytes: 1_024,
    }),
    sizeOf: (value) => value.length,
    encode: (value) => Buffer.from(value),
    decode: (bytes) => bytes.toString(),
    clock: systemClock,
    logger: silentLogger,
  });
}

test('an answer of one gateway is there for another one, until somebody clears it for all', async () => {
  const [one, two] = [createCache('shared'), createCache('shared')];
  await Promise.all([one.read(), two.read()]);
  one.set('files', 'a', 'answer', kept);
  one.set('other', 'a', 'stays', kept);
  await expect.poll(async () => (await two.get('files', 'a'))?.value).toBe('answer');
  expect(await two.read()).toMatchObject([{ tier: 'memory' }, { tier: 'redis', hits: 1, failures: 0 }]);
  await one.clear('files');
  // Also what the other one had taken up into its memory.
  await expect.poll(() => two.get('files', 'a')).toBeUndefined();
  expect((await two.get('other', 'a'))?.value).toBe('stays');
  await Promise.all([one.close(), two.close()]);
});

test('an answer under another key, or of another namespace, is nobody else’s', async () => {
  const [one, otherKey, elsewhere] = [createCache('own'), createCache('own', 2), createCache('else')];
  await Promise.all([one, otherKey, elsewhere].map((cache) => cache.read()));
  one.set('files', 'a', 'answer', kept);
  await delay(50);
  expect(await elsewhere.get('files', 'a')).toBeUndefined();
  expect(await otherKey.get('files', 'a')).toBeUndefined();
  expect(await otherKey.read()).toMatchObject([{}, { failures: 1 }]);
  await Promise.all([one, otherKey, elsewhere].map((cache) => cache.close()));
});

test('while Redis hangs or is away nobody waits long, and afterwards it is used again', async () => {
  const [writer, reader] = [createCache('away'), createCache('away')];
  await Promise.all([writer.read(), reader.read()]);
  for (const [stop, start] of [
    [() => server.freeze(), async () => server.thaw()],
    [() => process.kill(server.pid(), 'SIGKILL'), () => server.start()],
  ] as const) {
    stop();
    const begun = performance.now();
    for (let key = 0; key < 50; key += 1) expect(await reader.get('files', `missing ${key}`)).toBeUndefined();
    expect(performance.now() - begun).toBeLessThan(2_000);
    await start();
    const name = `after ${begun}`;
    await expect
      .poll(
        async () => {
          writer.set('files', name, 'answer', kept);
          await delay(30);
          return (await reader.get('files', name))?.value;
        },
        { timeout: 8_000, interval: 100 },
      )
      .toBe('answer');
  }
  await Promise.all([writer.close(), reader.close()]);
});
