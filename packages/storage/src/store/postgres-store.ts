import { GatewayError, silentLogger, systemClock, type Clock, type Logger, type Store, type StoreHealth } from '@signalbox/core';
import { checkKey, checkName, closed, DEFAULT_LIMIT } from './checks.ts';
import { createCommitQueue, type Operations } from './commit-queue.ts';
import { createConnectGate } from './connect-gate.ts';
import { keyRangeOf } from './key-range.ts';
import { createPostgresConnection, isAnswer, toPostgresReason } from './postgres-connection.ts';
import { prepareSchema } from './postgres-schema.ts';
import { createPostgresWatch } from './postgres-watch.ts';
import { createPostgresWriter } from './postgres-writer.ts';
import { createProbe } from './probe.ts';
import { createWatchers } from './watchers.ts';

export interface PostgresStoreOptions {
  readonly url: string;
  /** The schema, created if it is missing. */
  readonly namespace: string;
  /** How to speak of the server: its address without user and password. */
  readonly name: string;
  readonly logger?: Logger | undefined;
  readonly clock?: Clock | undefined;
}

interface EntryRow {
  readonly key: string;
  readonly version: string;
  readonly value: Buffer;
}

const READERS = 3;

/**
 * Opens a store in a schema of a PostgreSQL database. Commits that come while others are being written share a
 * transaction. A lost connection is made again by itself, at most four times a second.
 * @throws GatewayError `STORE_UNAVAILABLE` when the server cannot be reached; `INVALID_CONFIG` when it cannot be used.
 */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<Store> {
  const { url, namespace: schema, name, logger = silentLogger, clock = systemClock } = options;
  const store = `the store "${name}"`;
  const gate = createConnectGate(clock);
  const writing = createPostgresConnection({ url, gate, clock });
  const readers = Array.from({ length: READERS }, () => createPostgresConnection({ url, gate, clock }));
  const watchers = createWatchers();
  const listening = createPostgresWatch({ url, gate, schema, watchers, clock, names: () => names() });
  const writeGroup = createPostgresWriter(writing, { schema, store });
  const probe = createProbe({ clock, logger, name, attempt: () => writeGroup([]) });
  let isClosed = false;
  let turn = 0;

  try {
    await writing.use((client) => prepareSchema(client, { schema, logger }));
  } catch (error) {
    await writing.close();
    if (error instanceof GatewayError) throw error;
    throw new GatewayError('STORE_UNAVAILABLE', `Cannot open ${store}: ${toPostgresReason(error)}`, { cause: error });
  }

  const queue = createCommitQueue({
    kind: 'postgres',
    write: async (group: readonly Operations[]) => {
      try {
        const outcomes = await writeGroup(group);
        probe.succeeded();
        watchers.tell(group.filter((_, index) => !(outcomes[index] instanceof Error)).flat());
        return outcomes;
      } catch (error) {
        probe.failed(error);
        throw error;
      }
    },
  });
  const query = async <Row>(sql: string, values: readonly unknown[] = []): Promise<readonly Row[]> => {
    if (isClosed) throw closed('postgres');
    const reader = readers[(turn += 1) % READERS]!;
    try {
      return await reader.use(async (client) => (await client.query(sql, [...values])).rows as Row[]);
    } catch (error) {
      if (!isAnswer(error)) reader.drop(error);
      throw new GatewayError('STORE_UNAVAILABLE', `Cannot read from ${store}: ${toPostgresReason(error)}`, { cause: error });
    }
  };
  const names = async () => {
    // Jumps from one collection to the next in the index rather than reading all of it.
    const collections = await query<{ name: string }>(
      `WITH RECURSIVE used AS (
         (SELECT collection AS name FROM "${schema}".entries ORDER BY collection LIMIT 1)
         UNION ALL
         SELECT (SELECT collection FROM "${schema}".entries WHERE collection > used.name ORDER BY collection LIMIT 1) FROM used WHERE used.name IS NOT NULL
       ) SELECT name FROM used WHERE name IS NOT NULL`,
    );
    const logs = await query<{ name: string }>(`SELECT name FROM "${schema}".logs WHERE last > 0 ORDER BY name`);
    return { collections: collections.map((row) => row.name), logs: logs.map((row) => row.name) };
  };
  const health = (): StoreHealth => {
    if (isClosed) return { kind: 'postgres', state: 'away', reason: 'it is closed' };
    if (gate.failure !== undefined) return { kind: 'postgres', state: 'away', reason: toPostgresReason(gate.failure) };
    return { kind: 'postgres', state: probe.reason === undefined ? 'ok' : 'read-only', reason: probe.reason };
  };

  return {
    kind: 'postgres',
    get: async (collection, key) => {
      checkName(collection);
      checkKey(key);
      const sql = `SELECT key, version, value FROM "${schema}".entries WHERE collection = $1 AND key = $2`;
      const [row] = await query<EntryRow>(sql, [collection, key]);
      return row && toEntry(row);
    },
    list: async (collection, options = {}) => {
      checkName(collection);
      const { after = '', from, below = null } = keyRangeOf(options);
      const sql = `SELECT key, version, value FROM "${schema}".entries
        WHERE collection = $1 AND key >= $2 AND key > $3 AND ($4::text IS NULL OR key < $4) ORDER BY key LIMIT $5`;
      return (await query<EntryRow>(sql, [collection, from, after, below, options.limit ?? DEFAULT_LIMIT])).map(toEntry);
    },
    read: async (log, { from, limit = DEFAULT_LIMIT, newestFirst = false } = {}) => {
      checkName(log);
      const sql = newestFirst
        ? `SELECT sequence, value FROM "${schema}".log_entries WHERE log = $1 AND sequence <= $2 ORDER BY sequence DESC LIMIT $3`
        : `SELECT sequence, value FROM "${schema}".log_entries WHERE log = $1 AND sequence >= $2 ORDER BY sequence LIMIT $3`;
      const bound = from ?? (newestFirst ? Number.MAX_SAFE_INTEGER : 0);
      const rows = await query<{ sequence: string; value: Buffer }>(sql, [log, bound, limit]);
      return rows.map(({ sequence, value }) => ({ sequence: Number(sequence), value }));
    },
    span: async (log) => {
      checkName(log);
      const [row] = await query<{ first: string; last: string }>(`SELECT first, last FROM "${schema}".logs WHERE name = $1`, [log]);
      return { log, first: Number(row?.first ?? 1), last: Number(row?.last ?? 0) };
    },
    commit: queue.commit,
    names,
    watch: (listener) => {
      const stop = watchers.add(listener);
      listening.start();
      return stop;
    },
    health,
    close: async () => {
      await queue.close();
      isClosed = true;
      probe.stop();
      await Promise.all([writing, listening, ...readers].map((each) => each.close()));
    },
  };
}

function toEntry({ key, version, value }: EntryRow) {
  return { key, value, version: Number(version) };
}
