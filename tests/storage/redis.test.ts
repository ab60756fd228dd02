import { afterAll, beforeAll } from 'vitest';
import { openRedisStore } from '../../packages/storage/src/store/redis-store.ts';
import { describeStore } from '../../packages/storage/src/testing/store-behaviour.ts';
import { seal } from './support/seal.ts';
import { startRedis, type RedisServer } from './support/redis-server.ts';

let server: RedisServer | undefined;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server?.stop());

const open = (namespace: string) => openRedisStore({ url: server!.url, namespace, name: 'redis://127.0.0.1' });

describeStore('redis', { open, isShared: true });
describeStore('sealed redis', { open: async (namespace) => seal(await open(namespace)), isShared: true, runs: 10 });
