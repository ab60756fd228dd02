import { createHmac } from 'node:crypto';
import type { CachePart } from '@signalbox/control-plane';
import {
  canonicalJson,
  GatewayError,
  resolveSecret,
  type CacheConfig,
  type CacheTier,
  type CacheTierDriver,
  type Clock,
  type Logger,
  type ResultOutcome,
  type StorageConfig,
  type UpstreamConfig,
} from '@signalbox/core';
import { outcomeCodec, type AnswerCounts } from '@signalbox/data-plane';
import { createByteSeal } from '@signalbox/security';
import { createAnswerCache, openCompression, openDiskTier, openRedisTier, type Below, type TieredCache } from '@signalbox/storage';

type Environment = Readonly<Record<string, string | undefined>>;

export interface AnswersOptions {
  readonly config: CacheConfig;
  readonly storage: Pick<StorageConfig, 'namespace'>;
  readonly dataDir: string | undefined;
  readonly environment: Environment;
  /** What answers on disk and in a shared tier are sealed with. */
  readonly key: Buffer;
  /** The default export of a module named in the configuration. */
  readonly load: (module: string) => Promise<unknown>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The cache of answers as it is configured. Whoever creates it closes it. */
export function createAnswers(options: AnswersOptions): TieredCache<ResultOutcome> {
  const { config, dataDir, clock, logger } = options;
  const hasBelow = (dataDir !== undefined && config.diskBytes > 0) || config.shared !== undefined;
  return createAnswerCache<ResultOutcome>({
    memoryBytes: config.memoryBytes,
    below: hasBelow ? () => openBelow(options) : undefined,
    ...outcomeCodec,
    clock,
    logger,
  });
}

/** The cache as it is shown and steered from outside. */
export function toCachePart(answers: TieredCache<ResultOutcome>, counts: () => AnswerCounts): CachePart {
  return {
    read: async () => {
      const { hits, staleHits, misses, savedMs, similar, ahead } = counts();
      return { tiers: await answers.read(), hits, staleHits, misses, savedMs, similar, ahead };
    },
    clear: (upstream) => answers.clear(upstream),
  };
}

/**
 * Tells configurations of upstreams apart by the values of the variables they refer to as well, so that no answer is given
 * again under another credential than it was fetched with.
 */
export function createIdentityOf({ key, environment }: Pick<AnswersOptions, 'key' | 'environment'>): (config: UpstreamConfig) => string {
  return (config) => {
    const values = [...Object.values(config.env), ...Object.values(config.headers), ...config.args, config.url ?? '', config.command ?? ''];
    const resolved = values.map((value) => resolveSecret(value, environment));
    return createHmac('sha256', key)
      .update(canonicalJson([config, resolved]))
      .digest('base64url')
      .slice(0, 22);
  };
}

async function openBelow({ config, storage, dataDir, environment, key, load, clock, logger }: AnswersOptions): Promise<Below> {
  const tiers: CacheTier[] = [];
  if (dataDir !== undefined && config.diskBytes > 0) {
    tiers.push(await openDiskTier({ folder: dataDir, maxBytes: config.diskBytes, clock, logger }));
  }
  if (config.shared !== undefined) tiers.push(await openShared(resolveSecret(config.shared, environment), storage.namespace, load));
  return {
    tiers,
    seal: createByteSeal({ key, purpose: 'answers' }),
    compression: await openCompression(),
    compressFromBytes: config.compressFromBytes,
  };
}

async function openShared(url: string, namespace: string, load: AnswersOptions['load']): Promise<CacheTier> {
  const [, scheme = ''] = /^([a-z]+):/.exec(url) ?? [];
  if (scheme === 'redis' || scheme === 'rediss') {
    return openRedisTier({ url, namespace });
  }
  if (scheme === 'module') return ((await load(url.slice('module:'.length))) as CacheTierDriver).open({ url, namespace });
  throw new GatewayError(
    'INVALID_CONFIG',
    `Cannot share answers by "${scheme}:": "cache.shared" begins with "redis:", "rediss:" or "module:"`,
  );
}
