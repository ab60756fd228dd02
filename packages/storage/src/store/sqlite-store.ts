import type { DatabaseSyncInstance } from '@photostructure/sqlite';
import { backup } from '@photostructure/sqlite';
import { GatewayError, silentLogger, systemClock, type Clock, type Logger, type Store, type StoreHealth } from '@signalbox/core';
import { checkKey, checkName, closed, DEFAULT_LIMIT } from './checks.ts';
import { createCommitQueue, type Operations } from './commit-queue.ts';
import { keyRangeOf } from './key-range.ts';
import { createProbe } from './probe.ts';
import { openDatabase, toReason } from './sqlite-database.ts';
import { createLogReader } from './sqlite-logs.ts';
import { watchDatabase } from './sqlite-watch.ts';
import { createSqliteWriter } from './sqlite-writer.ts';
import { createWatchers } from './watchers.ts';

export interface SqliteStoreOptions {
  /** Created for its owner alone if it is missing, with its folder. */
  readonly path: string;
  /** The write-ahead log is copied back into the file when it has grown by this much. Default 4 MiB. */
  readonly checkpointBytes?: number | undefined;
  readonly logger?: Logger | undefined;
  readonly clock?: Clock | undefined;
}

export interface SqliteStore extends Store {
  readonly kind: 'sqlite';
  readonly path: string;
  /** Writes a copy of everything committed so far to a new file, while commits go on. */
  backup(path: string): Promise<void>;
}

const CHECKPOINT_BYTES = 4 * 1024 * 1024;

interface EntryRow {
  readonly key: string;
  readonly version: number;
  readonly value: Uint8Array;
}

/**
 * Opens a store in one file, which several processes may use. Reading happens at once; what is committed goes to a thread
 * that puts everything waiting into one transaction and answers when it is on the disk.
 * @throws GatewayError `INVALID_CONFIG` for a file that is damaged or not ours; `STORE_UNAVAILABLE` when the disk refuses.
 */
export async function openSqliteStore({
  path,
  checkpointBytes = CHECKPOINT_BYTES,
  logger = silentLogger,
  clock = systemClock,
}: SqliteStoreOptions): Promise<SqliteStore> {
  const database = await openDatabase(path);
  const reader = prepareReader(database);
  const logs = createLogReader(database);
  const writer = createSqliteWriter({ path, checkpointBytes });
  const watchers = createWatchers();
  const watching = watchDatabase(database, { watchers, clock });
  const probe = createProbe({ clock, logger, name: path, attempt: () => writer.write([]) });
  let isClosed = false;
  let readFailure: string | undefined;

  const write = async (group: readonly Operations[]) => {
    try {
      const { outcomes, changed } = await writer.write(group);
      probe.succeeded();
      const done = group.filter((_, index) => !(outcomes[index] instanceof Error)).flat();
      watching.ignore(done, changed);
      watchers.tell(done);
      return outcomes;
    } catch (error) {
      probe.failed(error);
      throw error;
    }
  };
  const queue = createCommitQueue({ kind: 'sqlite', write });
  const reading = <Result>(read: () => Result): Result => {
    if (isClosed) throw closed('sqlite');
    try {
      const result = read();
      readFailure = undefined;
      return result;
    } catch (error) {
      if (error instanceof GatewayError) throw error;
      readFailure = toReason(error);
      throw new GatewayError('STORE_UNAVAILABLE', `Cannot read from the store "${path}": ${readFailure}`, { cause: error });
    }
  };
  const health = (): StoreHealth => {
    if (isClosed) return { kind: 'sqlite', state: 'away', reason: 'it is closed' };
    if (readFailure !== undefined) return { kind: 'sqlite', state: 'away', reason: readFailure };
    return { kind: 'sqlite', state: probe.reason === undefined ? 'ok' : 'read-only', reason: probe.reason };
  };

  return {
    kind: 'sqlite',
    path,
    get: async (collection, key) =>
      reading(() => {
        checkName(collection);
        checkKey(key);
        const row = reader.get.get(collection, key) as EntryRow | undefined;
        return row && toEntry(row);
      }),
    list: async (collection, options = {}) =>
      reading(() => {
        checkName(collection);
        const { after = '', from, below = null } = keyRangeOf(options);
        const rows = reader.list.all(collection, from, after, below, below, options.limit ?? DEFAULT_LIMIT);
        return (rows as EntryRow[]).map(toEntry);
      }),
    read: async (log, options = {}) =>
      reading(() => {
        checkName(log);
        return logs.read(log, options);
      }),
    span: async (log) =>
      reading(() => {
        checkName(log);
        const { first, last } = logs.span(log);
        return { log, first, last };
      }),
    commit: queue.commit,
    names: async () =>
      reading(() => ({
        collections: (reader.collections.all() as { name: string }[]).map(({ name }) => name),
        logs: (reader.logs.all() as { name: string }[]).map(({ name }) => name),
      })),
    watch: (listener) => {
      const stop = watchers.add(listener);
      watching.start();
      return stop;
    },
    health,
    backup: async (target) => {
      if (isClosed) throw closed('sqlite');
      // All pages in one step: a copy in several steps begins anew whenever another connection commits.
      await backup(database, target, { rate: -1 });
    },
    close: async () => {
      if (isClosed) return;
      await queue.close();
      if (isClosed) return;
      isClosed = true;
      probe.stop();
      watching.stop();
      // The last connection to close copies the write-ahead log back; that should not be the one of this thread.
      database.close();
      await writer.close();
    },
  };
}

function prepareReader(database: DatabaseSyncInstance) {
  const id = '(SELECT id FROM collections WHERE name = ?)';
  return {
    get: database.prepare(`SELECT key, version, value FROM entries WHERE collection = ${id} AND key = ?`),
    list: database.prepare(
      `SELECT key, version, value FROM entries WHERE collection = ${id} AND key >= ? AND key > ? AND (? IS NULL OR key < ?) ORDER BY key LIMIT ?`,
    ),
    collections: database.prepare(
      'SELECT name FROM collections c WHERE EXISTS (SELECT 1 FROM entries WHERE collection = c.id) ORDER BY name',
    ),
    logs: database.prepare('SELECT name FROM logs WHERE last > 0 ORDER BY name'),
  };
}

function toEntry({ key, version, value }: EntryRow) {
  return { key, value: toBuffer(value), version };
}

function toBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
}
