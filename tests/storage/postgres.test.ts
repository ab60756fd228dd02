import { afterAll, beforeAll } from 'vitest';
import { openPostgresStore } from '../../packages/storage/src/store/postgres-store.ts';
import { describeStore } from '../../packages/storage/src/testing/store-behaviour.ts';
import { startPostgres, type PostgresServer } from './support/postgres-server.ts';

let server: PostgresServer | undefined;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server?.stop());

describeStore('postgres', {
  open: (namespace) => openPostgresStore({ url: server!.url, namespace, name: 'postgres://127.0.0.1' }),
  isShared: true,
  runs: 20,
});
