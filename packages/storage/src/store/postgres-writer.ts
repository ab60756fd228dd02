import { GatewayError } from '@signalbox/core';
import type pg from 'pg';
import type { CommitOutcome, Operations } from './commit-queue.ts';
import { placeOf, planGroup, type Plan, type Present } from './plan-group.ts';
import { isAnswer, toPostgresReason, type PostgresConnection } from './postgres-connection.ts';

/** Larger values travel alone and as bytes; in a list they would be text of twice their size. */
const ALONE_BYTES = 64 * 1024;
/** The longest message a notification may carry has 8000 bytes. */
const MAX_PAYLOAD = 7900;

/** Writes groups of commits, each in one transaction. Writers of one schema take turns, so that what was checked stays true. */
export function createPostgresWriter(
  connection: PostgresConnection,
  { schema, store }: { readonly schema: string; readonly store: string },
) {
  return async (group: readonly Operations[]): Promise<readonly CommitOutcome[]> => {
    const progress = { isCommitting: false };
    const write = async (client: pg.Client): Promise<readonly CommitOutcome[]> => {
      try {
        const plan = planGroup(group, await begin(client, { schema, group }));
        await apply(client, { schema, plan });
        progress.isCommitting = true;
        await client.query(`${notificationOf(schema, plan)}; COMMIT`);
        return plan.outcomes;
      } catch (error) {
        await abandon(client, { connection, error });
        throw error;
      }
    };
    try {
      return await connection.use(write);
    } catch (error) {
      const isUncertain = progress.isCommitting && !isAnswer(error);
      throw new GatewayError(
        'STORE_UNAVAILABLE',
        `Cannot write to ${store}: ${toPostgresReason(error)}${isUncertain ? '; it is not known whether the commit has happened' : ''}`,
        { cause: error, ...(isUncertain && { data: { uncertain: true } }) },
      );
    }
  };
}

async function abandon(client: pg.Client, { connection, error }: { connection: PostgresConnection; error: unknown }): Promise<void> {
  if (!isAnswer(error)) return connection.drop(error);
  try {
    await client.query('ROLLBACK');
  } catch (failure) {
    connection.drop(failure);
  }
}

// The row of the counter is what writers take turns by: whoever has changed it holds it until the end of the transaction.
async function begin(client: pg.Client, { schema, group }: { schema: string; group: readonly Operations[] }): Promise<Present> {
  const puts = group.flat().filter(({ kind }) => kind === 'put').length;
  const results = (await client.query(
    `BEGIN; UPDATE "${schema}".counters SET value = value + ${puts} WHERE name = 'changes' RETURNING value`,
  )) as unknown as pg.QueryResult<{ value: string }>[];
  const version = Number(results[1]!.rows[0]!.value) - puts;
  return { version, versions: await readVersions(client, { schema, group }), logs: await readLogs(client, { schema, group }) };
}

async function readVersions(client: pg.Client, { schema, group }: { schema: string; group: readonly Operations[] }) {
  const conditional = group.flat().filter((operation) => 'ifVersion' in operation && operation.ifVersion !== undefined);
  const places = conditional.flatMap((operation) => ('key' in operation ? [operation] : []));
  const versions = new Map<string, number>();
  if (places.length === 0) return versions;
  const { rows } = await client.query<{ collection: string; key: string; version: string }>(
    `SELECT collection, key, version FROM "${schema}".entries JOIN unnest($1::text[], $2::text[]) AS wanted (collection, key) USING (collection, key)`,
    [places.map(({ collection }) => collection), places.map(({ key }) => key)],
  );
  for (const { collection, key, version } of rows) versions.set(placeOf(collection, key), Number(version));
  return versions;
}

async function readLogs(client: pg.Client, { schema, group }: { schema: string; group: readonly Operations[] }) {
  const names = new Set(group.flat().flatMap((operation) => ('log' in operation ? [operation.log] : [])));
  const logs = new Map<string, { first: number; last: number }>();
  if (names.size === 0) return logs;
  const { rows } = await client.query<{ name: string; first: string; last: string }>(
    `SELECT name, first, last FROM "${schema}".logs WHERE name = ANY($1::text[])`,
    [[...names]],
  );
  for (const { name, first, last } of rows) logs.set(name, { first: Number(first), last: Number(last) });
  return logs;
}

async function apply(client: pg.Client, { schema, plan }: { schema: string; plan: Plan }): Promise<void> {
  const { puts, deletes, appends, logs } = plan;
  for (const part of inParts(puts))
    await client.query(
      `INSERT INTO "${schema}".entries (collection, key, version, value) ${part.length === 1 ? 'VALUES ($1, $2, $3, $4)' : 'SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bytea[])'}
       ON CONFLICT (collection, key) DO UPDATE SET version = excluded.version, value = excluded.value`,
      columns(part, (entry) => [entry.collection, entry.key, entry.version, entry.value]),
    );
  if (deletes.length > 0)
    await client.query(
      `DELETE FROM "${schema}".entries USING unnest($1::text[], $2::text[]) AS gone (collection, key) WHERE entries.collection = gone.collection AND entries.key = gone.key`,
      [deletes.map(({ collection }) => collection), deletes.map(({ key }) => key)],
    );
  for (const { log } of logs.filter(({ isForgotten }) => isForgotten))
    await client.query(`DELETE FROM "${schema}".log_entries WHERE log = $1`, [log]);
  for (const part of inParts(appends))
    await client.query(
      `INSERT INTO "${schema}".log_entries (log, sequence, value) ${part.length === 1 ? 'VALUES ($1, $2, $3)' : 'SELECT * FROM unnest($1::text[], $2::bigint[], $3::bytea[])'}`,
      columns(part, (entry) => [entry.log, entry.sequence, entry.value]),
    );
  if (logs.length > 0)
    await client.query(
      `INSERT INTO "${schema}".logs (name, first, last) SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[])
       ON CONFLICT (name) DO UPDATE SET first = excluded.first, last = excluded.last`,
      [logs.map(({ log }) => log), logs.map(({ first }) => first), logs.map(({ last }) => last)],
    );
  for (const { log, first } of logs.filter(({ isTrimmed }) => isTrimmed))
    await client.query(`DELETE FROM "${schema}".log_entries WHERE log = $1 AND sequence < $2`, [log, first]);
}

function inParts<Item extends { readonly value: Buffer }>(items: readonly Item[]): readonly (readonly Item[])[] {
  const small = items.filter(({ value }) => value.length < ALONE_BYTES);
  const alone = items.filter(({ value }) => value.length >= ALONE_BYTES).map((item) => [item]);
  return small.length === 0 ? alone : [small, ...alone];
}

function columns<Item>(items: readonly Item[], toRow: (item: Item) => readonly unknown[]): unknown[] {
  const rows = items.map(toRow);
  return rows.length === 1 ? [...rows[0]!] : rows[0]!.map((_, column) => rows.map((row) => row[column]));
}

// Names hold no quotes, so they can stand in a statement as they are.
function notificationOf(schema: string, { puts, deletes, logs }: Plan): string {
  const collections = [...new Set([...puts, ...deletes].map(({ collection }) => collection))];
  const payload = JSON.stringify({ collections, logs: logs.map(({ log }) => log) });
  return `NOTIFY "${schema}_changes", '${payload.length > MAX_PAYLOAD ? '{}' : payload}'`;
}
