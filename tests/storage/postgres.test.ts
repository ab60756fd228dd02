import { afterAll, beforeAll } from 'vitest';
import { openPostgresStore } from '../../packages/storage/src/store/postgres-store.ts';
import { describeStore } from '../../packages/storage/src/testing/store-behaviour.ts';
import { seal } from './support/seal.ts';
import { startPostgres, type PostgresServer } from './support/postgres-server.ts';

let server: PostgresServer | undefined;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server?.stop());

const open = (namespace: string) => openPostgresStore({ url: server!.url, namespace, name: 'postgres://127.0.0.1' });

describeStore('postgres', { open, isShared: true, runs: 20 });
describeStore('sealed postgres', { open: async (namespace) => seal(await open(namespace)), isShared: true, runs: 10 });
