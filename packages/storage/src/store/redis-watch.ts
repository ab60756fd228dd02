import type { Redis } from 'ioredis';
import type { Watchers } from './watchers.ts';

export interface RedisWatchOptions {
  readonly redis: Redis;
  readonly channel: string;
  readonly watchers: Watchers;
  /** Everything there is, which may all have changed while nobody listened. */
  readonly names: () => Promise<{ readonly collections: readonly string[]; readonly logs: readonly string[] }>;
}

/** Listens for what is changed in a store, from the first watcher on, over a connection of its own. */
export function createRedisWatch({ redis, channel, watchers, names }: RedisWatchOptions) {
  let subscriber: Redis | undefined;
  const passAll = async (): Promise<void> => {
    try {
      watchers.passAll(await names());
    } catch {
      // The server is away again; when it is back, everything is told of anyway.
    }
  };
  const subscribe = async (to: Redis): Promise<void> => {
    try {
      await to.subscribe(channel);
      await passAll();
    } catch {
      // The connection was lost meanwhile; it subscribes when it is ready again.
    }
  };
  return {
    start: (): void => {
      if (subscriber !== undefined) return;
      const started = redis.duplicate({ autoResubscribe: false });
      subscriber = started;
      // Whoever reads or writes is told why; the connection is made again by itself.
      started.on('error', () => undefined);
      started.on('ready', () => void subscribe(started));
      started.on('message', (_channel: string, text: string) => {
        const { collections, logs } = JSON.parse(text) as { collections: unknown; logs: unknown };
        watchers.pass({ collections: toNames(collections), logs: toNames(logs) });
      });
      void started.connect().catch(() => undefined);
    },
    close: (): void => {
      subscriber?.disconnect();
    },
  };
}

// A list without members is written as an object there.
function toNames(value: unknown): readonly string[] {
  return Array.isArray(value) ? (value as string[]) : [];
}
