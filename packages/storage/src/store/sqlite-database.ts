import { chmod, mkdir, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DatabaseSync, type DatabaseSyncInstance } from '@photostructure/sqlite';
import { GatewayError, toMessage } from '@signalbox/core';
import { newerSchema } from './newer-schema.ts';
import { syncFolder } from '../sync-folder.ts';

/** Written into the head of the file, so that it is known from other databases. */
const APPLICATION_ID = 0x53_47_42_58;
/** A reader waits only while another process recovers the file after a crash. */
const BUSY_MS = 2000;

/** Each entry brings a store one schema further. Never changed once released; what is new comes behind. */
const MIGRATIONS = [
  `CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
   INSERT INTO counters VALUES ('changes', 0);
   CREATE TABLE collections (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, changed INTEGER NOT NULL);
   CREATE TABLE entries (id INTEGER PRIMARY KEY, collection INTEGER NOT NULL, key TEXT NOT NULL, version INTEGER NOT NULL,
     value BLOB NOT NULL, UNIQUE (collection, key));
   CREATE TABLE logs (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, first INTEGER NOT NULL, last INTEGER NOT NULL,
     changed INTEGER NOT NULL);
   CREATE TABLE log_blocks (id INTEGER PRIMARY KEY, log INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
     lengths BLOB, value BLOB NOT NULL, UNIQUE (log, first));`,
];

/**
 * Opens the file of a store, creating it for its owner alone and bringing its schema up to date.
 * @throws GatewayError `INVALID_CONFIG` for a file that is damaged, newer than we are, or something else;
 * `STORE_UNAVAILABLE` when the disk refuses.
 */
export async function openDatabase(path: string): Promise<DatabaseSyncInstance> {
  let database: DatabaseSyncInstance | undefined;
  try {
    await createFile(path);
    database = new DatabaseSync(path, { timeout: BUSY_MS });
    migrate(database, path);
    database.exec('PRAGMA query_only = ON');
    return database;
  } catch (error) {
    database?.close();
    if (error instanceof GatewayError) throw error;
    if (isDamage(error)) throw damaged(path, error);
    throw new GatewayError('STORE_UNAVAILABLE', `Cannot open the store "${path}": ${toReason(error)}`, { cause: error });
  }
}

/** Says what the database complains of, and what to do where that is known. */
export function toReason(error: unknown): string {
  const { errcode = 0, message = toMessage(error) } = error as { readonly errcode?: number; readonly message?: string };
  const advice = ADVICE[errcode & 0xff];
  return advice === undefined ? message : `${message}; ${advice}`;
}

/** Whether the file itself is broken, so that waiting will not help. */
export function isDamage(error: unknown): boolean {
  const { errcode = 0 } = error as { readonly errcode?: number };
  return (errcode & 0xff) === 11 || (errcode & 0xff) === 26;
}

function damaged(path: string, cause: unknown): GatewayError {
  return new GatewayError(
    'INVALID_CONFIG',
    `Cannot open the store "${path}": it is damaged (${toMessage(cause)}); put a backup in its place with "signalbox restore <backup>"`,
    { cause, data: { path } },
  );
}

// By the primary result codes of SQLite, see https://www.sqlite.org/rescode.html.
const ADVICE: Readonly<Record<number, string>> = {
  5: 'another process has been writing for too long; end it, or try again',
  6: 'another process has been writing for too long; end it, or try again',
  8: 'the file or its folder cannot be written; give its owner the right to',
  10: 'the disk does not take it; see to the disk, the store goes on by itself',
  11: 'the file is damaged; put a backup in its place with "signalbox restore <backup>"',
  13: 'the disk is full; free some room, the store goes on by itself',
  14: 'the file or its folder cannot be opened; see that it is there and may be written',
  26: 'the file is damaged; put a backup in its place with "signalbox restore <backup>"',
};

// SQLite gives its side files the rights of the main one.
async function createFile(path: string): Promise<void> {
  const isThere = await stat(path).then(
    () => true,
    () => false,
  );
  if (isThere) return chmod(path, 0o600);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const file = await open(path, 'a', 0o600);
  await file.close();
  await syncFolder(dirname(path));
}

function migrate(database: DatabaseSyncInstance, path: string): void {
  if (isCurrent(database, path)) return;
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; BEGIN IMMEDIATE');
  try {
    // Another process may have been faster.
    const from = isCurrent(database, path) ? MIGRATIONS.length : versionOf(database);
    for (const migration of MIGRATIONS.slice(from)) database.exec(migration);
    database.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${MIGRATIONS.length}; COMMIT`);
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

function isCurrent(database: DatabaseSyncInstance, path: string): boolean {
  const version = versionOf(database);
  const { application_id: application } = database.prepare('PRAGMA application_id').get() as { application_id: number };
  if (application !== APPLICATION_ID && (version > 0 || hasTables(database)))
    throw new GatewayError('INVALID_CONFIG', `Cannot use "${path}" as a store: it is a database of another program; name another file`);
  if (version > MIGRATIONS.length) throw newerSchema(path, { found: version, known: MIGRATIONS.length });
  return version === MIGRATIONS.length;
}

function versionOf(database: DatabaseSyncInstance): number {
  return (database.prepare('PRAGMA user_version').get() as { user_version: number }).user_version;
}

function hasTables(database: DatabaseSyncInstance): boolean {
  return database.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() !== undefined;
}
