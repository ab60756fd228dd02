import {
  GatewayError,
  missingSecrets,
  resolveSecret,
  type Clock,
  type Logger,
  type StorageConfig,
  type Store,
  type StoreDriver,
} from '@signalbox/core';
import { openStore } from '@signalbox/storage';
import { loadDefault } from './load-module.ts';

export interface ConfiguredStoreOptions {
  readonly storage: StorageConfig;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What `module:` is relative to. */
  readonly configPath: string;
  readonly dataDir: string | undefined;
  readonly logger?: Logger;
  readonly clock?: Clock;
}

/** Opens the store of a configuration, as it is below: what is sealed stays sealed. */
export async function openConfiguredStore({ storage, environment, configPath, ...rest }: ConfiguredStoreOptions): Promise<Store> {
  return openStore({
    url: storeUrlOf(storage, environment),
    namespace: storage.namespace,
    loadModule: async (specifier) => (await loadDefault(specifier, configPath)) as StoreDriver,
    ...rest,
  });
}

/** The address of the store with its references resolved. @throws GatewayError `INVALID_CONFIG` when a variable is missing. */
export function storeUrlOf({ url }: StorageConfig, environment: ConfiguredStoreOptions['environment']): string {
  const missing = missingSecrets(url, environment);
  if (missing.length > 0)
    throw new GatewayError('INVALID_CONFIG', `Cannot open the store: "storage.url" needs the environment variable "${missing[0]}"`);
  return resolveSecret(url, environment);
}
