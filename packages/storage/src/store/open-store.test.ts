import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { DatabaseSync } from '@photostructure/sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createMemoryStore } from './memory-store.ts';
import { openSqliteStore } from './sqlite-store.ts';
import { openStore, type OpenStoreOptions } from './open-store.ts';

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'signalbox-store-'));
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

const open = (url: string, more: Partial<OpenStoreOptions> = {}) => openStore({ url, namespace: 'signalbox', dataDir, ...more });
const value = Buffer.from('x');

describe('an address', () => {
  test.each(['', 'file', 'mysql://x', 'sqlite3:/x'])('that names no store is refused with what is possible: %j', async (url) => {
    await expect(open(url)).rejects.toMatchObject({
      code: 'INVALID_CONFIG',
      message: expect.stringContaining('possible are "sqlite:"') as string,
    });
  });

  test('of memory and of a module leads there', async () => {
    expect((await open('memory:')).kind).toBe('memory');
    const asked: unknown[] = [];
    const loadModule = async (specifier: string) => ({
      open: async (options: unknown) => {
        asked.push(specifier, options);
        return createMemoryStore();
      },
    });
    await open('module:./driver.js?fast=1', { loadModule });
    expect(asked).toEqual(['./driver.js', { url: 'module:./driver.js?fast=1', namespace: 'signalbox' }]);
  });

  test('of a module that is none says what it lacks', async () => {
    const loadModule = async () => ({}) as never;
    await expect(open('module:./driver.js', { loadModule })).rejects.toMatchObject({
      code: 'INVALID_CONFIG',
      message: expect.stringContaining('"open"') as string,
    });
  });

  test.each([
    'postgres://user:hunter2@127.0.0.1:1/db',
    'redis://user:hunter2@127.0.0.1:1',
    'postgres://user:hun/ter2@[::',
    'redis://user:hunter2@no where',
  ])('keeps its password to itself: %s', async (url) => {
    const error = await open(url).catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: expect.stringMatching(/STORE_UNAVAILABLE|INVALID_CONFIG/) as string });
    expect(inspect(error, { depth: 10 })).not.toMatch(/hunter2|hun\/ter2/);
  });
});

describe('a SQLite store', () => {
  test('is readable by its owner alone, its side files too', async () => {
    const store = await open(`sqlite:${dataDir}/inner/store.db`);
    await store.commit([{ kind: 'put', collection: 'c', key: 'k', value }]);
    const modeOf = async (path: string) => (await stat(join(dataDir, path))).mode & 0o777;
    expect(await modeOf('inner')).toBe(0o700);
    for (const name of ['store.db', 'store.db-wal', 'store.db-shm']) expect(await modeOf(`inner/${name}`)).toBe(0o600);
    await store.close();
  });

  test('lies in the data folder unless another place is named', async () => {
    await (await open('sqlite:')).close();
    await (await open('sqlite:other.db')).close();
    expect((await stat(join(dataDir, 'store.db'))).isFile()).toBe(true);
    expect((await stat(join(dataDir, 'other.db'))).isFile()).toBe(true);
    await expect(open('sqlite:', { dataDir: undefined })).rejects.toMatchObject({ code: 'INVALID_CONFIG' });
  });

  test('of a newer version is refused, with what to do', async () => {
    await (await open('sqlite:')).close();
    const database = new DatabaseSync(join(dataDir, 'store.db'));
    database.exec('PRAGMA user_version = 7');
    database.close();
    await expect(open('sqlite:')).rejects.toMatchObject({
      code: 'INVALID_CONFIG',
      message: expect.stringMatching(/newer version of Signalbox \(schema 7; this one knows up to 1\); install/) as string,
    });
  });

  test('that is damaged, or of another program, is refused', async () => {
    await writeFile(join(dataDir, 'store.db'), Buffer.alloc(8192, 7));
    const damaged = { code: 'INVALID_CONFIG', message: expect.stringMatching(/store\.db": it is damaged.*signalbox restore/) as string };
    await expect(open('sqlite:')).rejects.toMatchObject(damaged);
    const database = new DatabaseSync(join(dataDir, 'other.db'));
    database.exec('CREATE TABLE theirs (a)');
    database.close();
    await expect(open('sqlite:other.db')).rejects.toMatchObject({
      code: 'INVALID_CONFIG',
      message: expect.stringContaining('another program') as string,
    });
  });

  test('keeps its write-ahead log small however much is written', async () => {
    const store = await openSqliteStore({ path: join(dataDir, 'store.db'), checkpointBytes: 4 * 1024 * 1024 });
    const large = Buffer.alloc(1024 * 1024);
    for (let round = 0; round < 60; round++) await store.commit([{ kind: 'put', collection: 'c', key: `k${round % 3}`, value: large }]);
    await expect.poll(async () => (await stat(join(dataDir, 'store.db-wal'))).size).toBeLessThan(10 * 1024 * 1024);
    await store.close();
  });
});
