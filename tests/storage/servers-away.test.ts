import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { GatewayError, type Store } from '@signalbox/core';
import { describe, expect, test } from 'vitest';
import { openStore } from '../../packages/storage/src/index.ts';
import { startPostgres } from './support/postgres-server.ts';
import { startRedis } from './support/redis-server.ts';

const servers = [
  { name: 'postgres', start: startPostgres },
  { name: 'redis', start: startRedis },
];

interface Load {
  readonly acknowledged: Map<string, number>;
  readonly errors: unknown[];
  /** When a commit was last acknowledged. */
  lastAt: number;
  stop(): Promise<void>;
}

/** Several writers that go on whatever happens. */
function startLoad(store: Store): Load {
  const over = new AbortController();
  const load: Load = { acknowledged: new Map(), errors: [], lastAt: 0, stop: async () => undefined };
  const write = async (writer: number): Promise<void> => {
    for (let count = 0; !over.signal.aborted; count++) {
      const key = `${writer}.${count}`;
      try {
        const [, sequence] = await store.commit([
          { kind: 'put', collection: 'entries', key, value: Buffer.from(key) },
          { kind: 'append', log: 'log', values: [Buffer.from(key)] },
        ]);
        load.acknowledged.set(key, sequence!);
        load.lastAt = performance.now();
      } catch (error) {
        load.errors.push(error);
        await delay(20);
      }
    }
  };
  const writers = Promise.all(Array.from({ length: 6 }, (_, writer) => write(writer)));
  load.stop = async () => {
    over.abort();
    await writers;
  };
  return load;
}

async function expectNothingLost(store: Store, { acknowledged, errors }: Load): Promise<void> {
  const log = new Map((await store.read('log', { limit: 1_000_000 })).map(({ sequence, value }) => [sequence, value.toString()]));
  const keys = new Set((await store.list('entries', { limit: 1_000_000 })).map(({ key }) => key));
  expect([...acknowledged].filter(([key, sequence]) => log.get(sequence) !== key || !keys.has(key))).toEqual([]);
  expect(keys.size).toBe(log.size);
  expect(errors.filter((error) => !(error instanceof GatewayError && error.code === 'STORE_UNAVAILABLE'))).toEqual([]);
}

/** Counts who connects to a port, and hangs up on all of them. */
async function countConnects(port: number, ms: number): Promise<number> {
  let connects = 0;
  const server = createServer((socket) => {
    connects += 1;
    socket.on('error', () => undefined);
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  await delay(ms);
  await new Promise((resolve) => server.close(resolve));
  return connects;
}

describe.each(servers)('a $name store', ({ start }) => {
  test('loses nothing and storms nobody when its server is killed, and goes on when it is back', { timeout: 60_000 }, async () => {
    const server = await start();
    const store = await openStore({ url: server.url, namespace: 'away', dataDir: undefined });
    try {
      const load = startLoad(store);
      await delay(300);
      process.kill(server.pid(), 'SIGKILL');
      await expect.poll(() => load.errors.length, { timeout: 5000 }).toBeGreaterThan(0);
      expect(await countConnects(Number(new URL(server.url).port), 2000)).toBeLessThanOrEqual(10);
      expect(store.health()).toMatchObject({ state: 'away' });
      await server.start();
      const backAt = performance.now();
      await expect.poll(() => load.lastAt, { timeout: 5000, interval: 10 }).toBeGreaterThan(backAt);
      expect(load.lastAt - backAt).toBeLessThan(2000);
      expect(store.health()).toMatchObject({ state: 'ok' });
      await load.stop();
      await expectNothingLost(store, load);
    } finally {
      await store.close();
      await server.stop();
    }
  });

  test('finds its server again by itself when nobody asks for anything', { timeout: 60_000 }, async () => {
    const server = await start();
    const store = await openStore({ url: server.url, namespace: 'away', dataDir: undefined });
    try {
      const seen = new Set<string>();
      store.watch(({ collections }) => {
        for (const name of collections) seen.add(name);
      });
      await Promise.all([store.get('c', 'k'), store.get('c', 'k'), store.get('c', 'k')]);
      process.kill(server.pid(), 'SIGKILL');
      await expect.poll(() => store.health().state, { timeout: 5000 }).toBe('away');
      await server.start();
      await expect.poll(() => store.health().state, { timeout: 2000 }).toBe('ok');
      const other = await openStore({ url: server.url, namespace: 'away', dataDir: undefined });
      await expect
        .poll(
          async () => {
            await other.commit([{ kind: 'put', collection: 'c', key: 'k', value: Buffer.alloc(1) }]);
            return [...seen];
          },
          { timeout: 3000 },
        )
        .toEqual(['c']);
      await other.close();
    } finally {
      await store.close();
      await server.stop();
    }
  });

  test('loses nothing when its server hangs for a while', { timeout: 60_000 }, async () => {
    const server = await start();
    const store = await openStore({ url: server.url, namespace: 'away', dataDir: undefined });
    try {
      const load = startLoad(store);
      await delay(300);
      server.freeze();
      await delay(1500);
      server.thaw();
      const backAt = performance.now();
      await expect.poll(() => load.lastAt, { timeout: 5000, interval: 10 }).toBeGreaterThan(backAt);
      expect(load.lastAt - backAt).toBeLessThan(2000);
      await load.stop();
      await expectNothingLost(store, load);
    } finally {
      await store.close();
      await server.stop();
    }
  });
});
