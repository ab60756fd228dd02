import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { toMessage, type CacheTier, type Clock, type Logger } from '@signalbox/core';

export interface DiskTierOptions {
  /** Created for its owner alone if it is missing. */
  readonly folder: string;
  readonly maxBytes: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

type Database = InstanceType<typeof DatabaseSync>;

const FILE = 'cache.db';
const SCHEMA = 1;
/** Writes wait this long for others to go with, in milliseconds. */
const GATHER_MS = 20;
const MAX_WAITING = 64;
/** Bytes of a row beside its value. */
const ROW_BYTES = 120;
/** How much more than the least is put out at once, as a share of the bound. */
const SLACK = 0.02;
/** Longest wait for another process that writes, in milliseconds. */
const BUSY_MS = 20;

/**
 * A tier in one SQLite file. It may forget, so nothing waits for the disk: writes are gathered and never synced. When it is
 * full the oldest go first, except that whoever was used since it came, or came round, gets another round. A file that
 * cannot be read is begun anew.
 */
export function createDiskTier(options: DiskTierOptions): CacheTier {
  const { folder, logger } = options;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, FILE);
  try {
    return new DiskTier(path, options);
  } catch (error) {
    logger.warn('the cache on disk cannot be read and is begun anew', { path, error: toMessage(error) });
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${path}${suffix}`, { force: true });
    return new DiskTier(path, options);
  }
}

interface Waiting {
  readonly group: string;
  readonly value: Buffer;
  readonly expiresAtMs: number;
}

class DiskTier implements CacheTier {
  readonly name = 'disk';
  readonly #options: DiskTierOptions;
  readonly #database: Database;
  readonly #find: ReturnType<Database['prepare']>;
  readonly #put: ReturnType<Database['prepare']>;
  readonly #use: ReturnType<Database['prepare']>;
  readonly #waiting = new Map<string, Waiting>();
  readonly #used = new Set<number>();
  #cancel: (() => void) | undefined;
  #bytes: number;

  constructor(path: string, options: DiskTierOptions) {
    this.#options = options;
    this.#database = new DatabaseSync(path);
    const database = this.#database;
    try {
      chmodSync(path, 0o600);
      database.exec(`PRAGMA busy_timeout = ${BUSY_MS}; PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF`);
      const { user_version: version } = database.prepare('PRAGMA user_version').get() as { user_version: number };
      if (version !== SCHEMA) database.exec(`DROP TABLE IF EXISTS answers; PRAGMA user_version = ${SCHEMA}`);
      database.exec(`CREATE TABLE IF NOT EXISTS answers (
        id INTEGER PRIMARY KEY AUTOINCREMENT, key BLOB NOT NULL UNIQUE, grp TEXT NOT NULL, value BLOB NOT NULL,
        bytes INTEGER NOT NULL, expires INTEGER NOT NULL, used INTEGER NOT NULL DEFAULT 0)`);
      this.#find = database.prepare('SELECT id, value, expires FROM answers WHERE key = ?');
      this.#put = database.prepare('INSERT OR REPLACE INTO answers (key, grp, value, bytes, expires) VALUES (?, ?, ?, ?, ?)');
      this.#use = database.prepare('UPDATE answers SET used = 1 WHERE id = ?');
      this.#bytes = this.#sum();
    } catch (error) {
      database.close();
      throw error;
    }
  }

  get(group: string, key: string): Buffer | undefined {
    const hash = hashOf(group, key);
    const waiting = this.#waiting.get(hash.toString('latin1'));
    if (waiting !== undefined) return waiting.expiresAtMs > this.#options.clock.now() ? waiting.value : undefined;
    const row = this.#find.get(hash) as { id: number; value: Uint8Array; expires: number } | undefined;
    if (row === undefined || row.expires <= this.#options.clock.now()) return undefined;
    this.#used.add(row.id);
    this.#gather();
    return Buffer.from(row.value.buffer, row.value.byteOffset, row.value.byteLength);
  }

  set(group: string, key: string, value: Buffer, { ttlMs }: { readonly ttlMs: number }): void {
    if (value.length + ROW_BYTES > this.#options.maxBytes) return this.delete(group, key);
    const expiresAtMs = this.#options.clock.now() + ttlMs;
    this.#waiting.set(hashOf(group, key).toString('latin1'), { group, value, expiresAtMs });
    if (this.#waiting.size >= MAX_WAITING) this.#flush();
    else this.#gather();
  }

  delete(group: string, key: string): void {
    const hash = hashOf(group, key);
    this.#waiting.delete(hash.toString('latin1'));
    this.#database.prepare('DELETE FROM answers WHERE key = ?').run(hash);
    this.#bytes = this.#sum();
  }

  clear(group?: string): void {
    if (group === undefined) {
      this.#waiting.clear();
      this.#database.exec('DELETE FROM answers');
    } else {
      for (const [key, waiting] of this.#waiting) if (waiting.group === group) this.#waiting.delete(key);
      this.#database.prepare('DELETE FROM answers WHERE grp = ?').run(group);
    }
    this.#bytes = this.#sum();
  }

  read(): { readonly entries: number; readonly bytes: number; readonly maxBytes: number } {
    const { entries } = this.#database.prepare('SELECT count(*) AS entries FROM answers').get() as { entries: number };
    return { entries: entries + this.#waiting.size, bytes: this.#sum(), maxBytes: this.#options.maxBytes };
  }

  close(): void {
    this.#cancel?.();
    try {
      this.#flush();
      this.#database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    } finally {
      this.#database.close();
    }
  }

  #gather(): void {
    this.#cancel ??= this.#options.clock.after(GATHER_MS, () => {
      try {
        this.#flush();
      } catch (error) {
        this.#options.logger.warn('the cache on disk could not be written', { error: toMessage(error) });
      }
    });
  }

  #flush(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    if (this.#waiting.size === 0 && this.#used.size === 0) return;
    // Taken first: what cannot be written is forgotten rather than tried for ever.
    const waiting = [...this.#waiting];
    const used = [...this.#used];
    this.#waiting.clear();
    this.#used.clear();
    this.#transact(() => {
      for (const [key, { group, value, expiresAtMs }] of waiting) {
        this.#put.run(Buffer.from(key, 'latin1'), group, value, value.length + ROW_BYTES, Math.round(expiresAtMs));
        this.#bytes += value.length + ROW_BYTES;
      }
      for (const id of used) this.#use.run(id);
    });
    if (this.#bytes > this.#options.maxBytes) this.#makeRoom();
  }

  #makeRoom(): void {
    const { maxBytes, clock } = this.#options;
    this.#transact(() => {
      this.#database.prepare('DELETE FROM answers WHERE expires <= ?').run(clock.now());
      // Replaced rows were counted twice, and other processes write, too.
      this.#bytes = this.#sum();
      const oldest = this.#database.prepare('SELECT id, bytes, used FROM answers ORDER BY id LIMIT 256');
      const again = this.#database.prepare(
        'INSERT OR REPLACE INTO answers (key, grp, value, bytes, expires) SELECT key, grp, value, bytes, expires FROM answers WHERE id = ?',
      );
      const remove = this.#database.prepare('DELETE FROM answers WHERE id = ?');
      while (this.#bytes > maxBytes * (1 - SLACK)) {
        for (const { id, bytes, used } of oldest.all() as { id: number; bytes: number; used: number }[]) {
          if (this.#bytes <= maxBytes * (1 - SLACK)) break;
          if (used > 0) again.run(id);
          else {
            remove.run(id);
            this.#bytes -= bytes;
          }
        }
      }
    });
  }

  #transact(work: () => void): void {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      work();
      this.#database.exec('COMMIT');
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  #sum(): number {
    const { bytes } = this.#database.prepare('SELECT coalesce(sum(bytes), 0) AS bytes FROM answers').get() as { bytes: number };
    return bytes;
  }
}

function hashOf(group: string, key: string): Buffer {
  return createHash('sha256').update(group).update('\n').update(key).digest().subarray(0, 16);
}
