import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { GatewayError, type CacheTier } from '@signalbox/core';
import { Redis } from 'ioredis';

export interface RedisTierOptions {
  readonly url: string;
  /** Beginning of every key. */
  readonly namespace: string;
}

/** An answer that takes longer than this is fetched from its server instead, in milliseconds. */
const ANSWER_MS = 100;
/** Time between two attempts to connect, in milliseconds. */
const RECONNECT_MS = 250;
/** Longest wait for the first connection, in milliseconds. */
const FIRST_CONNECT_MS = 500;
const SCAN_COUNT = 500;

/**
 * A tier in Redis, shared by all gateways with the same namespace and key. Redis bounds it: `maxmemory` with a policy that
 * puts out keys with a time to live. While Redis is away everything fails at once, and nobody waits.
 */
export async function createRedisTier({ url, namespace }: RedisTierOptions): Promise<CacheTier> {
  const options = {
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: ANSWER_MS,
    connectTimeout: 2_000,
    retryStrategy: () => RECONNECT_MS,
    // One that has become a replica takes no writes.
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
  };
  const redis = new Redis(url, options);
  const listening = new Redis(url, { ...options, commandTimeout: undefined, enableOfflineQueue: true, maxRetriesPerRequest: null });
  const channel = `${namespace}:answers-cleared`;
  const own = randomUUID();
  const listeners = new Set<(group: string | undefined) => void>();
  for (const connection of [redis, listening]) {
    // Each command says by itself that it failed.
    connection.on('error', () => undefined);
  }
  // The first answers should be found there, but nobody waits long for that.
  const connecting = Promise.allSettled([redis.connect(), listening.connect()]);
  await Promise.race([connecting, delay(FIRST_CONNECT_MS, undefined, { ref: false })]);
  listening.on('message', (_, text: string) => {
    const [sender, group] = JSON.parse(text) as [string, string | null];
    if (sender !== own) for (const listener of listeners) listener(group ?? undefined);
  });
  listening.subscribe(channel).catch(() => undefined);

  const groupKey = (group: string) => `${namespace}:answers:${createHash('sha256').update(group).digest('base64url').slice(0, 16)}`;
  const keyOf = (group: string, key: string) => `${groupKey(group)}:${createHash('sha256').update(key).digest('base64url')}`;
  const check = () => {
    if (redis.status !== 'ready') throw new GatewayError('STORE_UNAVAILABLE', 'Cannot use the shared cache: Redis cannot be reached');
  };
  const clear = async (group: string | undefined) => {
    check();
    const match = group === undefined ? `${namespace}:answers:*` : `${groupKey(group)}:*`;
    for (let cursor = '0', isFirst = true; isFirst || cursor !== '0'; isFirst = false) {
      const [next, keys] = await redis.scan(cursor, 'MATCH', match, 'COUNT', SCAN_COUNT);
      if (keys.length > 0) await redis.unlink(...keys);
      cursor = next;
    }
    await redis.publish(channel, JSON.stringify([own, group ?? null]));
  };

  return {
    name: 'redis',
    get: async (group, key) => {
      check();
      return (await redis.getBuffer(keyOf(group, key))) ?? undefined;
    },
    set: async (group, key, value, { ttlMs }) => {
      check();
      await redis.set(keyOf(group, key), value, 'PX', Math.max(1, Math.ceil(ttlMs)));
    },
    delete: async (group, key) => {
      check();
      await redis.unlink(keyOf(group, key));
    },
    clear,
    // Redis counts what it holds for all its users together, so this is no figure of ours.
    read: () => ({ entries: 0, bytes: 0, maxBytes: 0 }),
    watchClears: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: () => {
      redis.disconnect();
      listening.disconnect();
    },
  };
}
