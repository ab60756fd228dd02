import { isSensitive } from '@signalbox/control-plane';
import { resolveSecret, type Clock, type Logger, type StorageConfig, type Store, type StoreDriver } from '@signalbox/core';
import { createKeyring, createSealedStore, openStore } from '@signalbox/storage';
import { loadDefault } from './load-module.ts';
import { readMasterKey } from './master-key.ts';
import { runProgram } from './run-program.ts';

export interface StorageOptions {
  readonly config: StorageConfig;
  /** Where modules are looked for. */
  readonly configPath: string;
  readonly dataDir: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What is encrypted at rest beside what the control plane marks: arguments and results. */
const SEALED: ReadonlySet<string> = new Set(['audit-payloads']);

/**
 * Opens the store as it is configured, with what is sensitive in it sealed. Whoever opens it closes it.
 * @throws GatewayError `INVALID_CONFIG` when it cannot be used as it is, or the master key is not the one;
 * `STORE_UNAVAILABLE` when it cannot be reached.
 */
export async function openStorage(options: StorageOptions): Promise<Store> {
  const { config, configPath, dataDir, environment, clock, logger } = options;
  // Without a folder nothing is to be remembered.
  const url = dataDir === undefined && config.url === 'sqlite:' ? 'memory:' : resolveSecret(config.url, environment);
  const loadModule = async (specifier: string) => (await loadDefault(specifier, configPath)) as StoreDriver;
  const store = await openStore({ url, namespace: config.namespace, dataDir, loadModule, logger, clock });
  // What is nowhere at rest needs no key.
  if (store.kind === 'memory') return store;
  try {
    const { key, previous } = config.encryption;
    const read = (source: typeof key) => readMasterKey(source, { environment, dataDir, run: runProgram });
    const keyring = await createKeyring({ store, master: await read(key), previous: await Promise.all(previous.map(read)), clock });
    return createSealedStore(store, keyring, { isSealed: (name) => SEALED.has(name) || isSensitive(name) });
  } catch (error) {
    await store.close();
    throw error;
  }
}
