import { isAbsolute, join, resolve } from 'node:path';
import { GatewayError, toMessage, type Clock, type Logger, type Store, type StoreDriver } from '@signalbox/core';
import { createMemoryStore } from './memory-store.ts';

export interface OpenStoreOptions {
  /** As configured, references resolved. */
  readonly url: string;
  readonly namespace: string;
  /** Where `sqlite:` lies. */
  readonly dataDir: string | undefined;
  /** Loads what `module:` names. */
  readonly loadModule?: ((specifier: string) => Promise<StoreDriver>) | undefined;
  readonly logger?: Logger | undefined;
  readonly clock?: Clock | undefined;
}

const FILE = 'store.db';
const POSSIBLE =
  '"sqlite:" (a file in the data folder), "sqlite:/path/to/file", "memory:", "postgres://…", "redis://…", "rediss://…" or "module:./driver.js"';

/**
 * Opens the store an address names. Only the driver that is used is loaded. User and password of the address appear in no
 * error and no log.
 * @throws GatewayError `INVALID_CONFIG` for an address that names no store, or one that cannot be used as it is;
 * `STORE_UNAVAILABLE` when it cannot be reached.
 */
export async function openStore(options: OpenStoreOptions): Promise<Store> {
  const { url, namespace, logger, clock } = options;
  if (!/^[a-z][a-z0-9_]{0,39}$/.test(namespace))
    throw new GatewayError(
      'INVALID_CONFIG',
      `Cannot use "${namespace}" as the namespace of a store: it must have at most 40 of a-z, 0-9 and "_", a letter first`,
    );
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase();
  switch (scheme) {
    case 'memory':
      return createMemoryStore();
    case 'sqlite': {
      const path = sqlitePathOf(options);
      const { openSqliteStore } = await import('./sqlite-store.ts');
      return openSqliteStore({ path, logger, clock });
    }
    case 'postgres':
    case 'postgresql': {
      const name = nameOf(url);
      const { openPostgresStore } = await import('./postgres-store.ts');
      return openPostgresStore({ url, namespace, name, logger, clock });
    }
    case 'redis':
    case 'rediss': {
      const name = nameOf(url);
      const { openRedisStore } = await import('./redis-store.ts');
      return openRedisStore({ url, namespace, name, logger, clock });
    }
    case 'module':
      return openModule(options);
    default:
      throw new GatewayError(
        'INVALID_CONFIG',
        `Cannot open a store: "storage.url" ${scheme === undefined ? 'begins with none of the schemes there are' : `has the unknown scheme "${scheme}:"`}; possible are ${POSSIBLE}`,
      );
  }
}

/** The file a `sqlite:` address names. @throws GatewayError `INVALID_CONFIG` when it names none and there is no data folder. */
export function sqlitePathOf({ url, dataDir }: { readonly url: string; readonly dataDir: string | undefined }): string {
  const path = url.slice('sqlite:'.length).replace(/^\/\/(?=\/)/, '');
  if (isAbsolute(path)) return path;
  if (dataDir === undefined)
    throw new GatewayError('INVALID_CONFIG', 'Cannot open a store: "sqlite:" lies in the data folder, and there is none; name a file');
  return path === '' ? join(dataDir, FILE) : resolve(dataDir, path);
}

// What a user and a password may be hidden in is left out, not masked: there is less to get wrong.
function nameOf(url: string): string {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    // The error of the parser repeats the address.
    throw new GatewayError(
      'INVALID_CONFIG',
      'Cannot open a store: "storage.url" is no valid address; characters such as "@", "/" and "%" in a password must be written as "%40", "%2F" and "%25"',
    );
  }
  return `${parsed.protocol}//${parsed.host}${parsed.pathname}`;
}

async function openModule({ url, namespace, loadModule }: OpenStoreOptions): Promise<Store> {
  const specifier = url.slice('module:'.length).replace(/[?#].*$/, '');
  if (loadModule === undefined)
    throw new GatewayError('INVALID_CONFIG', `Cannot open the store "module:${specifier}": no modules are loaded here`);
  let driver: StoreDriver;
  try {
    driver = await loadModule(specifier);
  } catch (cause) {
    throw new GatewayError('INVALID_CONFIG', `Cannot load the store "module:${specifier}": ${toMessage(cause)}`, { cause });
  }
  if (typeof (driver as Partial<StoreDriver> | undefined)?.open !== 'function')
    throw new GatewayError(
      'INVALID_CONFIG',
      `Cannot open the store "module:${specifier}": its default export has no "open"; see "Writing your own driver" in docs/storage.md`,
    );
  return driver.open({ url, namespace });
}
