import { GatewayError, toMessage, type Logger } from '@signalbox/core';
import { Redis, ReplyError } from 'ioredis';

const CONNECT_MS = 3000;
const ANSWER_MS = 5000;
const FIRST_MS = 250;
const LONGEST_MS = 1000;

/** A connection that is made again by itself. What is asked while there is none fails at once, and nothing is sent twice. */
export function createRedis(url: string): Redis {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: CONNECT_MS,
    commandTimeout: ANSWER_MS,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempts) => Math.min(FIRST_MS * 2 ** (attempts - 1), LONGEST_MS),
    connectionName: 'signalbox',
  });
  return redis;
}

/** Whether the server itself has answered: then it is known that nothing has happened. */
export function isReply(error: unknown): boolean {
  return error instanceof ReplyError;
}

/** Whether the server answers but takes no writes. */
export function isReadOnly(error: unknown): boolean {
  return isReply(error) && /^(?:READONLY|MISCONF|OOM|NOREPLICAS)\b/.test(toMessage(error));
}

/** Says what is the matter, and what to do where that is known. */
export function toRedisReason(error: unknown): string {
  const message = error instanceof AggregateError ? error.errors.map(toMessage).join('; ') : toMessage(error);
  const advice = ADVICE.find(([pattern]) => pattern.test(message))?.[1];
  return advice === undefined ? message : `${message}; ${advice}`;
}

/** Says in the log when the server may lose what it has acknowledged. */
export async function checkDurability(redis: Redis, { logger, name }: { readonly logger: Logger; readonly name: string }): Promise<void> {
  const values = await readSettings(redis);
  if (values === undefined) {
    logger.warn('Cannot see whether this Redis keeps what it acknowledges: it does not let its settings be read', { store: name });
  } else if (values.appendonly !== 'yes' || values.appendfsync !== 'always') {
    const { appendonly, appendfsync } = values;
    logger.warn('This Redis may lose commits that it has acknowledged: set "appendonly yes" and "appendfsync always" there', {
      store: name,
      appendonly,
      appendfsync,
    });
  }
}

/** @throws GatewayError `INVALID_CONFIG` for a server that lacks what we use. */
export async function checkVersion(redis: Redis): Promise<void> {
  const version = /redis_version:(\d+)\.(\d+)/.exec(await redis.info('server'));
  const [major, minor] = [Number(version?.[1] ?? 0), Number(version?.[2] ?? 0)];
  // Streams are trimmed by id since then.
  if (major > 6 || (major === 6 && minor >= 2)) return;
  throw new GatewayError('INVALID_CONFIG', `Cannot use Redis ${major}.${minor} as a store: it must be 6.2 or newer`);
}

async function readSettings(redis: Redis): Promise<{ appendonly: string | undefined; appendfsync: string | undefined } | undefined> {
  try {
    const [, appendonly] = (await redis.config('GET', 'appendonly')) as string[];
    const [, appendfsync] = (await redis.config('GET', 'appendfsync')) as string[];
    return { appendonly, appendfsync };
  } catch (error) {
    if (isReply(error)) return undefined;
    throw error;
  }
}

const ADVICE: readonly (readonly [RegExp, string])[] = [
  [/ECONNREFUSED|isn't writeable|Connection is closed/, 'see that the server runs and "storage.url" names it; the store goes on by itself'],
  [/^OOM\b/, 'raise "maxmemory" of the server, or free some room there'],
  [/^MISCONF\b/, 'the disk of the server does not take it; see its log'],
  [/^READONLY\b/, '"storage.url" names a replica; name the primary'],
  [/^(?:WRONGPASS|NOAUTH)\b/, 'see the user and password in "storage.url"'],
  [/^LOADING\b/, 'it is starting; the store goes on by itself'],
];
