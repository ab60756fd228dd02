import { join } from 'node:path';
import { isSensitive, type StoragePart } from '@signalbox/control-plane';
import { GatewayError, type Clock, type Logger, type StorageConfig, type Store } from '@signalbox/core';
import { createKeyring, createSealedStore } from '@signalbox/storage';
import { readMasterKey } from './master-key.ts';
import { openConfiguredStore } from './open-configured-store.ts';
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

/** What is encrypted at rest beside what the control plane marks: arguments and results, and what was learned of them. */
const SEALED: ReadonlySet<string> = new Set(['audit-payloads', 'tool-vectors']);
/** Collections and logs of learning begin with it. */
const LEARNED = 'learning.';

export interface Storage {
  /** What is sensitive in it is sealed. Whoever opened it closes it. */
  readonly store: Store;
  /** The same as it is below: what is sealed stays so. For copies. */
  readonly raw: Store;
}

/**
 * Opens the store as it is configured.
 * @throws GatewayError `INVALID_CONFIG` when it cannot be used as it is, or the master key is not the one;
 * `STORE_UNAVAILABLE` when it cannot be reached.
 */
export async function openStorage(options: StorageOptions): Promise<Storage> {
  const { config, configPath, dataDir, environment, clock, logger } = options;
  // Without a folder nothing is to be remembered.
  const storage = dataDir === undefined && config.url === 'sqlite:' ? { ...config, url: 'memory:' } : config;
  const raw = await openConfiguredStore({ storage, configPath, dataDir, environment, clock, logger });
  // What is nowhere at rest needs no key.
  if (raw.kind === 'memory') return { store: raw, raw };
  try {
    const { key, previous } = config.encryption;
    const read = (source: typeof key) => readMasterKey(source, { environment, dataDir, run: runProgram });
    const keyring = await createKeyring({ store: raw, master: await read(key), previous: await Promise.all(previous.map(read)), clock });
    return {
      store: createSealedStore(raw, keyring, { isSealed: (name) => SEALED.has(name) || name.startsWith(LEARNED) || isSensitive(name) }),
      raw,
    };
  } catch (error) {
    await raw.close();
    throw error;
  }
}

/** The store as it is shown from outside, with copies of it in the data folder. */
export function toStoragePart({ raw }: Storage, { dataDir, clock }: Pick<StorageOptions, 'dataDir' | 'clock'>): StoragePart {
  return {
    read: () => raw.health(),
    backup: async () => {
      if (dataDir === undefined) throw new GatewayError('CONFLICT', 'Cannot write a backup: there is no data folder');
      const path = join(dataDir, 'backups', new Date(clock.now()).toISOString().replaceAll(':', '-'));
      const { backupStore } = await import('@signalbox/storage/transfer');
      const { bytes, sha256 } = await backupStore(raw, path, { clock });
      return { path, bytes, sha256 };
    },
  };
}
