import { afterAll, beforeAll } from 'vitest';
import { openRedisStore } from '../../packages/storage/src/store/redis-store.ts';
import { describeStore } from '../../packages/storage/src/testing/store-behaviour.ts';
import { startRedis, type RedisServer } from './support/redis-server.ts';

let server: RedisServer | undefined;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server?.stop());

describeStore('redis', {
  open: (namespace) => openRedisStore({ url: server!.url, namespace, name: 'redis://127.0.0.1' }),
  isShared: true,
});
