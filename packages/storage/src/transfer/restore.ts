import { constants, createReadStream } from 'node:fs';
import { chmod, copyFile, link, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { GatewayError, systemClock, toMessage, type Clock, type Store } from '@signalbox/core';
import { syncFolder } from '../sync-folder.ts';
import { verifyBackup, type BackupManifest } from './backup.ts';
import { exportStore } from './export-store.ts';
import { importStore } from './import-store.ts';

export interface RestoreBackupOptions {
  readonly path: string;
  /** The file of the SQLite store, which nobody may be using. */
  readonly file: string;
  readonly clock?: Clock | undefined;
}

export interface RestoredBackup {
  readonly manifest: BackupManifest;
  /** Where the store of before lies now; `undefined` when there was none. */
  readonly aside: string | undefined;
}

/**
 * Puts a backup in the place of a SQLite store, whatever kind of store it was made of. The backup is checked first, the
 * new file is complete and on the disk before it takes its place, and the old one is set aside.
 * @throws GatewayError `INVALID_REQUEST` when the backup cannot be relied upon; `STORE_UNAVAILABLE` when the disk refuses.
 */
export async function restoreBackup({ path, file, clock = systemClock }: RestoreBackupOptions): Promise<RestoredBackup> {
  const manifest = await verifyBackup(path);
  const fresh = `${file}.restoring`;
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await removeStore(fresh);
    if (manifest.kind === 'sqlite') await copyFile(join(path, manifest.file), fresh);
    // Opening it shows that it is a store of ours, and brings its schema up to date.
    const store = await openFile(fresh);
    try {
      if (manifest.kind === 'export') await importStore(store, () => createReadStream(join(path, manifest.file)));
    } finally {
      await store.close();
    }
    await requireWhole(fresh);
    await chmod(fresh, 0o600);
    await syncFile(fresh);
    const aside = await setAside(file, `${file}.before-${new Date(clock.now()).toISOString().replaceAll(':', '-')}`);
    await rename(fresh, file);
    await syncFolder(dirname(file));
    return { manifest, aside };
  } catch (error) {
    await removeStore(fresh);
    if (error instanceof GatewayError) throw error;
    throw new GatewayError('STORE_UNAVAILABLE', `Cannot restore "${path}" to "${file}": ${toMessage(error)}`, { cause: error });
  }
}

/**
 * Puts a backup in the place of everything in a store.
 * @throws GatewayError `INVALID_REQUEST` when the backup cannot be relied upon.
 */
export async function restoreBackupInto(store: Store, { path }: { readonly path: string }): Promise<RestoredBackup> {
  const manifest = await verifyBackup(path);
  const file = join(path, manifest.file);
  if (manifest.kind === 'export') {
    await importStore(store, () => createReadStream(file), { replace: true });
    return { manifest, aside: undefined };
  }
  // Opening it would leave traces in the backup.
  const copy = join(dirname(path), `.${process.pid}-${manifest.sha256.slice(0, 8)}.restoring`);
  try {
    await copyFile(file, copy);
    const source = await openFile(copy);
    try {
      await importStore(store, () => exportStore(source), { replace: true });
    } finally {
      await source.close();
    }
  } finally {
    await removeStore(copy);
  }
  return { manifest, aside: undefined };
}

// The store keeps its name until the new one takes it, so that there is one at any moment. The write-ahead log belongs to
// the old one, and must not be found beside the new one.
async function setAside(file: string, aside: string): Promise<string | undefined> {
  try {
    await link(file, aside).catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT') throw error;
      // Not every disk can give a file a second name.
      return copyFile(file, aside, constants.COPYFILE_EXCL);
    });
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  await rename(`${file}-wal`, `${aside}-wal`).catch(ignoreMissing);
  await rm(`${file}-shm`, { force: true });
  return aside;
}

// The driver is loaded when it is needed, as it is where a store is opened by its address.
async function openFile(path: string): Promise<Store> {
  const { openSqliteStore } = await import('../store/sqlite-store.ts');
  return openSqliteStore({ path });
}

// Closing a store copies its write-ahead log back, and only the main file takes the place of the old one.
async function requireWhole(file: string): Promise<void> {
  const log = await stat(`${file}-wal`).catch(() => ({ size: 0 }));
  if (log.size > 0) throw new Error('the new file is not complete');
  for (const suffix of ['-wal', '-shm']) await rm(`${file}${suffix}`, { force: true });
}

async function removeStore(file: string): Promise<void> {
  for (const suffix of ['', '-wal', '-shm']) await rm(`${file}${suffix}`, { force: true });
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

function ignoreMissing(error: unknown): void {
  if (codeOf(error) !== 'ENOENT') throw error;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
