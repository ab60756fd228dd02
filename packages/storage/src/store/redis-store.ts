import {
  GatewayError,
  silentLogger,
  systemClock,
  type Clock,
  type Logger,
  type Store,
  type StoreEntry,
  type StoreHealth,
  type StoreOperation,
} from '@signalbox/core';
import type { Redis } from 'ioredis';
import { checkKey, checkName, checkOperations, closed, DEFAULT_LIMIT, stale } from './checks.ts';
import { keyRangeOf } from './key-range.ts';
import { createProbe } from './probe.ts';
import { checkDurability, checkVersion, createRedis, isReadOnly, isReply, toRedisReason } from './redis-connection.ts';
import { COMMIT, LIST, SPAN } from './redis-scripts.ts';
import { createRedisWatch } from './redis-watch.ts';
import { createWatchers } from './watchers.ts';

export interface RedisStoreOptions {
  readonly url: string;
  /** What the name of everything of this store begins with. */
  readonly namespace: string;
  /** How to speak of the server: its address without user and password. */
  readonly name: string;
  readonly logger?: Logger | undefined;
  readonly clock?: Clock | undefined;
}

type Argument = string | number | Buffer;
type Script = (root: string, ...rest: Argument[]) => Promise<unknown>;
interface Scripts {
  readonly commitEntriesBuffer: Script;
  readonly listEntriesBuffer: Script;
  readonly spanOfLog: Script;
}

/**
 * Opens a store in a Redis server. Each commit is one script, which the server runs whole or not at all. How much of what
 * is acknowledged survives a crash is what the server is set to; the log says so when that is not everything.
 * @throws GatewayError `STORE_UNAVAILABLE` when the server cannot be reached; `INVALID_CONFIG` when it is too old.
 */
export async function openRedisStore(options: RedisStoreOptions): Promise<Store> {
  const { url, namespace, name, logger = silentLogger, clock = systemClock } = options;
  const root = `{${namespace}}`;
  const redis = createRedis(url);
  let lastFailure: unknown;
  redis.on('error', (error: unknown) => {
    lastFailure = error;
  });
  redis.on('ready', () => {
    lastFailure = undefined;
  });
  redis.defineCommand('commitEntries', { numberOfKeys: 1, lua: COMMIT });
  redis.defineCommand('listEntries', { numberOfKeys: 1, lua: LIST });
  redis.defineCommand('spanOfLog', { numberOfKeys: 1, lua: SPAN });
  const scripts = redis as unknown as Scripts;
  const watchers = createWatchers();
  const listening = createRedisWatch({ redis, channel: `${root}:changes`, watchers, names: () => names() });
  const under = new Set<Promise<unknown>>();
  let isClosed = false;

  try {
    await redis.connect();
    await checkVersion(redis);
    await checkDurability(redis, { logger, name });
  } catch (error) {
    redis.disconnect();
    if (error instanceof GatewayError) throw error;
    throw new GatewayError('STORE_UNAVAILABLE', `Cannot open the store "${name}": ${toRedisReason(lastFailure ?? error)}`, {
      cause: error,
    });
  }

  const probe = createProbe({ clock, logger, name, attempt: () => redis.set(`${root}:probe`, '1') });
  const commit = async (operations: readonly StoreOperation[]): Promise<readonly number[]> => {
    const wasConnected = redis.status === 'ready';
    try {
      const answer = (await scripts.commitEntriesBuffer(root, ...toArguments(operations))) as readonly Buffer[];
      probe.succeeded();
      if (answer[0]?.toString() !== 'stale') return answer.map(Number);
      const index = Number(answer[1]);
      throw stale(operations[index]!, index, Number(answer[2]));
    } catch (error) {
      if (error instanceof GatewayError) throw error;
      const isUncertain = wasConnected && !isReply(error);
      const failure = new GatewayError(
        'STORE_UNAVAILABLE',
        `Cannot write to the store "${name}": ${toRedisReason(error)}${isUncertain ? '; it is not known whether the commit has happened' : ''}`,
        { cause: error, ...(isUncertain && { data: { uncertain: true } }) },
      );
      if (isReadOnly(error)) probe.failed(failure);
      throw failure;
    }
  };
  const asking = async <Result>(ask: (redis: Redis) => Promise<Result>): Promise<Result> => {
    if (isClosed) throw closed('redis');
    try {
      return await ask(redis);
    } catch (error) {
      throw new GatewayError('STORE_UNAVAILABLE', `Cannot read from the store "${name}": ${toRedisReason(error)}`, { cause: error });
    }
  };
  const names = async () => {
    const [collections, logs] = await asking(() => Promise.all([redis.smembers(`${root}:collections`), redis.smembers(`${root}:logs`)]));
    return { collections: collections.toSorted(), logs: logs.toSorted() };
  };
  const health = (): StoreHealth => {
    if (isClosed) return { kind: 'redis', state: 'away', reason: 'it is closed' };
    if (redis.status !== 'ready')
      return { kind: 'redis', state: 'away', reason: toRedisReason(lastFailure ?? new Error('the connection was lost')) };
    return { kind: 'redis', state: probe.reason === undefined ? 'ok' : 'read-only', reason: probe.reason };
  };

  return {
    kind: 'redis',
    get: async (collection, key) => {
      checkName(collection);
      checkKey(key);
      const kept = await asking(() => redis.hgetBuffer(`${root}:entries:${collection}`, key));
      return kept === null ? undefined : toEntry(key, kept);
    },
    list: async (collection, options = {}) => {
      checkName(collection);
      const range = boundsOf(options);
      const limit = options.limit ?? DEFAULT_LIMIT;
      if (limit === 0) return [];
      const parts = (await asking(() => scripts.listEntriesBuffer(root, collection, ...range, limit))) as readonly Buffer[];
      return Array.from({ length: parts.length / 2 }, (_, index) => toEntry(parts[index * 2]!.toString(), parts[index * 2 + 1]!));
    },
    read: async (log, { from, limit = DEFAULT_LIMIT, newestFirst = false } = {}) => {
      checkName(log);
      if (limit === 0) return [];
      const key = `${root}:log:${log}`;
      // A bound without its second part would take in what comes behind the dash as well, which is the same here.
      const bound = from === undefined ? undefined : String(Math.max(0, from));
      const rows = await asking(() =>
        newestFirst
          ? redis.xrevrangeBuffer(key, bound ?? '+', '-', 'COUNT', limit)
          : redis.xrangeBuffer(key, bound ?? '-', '+', 'COUNT', limit),
      );
      return rows.map(([id, fields]) => ({ sequence: Number.parseInt(id.toString(), 10), value: fields[1]! }));
    },
    span: async (log) => {
      checkName(log);
      const [first, last] = (await asking(() => scripts.spanOfLog(root, log))) as readonly string[];
      return { log, first: Number(first), last: Number(last) };
    },
    commit: async (operations) => {
      if (isClosed) throw closed('redis');
      checkOperations(operations);
      if (operations.length === 0) return [];
      const done = commit(operations);
      under.add(done);
      try {
        const numbers = await done;
        watchers.tell(operations);
        return numbers;
      } finally {
        under.delete(done);
      }
    },
    names,
    watch: (listener) => {
      const stop = watchers.add(listener);
      listening.start();
      return stop;
    },
    health,
    close: async () => {
      if (isClosed) return;
      isClosed = true;
      await Promise.allSettled(under);
      probe.stop();
      listening.close();
      redis.disconnect();
    },
  };
}

function toArguments(operations: readonly StoreOperation[]): Argument[] {
  const parts: Argument[] = [operations.length];
  for (const operation of operations) {
    if (operation.kind === 'put') parts.push('put', operation.collection, operation.key, operation.ifVersion ?? '', operation.value);
    else if (operation.kind === 'delete') parts.push('delete', operation.collection, operation.key, operation.ifVersion ?? '');
    else if (operation.kind === 'trim') parts.push('trim', operation.log, operation.before, '');
    else if (operation.kind === 'forget') parts.push('forget', operation.log, '', '');
    else {
      parts.push('append', operation.log, operation.values.length, operation.ifNext ?? '');
      for (const value of operation.values) parts.push(value);
    }
  }
  return parts;
}

function boundsOf(options: Parameters<Store['list']>[1] & object): readonly [string, string] {
  const { after, from, below } = keyRangeOf(options);
  const isBehind = after !== undefined && Buffer.compare(Buffer.from(after), Buffer.from(from)) >= 0;
  return [isBehind ? `(${after}` : `[${from}`, below === undefined ? '+' : `(${below}`];
}

function toEntry(key: string, kept: Buffer): StoreEntry {
  const colon = kept.indexOf(0x3a);
  return { key, version: Number(kept.subarray(0, colon).toString()), value: kept.subarray(colon + 1) };
}
