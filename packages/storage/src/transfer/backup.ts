import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { GatewayError, isObject, systemClock, toMessage, type Clock, type Store } from '@signalbox/core';
import { syncFolder } from '../sync-folder.ts';
import { belowOf } from '../sealed/sealed-store.ts';
import type { SqliteStore } from '../store/sqlite-store.ts';
import { exportStore } from './export-store.ts';

/** What a backup says of itself, in `manifest.json` beside its data. */
export interface BackupManifest {
  readonly format: 'signalbox-backup';
  readonly version: 1;
  readonly createdAt: string;
  /** A copy of a SQLite store, or an export of any other. */
  readonly kind: 'sqlite' | 'export';
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
}

const MANIFEST = 'manifest.json';

/**
 * Writes everything in a store into a new folder, readable by its owner alone, while the store goes on being used. The
 * folder appears when it is complete.
 * @throws GatewayError `CONFLICT` when there is something at the path already; `STORE_UNAVAILABLE` when it cannot be written.
 */
export async function backupStore(
  source: Store,
  path: string,
  { clock = systemClock }: { readonly clock?: Clock } = {},
): Promise<BackupManifest> {
  const store = belowOf(source);
  if (await exists(path)) throw new GatewayError('CONFLICT', `Cannot write a backup to "${path}": there is something already`);
  const partial = `${path}.partial`;
  try {
    await rm(partial, { recursive: true, force: true });
    await mkdir(partial, { recursive: true, mode: 0o700 });
    const isSqlite = hasBackup(store);
    const file = isSqlite ? 'store.db' : 'store.export';
    await writeFile(join(partial, file), '', { mode: 0o600 });
    if (isSqlite) await store.backup(join(partial, file));
    else await writeFile(join(partial, file), exportStore(store, { clock }));
    await syncFile(join(partial, file));
    const manifest: BackupManifest = {
      format: 'signalbox-backup',
      version: 1,
      createdAt: new Date(clock.now()).toISOString(),
      kind: isSqlite ? 'sqlite' : 'export',
      file,
      ...(await digestFile(join(partial, file))),
    };
    await writeFile(join(partial, MANIFEST), `${JSON.stringify(manifest, undefined, 2)}\n`, { mode: 0o600 });
    await syncFile(join(partial, MANIFEST));
    await syncFolder(partial);
    await rename(partial, path);
    await syncFolder(dirname(path));
    return manifest;
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    if (error instanceof GatewayError) throw error;
    throw new GatewayError('STORE_UNAVAILABLE', `Cannot write a backup to "${path}": ${toMessage(error)}`, { cause: error });
  }
}

/**
 * Reads what a backup says of itself and sees that its data is what was written.
 * @throws GatewayError `INVALID_REQUEST` when it is no backup, or was changed.
 */
export async function verifyBackup(path: string): Promise<BackupManifest> {
  const manifest = await readManifest(path);
  const refuse = (reason: string) => new GatewayError('INVALID_REQUEST', `Cannot use the backup "${path}": ${reason}`);
  if (manifest.version > 1) throw refuse('it was written by a newer version of Signalbox');
  if (!/^[a-z.]+$/.test(manifest.file)) throw refuse('its manifest names a file outside of it');
  const found = await digestFile(join(path, manifest.file)).catch((error: unknown) => {
    throw refuse(toMessage(error));
  });
  if (found.sha256 !== manifest.sha256 || found.bytes !== manifest.bytes)
    throw refuse(`"${manifest.file}" was changed since it was written`);
  return manifest;
}

async function readManifest(path: string): Promise<BackupManifest> {
  try {
    const manifest: unknown = JSON.parse(await readFile(join(path, MANIFEST), 'utf8'));
    if (isObject(manifest) && manifest['format'] === 'signalbox-backup') return manifest as unknown as BackupManifest;
  } catch (cause) {
    throw new GatewayError('INVALID_REQUEST', `Cannot read the backup "${path}": ${toMessage(cause)}`, { cause });
  }
  throw new GatewayError('INVALID_REQUEST', `Cannot read the backup "${path}": its "${MANIFEST}" is of something else`);
}

function hasBackup(store: Store): store is SqliteStore {
  return 'backup' in store;
}

async function digestFile(path: string): Promise<{ readonly bytes: number; readonly sha256: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { bytes, sha256: hash.digest('hex') };
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
