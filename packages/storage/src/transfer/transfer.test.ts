import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Store } from '@signalbox/core';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createKeyring } from '../sealed/keyring.ts';
import { createSealedStore } from '../sealed/sealed-store.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import { openSqliteStore } from '../store/sqlite-store.ts';
import { describeContents, fillStore } from '../testing/fill-store.ts';
import { backupStore } from './backup.ts';
import { exportStore } from './export-store.ts';
import { importStore, IMPORTS, verifyExport } from './import-store.ts';
import { restoreBackup, restoreBackupInto } from './restore.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-transfer-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const clock = { now: () => 1_800_000_000_000, monotonic: () => 0, after: () => () => undefined };
const put = (key: string) => ({ kind: 'put', collection: 'c', key, value: Buffer.from(key) }) as const;

async function filled(): Promise<Store> {
  const store = createMemoryStore();
  await fillStore(store);
  return store;
}

async function bytesOf(store: Store): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of exportStore(store, { clock })) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function* inChunks(bytes: Buffer, size = 1000): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

describe('an export', () => {
  test('brings everything into another store, with the sequences of its logs', async () => {
    const store = await filled();
    const bytes = await bytesOf(store);
    const copy = createMemoryStore();
    const summary = await importStore(copy, () => inChunks(bytes));
    expect(summary).toMatchObject({ entries: 47, logEntries: 66, createdAt: '2027-01-15T08:00:00.000Z' });
    expect(await describeContents(copy)).toEqual(await describeContents(store));
    expect(await bytesOf(copy)).toEqual(bytes);
    expect(await copy.commit([{ kind: 'append', log: 'emptied', values: [Buffer.from('x')] }])).toEqual([41]);
  });

  test('of a sealed store stays sealed, and opens in another place with the master key', async () => {
    const master = Buffer.alloc(32, 'k');
    const seal = async (below: Store) =>
      createSealedStore(below, await createKeyring({ store: below, master, clock }), { isSealed: () => true });
    const source = await seal(createMemoryStore());
    await source.commit([{ kind: 'put', collection: 'c', key: 'k', value: Buffer.from('a very secret value') }]);
    const bytes = await bytesOf(source);
    expect(bytes.includes(Buffer.from('a very secret value').toString('base64').slice(0, 20))).toBe(false);
    const below = createMemoryStore();
    await importStore(below, () => inChunks(bytes));
    expect((await (await seal(below)).get('c', 'k'))!.value.toString()).toBe('a very secret value');
    await importStore(await seal(below), () => inChunks(bytes), { replace: true });
    expect((await (await seal(below)).get('c', 'k'))!.value.toString()).toBe('a very secret value');
  });

  test('of nothing is one, too', async () => {
    const bytes = await bytesOf(createMemoryStore());
    expect(await verifyExport(inChunks(bytes))).toMatchObject({ entries: 0, logEntries: 0 });
  });

  test('is refused when a byte of it was changed, taken out or added, and the store stays as it was', async () => {
    const bytes = await bytesOf(await filled());
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.constantFrom('change', 'remove', 'add', 'cut'),
        fc.integer({ min: 1, max: 255 }),
        async (position, what, mask) => {
          const at = position % bytes.length;
          const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
          const changed = {
            change: () => Buffer.concat([before, Buffer.from([after[0]! ^ mask]), after.subarray(1)]),
            remove: () => Buffer.concat([before, after.subarray(1)]),
            add: () => Buffer.concat([before, Buffer.from([mask]), after]),
            cut: () => before,
          }[what]();
          const store = createMemoryStore();
          await expect(importStore(store, () => inChunks(changed, 50_000))).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
          expect(await store.names()).toEqual({ collections: [], logs: [] });
        },
      ),
      { numRuns: 150 },
    );
  });

  test('of a newer version, or of something else, is refused with the reason', async () => {
    const bytes = await bytesOf(createMemoryStore());
    const newer = Buffer.from(bytes.toString().replace('"version":1', '"version":2'));
    await expect(verifyExport(inChunks(newer))).rejects.toThrow('newer version of Signalbox (format 2; this one knows up to 1)');
    await expect(verifyExport(inChunks(Buffer.from('{"a":1}\n')))).rejects.toThrow('does not begin as one does');
    await expect(verifyExport(inChunks(Buffer.from('PK\n')))).rejects.toThrow('no JSON object');
    await expect(verifyExport(inChunks(Buffer.alloc(0)))).rejects.toThrow('it is empty');
  });

  test('goes into a store that is not empty only to replace what is there', async () => {
    const store = await filled();
    const bytes = await bytesOf(store);
    const target = createMemoryStore();
    await target.commit([put('old'), { kind: 'append', log: 'late', values: [Buffer.from('old')] }]);
    await expect(importStore(target, () => inChunks(bytes))).rejects.toMatchObject({ code: 'CONFLICT' });
    expect((await target.names()).collections).toEqual(['c']);
    await importStore(target, () => inChunks(bytes), { replace: true });
    expect(await describeContents(target)).toEqual(await describeContents(store));
  });

  test('that breaks off while it is put in leaves a mark that the next one sees', async () => {
    const bytes = await bytesOf(await filled());
    const target = createMemoryStore();
    let readings = 0;
    const input = async function* () {
      readings += 1;
      if (readings === 2) throw new Error('the disk is gone');
      yield* inChunks(bytes);
    };
    await expect(importStore(target, input)).rejects.toThrow('the disk is gone');
    expect((await target.names()).collections).toEqual([IMPORTS]);
    await expect(importStore(target, () => inChunks(bytes))).rejects.toThrow('half-filled');
    await importStore(target, () => inChunks(bytes), { replace: true });
    expect((await target.names()).collections).not.toContain(IMPORTS);
  });
});

describe('a backup', () => {
  const pathOf = (name: string) => join(folder, name);
  const open = (name = 'store.db') => openSqliteStore({ path: pathOf(name) });

  test('of a SQLite store is taken while it is written to, and restored in its place', async () => {
    const store = await open();
    await fillStore(store);
    const before = await describeContents(store);
    const writing = Promise.all(Array.from({ length: 50 }, (_, index) => store.commit([put(`later ${index}`)])));
    const manifest = await backupStore(store, pathOf('backup'), { clock });
    await writing;
    expect(manifest).toMatchObject({ kind: 'sqlite', file: 'store.db' });
    expect((await stat(pathOf('backup'))).mode & 0o777).toBe(0o700);
    for (const name of await readdir(pathOf('backup'))) expect((await stat(join(pathOf('backup'), name))).mode & 0o777).toBe(0o600);
    await store.close();
    const { aside } = await restoreBackup({ path: pathOf('backup'), file: pathOf('store.db'), clock });
    const restored = await open();
    expect(await describeContents(restored)).toMatchObject({ logs: (before as { logs: unknown }).logs });
    await restored.commit([put('works')]);
    await restored.close();
    expect(aside).toBe(pathOf('store.db.before-2027-01-15T08-00-00.000Z'));
    const old = await openSqliteStore({ path: aside! });
    expect(await old.list('c')).toHaveLength(50);
    await old.close();
    expect((await readdir(pathOf('backup'))).toSorted()).toEqual(['manifest.json', 'store.db']);
  });

  test('of any other store goes into either kind', async () => {
    const store = await filled();
    expect(await backupStore(store, pathOf('backup'))).toMatchObject({ kind: 'export', file: 'store.export' });
    await restoreBackup({ path: pathOf('backup'), file: pathOf('new/store.db') });
    const restored = await open('new/store.db');
    expect(await describeContents(restored)).toEqual(await describeContents(store));
    await backupStore(restored, pathOf('second'));
    await restored.close();
    const target = createMemoryStore();
    await target.commit([put('old')]);
    await restoreBackupInto(target, { path: pathOf('second') });
    expect(await describeContents(target)).toEqual(await describeContents(store));
    await target.commit([put('newer')]);
    await restoreBackupInto(target, { path: pathOf('backup') });
    expect(await describeContents(target)).toEqual(await describeContents(store));
    expect((await readdir(folder)).toSorted()).toEqual(['backup', 'new', 'second']);
  });

  test('that was changed is refused, and the store stays', async () => {
    const store = await open();
    await store.commit([put('a')]);
    await backupStore(store, pathOf('backup'));
    const data = await readFile(pathOf('backup/store.db'));
    data[5000]! ^= 1;
    await writeFile(pathOf('backup/store.db'), data);
    await expect(restoreBackup({ path: pathOf('backup'), file: pathOf('store.db') })).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
      message: expect.stringContaining('was changed since') as string,
    });
    expect(await store.list('c')).toHaveLength(1);
    await store.close();
    await expect(restoreBackup({ path: folder, file: pathOf('store.db') })).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
  });

  test('never overwrites anything', async () => {
    const store = await filled();
    await backupStore(store, pathOf('backup'));
    await expect(backupStore(store, pathOf('backup'))).rejects.toMatchObject({ code: 'CONFLICT' });
  });

  test('takes the place of a store that is damaged', async () => {
    const store = await open();
    await store.commit([put('a')]);
    await backupStore(store, pathOf('backup'));
    await store.close();
    await writeFile(pathOf('store.db'), 'nothing of ours');
    await restoreBackup({ path: pathOf('backup'), file: pathOf('store.db') });
    const restored = await open();
    expect(await restored.list('c')).toHaveLength(1);
    await restored.close();
  });
});
