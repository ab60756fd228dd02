import { GatewayError, type Logger } from '@signalbox/core';
import type pg from 'pg';
import { newerSchema } from './newer-schema.ts';

/** Each entry brings a store one schema further. Never changed once released; what is new comes behind. */
const MIGRATIONS = [
  `CREATE TABLE counters (name text PRIMARY KEY, value bigint NOT NULL);
   INSERT INTO counters VALUES ('changes', 0);
   CREATE TABLE entries (collection text COLLATE "C", key text COLLATE "C", version bigint NOT NULL, value bytea NOT NULL,
     PRIMARY KEY (collection, key));
   CREATE TABLE logs (name text COLLATE "C" PRIMARY KEY, first bigint NOT NULL, last bigint NOT NULL);
   CREATE TABLE log_entries (log text COLLATE "C", sequence bigint, value bytea NOT NULL, PRIMARY KEY (log, sequence));`,
];

/**
 * Creates the schema of a store, or brings it up to date. Several gateways may do so at once.
 * @throws GatewayError `INVALID_CONFIG` for a schema that is newer than we are, or a database that cannot keep every text.
 */
export async function prepareSchema(
  client: pg.Client,
  { schema, logger }: { readonly schema: string; readonly logger: Logger },
): Promise<void> {
  await checkServer(client, logger);
  if ((await versionOf(client, schema)) === MIGRATIONS.length) return;
  await client.query('BEGIN');
  try {
    await client.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`signalbox:${schema}`]);
    // Another gateway may have been faster.
    const from = await versionOf(client, schema);
    if (from === 0) await client.query(`CREATE SCHEMA IF NOT EXISTS "${schema}"`);
    await client.query(`SET LOCAL search_path TO "${schema}"`);
    if (from === 0) await client.query('CREATE TABLE schema_version (version integer NOT NULL); INSERT INTO schema_version VALUES (0)');
    for (const migration of MIGRATIONS.slice(from)) await client.query(migration);
    await client.query('UPDATE schema_version SET version = $1', [MIGRATIONS.length]);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  }
}

async function versionOf(client: pg.Client, schema: string): Promise<number> {
  const { rows: found } = await client.query<{ found: boolean }>('SELECT to_regclass($1) IS NOT NULL AS found', [
    `"${schema}".schema_version`,
  ]);
  if (!found[0]!.found) return 0;
  const { rows } = await client.query<{ version: number }>(`SELECT version FROM "${schema}".schema_version`);
  const { version } = rows[0]!;
  if (version > MIGRATIONS.length) throw newerSchema(schema, { found: version, known: MIGRATIONS.length });
  return version;
}

async function checkServer(client: pg.Client, logger: Logger): Promise<void> {
  const { rows } = await client.query<{ encoding: string; sync: string; fsync: string }>(
    `SELECT current_setting('server_encoding') AS encoding, current_setting('synchronous_commit') AS sync, current_setting('fsync') AS fsync`,
  );
  const { encoding, sync, fsync } = rows[0]!;
  if (encoding !== 'UTF8')
    throw new GatewayError(
      'INVALID_CONFIG',
      `Cannot use the database as a store: its encoding is "${encoding}"; create one with encoding UTF8`,
    );
  if (sync === 'off' || fsync === 'off')
    logger.warn('The database acknowledges commits before they are on its disk: a crash of its machine may lose some', {
      synchronous_commit: sync,
      fsync,
    });
}
