import { join } from 'node:path';
import type { Store } from '@signalbox/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createMemoryStore, openStore } from '../../packages/storage/src/index.ts';
import { backupStore, exportStore, importStore, restoreBackupInto } from '../../packages/storage/src/transfer.ts';
import { describeContents, fillStore } from '../../packages/storage/src/testing/fill-store.ts';
import { startPostgres, type PostgresServer } from './support/postgres-server.ts';
import { startRedis, type RedisServer } from './support/redis-server.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const folder = temporaryFolder();
const servers: { postgres?: PostgresServer; redis?: RedisServer } = {};
beforeAll(async () => {
  [servers.postgres, servers.redis] = await Promise.all([startPostgres(), startRedis()]);
});
afterAll(() => Promise.all([servers.postgres?.stop(), servers.redis?.stop()]));

let count = 0;
const drivers = ['memory', 'sqlite', 'postgres', 'redis'] as const;

function open(driver: (typeof drivers)[number]): Promise<Store> {
  const url = { memory: 'memory:', sqlite: `sqlite:${count}.db`, postgres: servers.postgres!.url, redis: servers.redis!.url }[driver];
  return openStore({ url, namespace: `transfer_${(count += 1)}`, dataDir: folder() });
}

describe('everything in a store', () => {
  test.each(drivers.flatMap((from) => drivers.map((to) => [from, to] as const)))('of %s goes into one of %s', async (from, to) => {
    const [source, target] = [await open(from), await open(to)];
    await fillStore(source);
    await importStore(target, () => exportStore(source));
    expect(await describeContents(target)).toEqual(await describeContents(source));
    await importStore(target, () => exportStore(source), { replace: true });
    expect(await describeContents(target)).toEqual(await describeContents(source));
    await Promise.all([source.close(), target.close()]);
  });

  test.each(drivers)('of %s comes back from a backup', async (driver) => {
    const [source, target] = [await open(driver), createMemoryStore()];
    await fillStore(source);
    const path = join(folder(), `backup of ${driver}`);
    await backupStore(source, path);
    await restoreBackupInto(target, { path });
    expect(await describeContents(target)).toEqual(await describeContents(source));
    await source.close();
  });
});
