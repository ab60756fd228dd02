import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { openSqliteStore } from '../../packages/storage/src/store/sqlite-store.ts';
import { describeStore } from '../../packages/storage/src/testing/store-behaviour.ts';
import { seal } from './support/seal.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const folder = temporaryFolder();

const open = (name: string) => openSqliteStore({ path: join(folder(), `${name}.db`) });

describeStore('sqlite', { open, isShared: true });
describeStore('sealed sqlite', { open: async (name) => seal(await open(name)), isShared: true, runs: 10 });

test('what is appended at once can be read, trimmed and gone on with one by one', async () => {
  const store = await open('blocks');
  // Larger and smaller than what is kept together, and empty.
  const values = Array.from({ length: 500 }, (_, index) => Buffer.alloc(index % 7 === 0 ? 0 : (index * 37) % 3_000, index));
  await store.commit([{ kind: 'append', log: 'log', values: [Buffer.alloc(200_000, 1)] }]);
  await store.commit([{ kind: 'append', log: 'log', values }]);
  await store.commit([{ kind: 'append', log: 'log', values: [Buffer.from('last')] }]);
  const all = [Buffer.alloc(200_000, 1), ...values, Buffer.from('last')];
  const expectRead = async (first: number) => {
    expect(await store.span('log')).toMatchObject({ first, last: 502 });
    const read = await store.read('log');
    expect(read.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 503 - first }, (_, index) => first + index));
    expect(read.every(({ sequence, value }) => value.equals(all[sequence - 1]!))).toBe(true);
    expect(await store.read('log', { newestFirst: true })).toEqual(read.toReversed());
    for (const from of [first, 250, 251, 501, 502])
      expect((await store.read('log', { from, limit: 1 }))[0]).toEqual({ sequence: from, value: all[from - 1] });
    expect(await store.read('log', { from: 503 })).toEqual([]);
    expect((await store.read('log', { from: 1, limit: 2 })).map(({ sequence }) => sequence)).toEqual([first, first + 1]);
  };
  await expectRead(1);
  await store.commit([{ kind: 'trim', log: 'log', before: 249 }]);
  await expectRead(249);
  await store.close();
});

test('a program that closes while a write is under way goes on to its own end', async () => {
  const program = `
    import { createSqliteWriter } from ${JSON.stringify(new URL('../../packages/storage/dist/store/sqlite-writer.js', import.meta.url).href)};
    import { openSqliteStore } from ${JSON.stringify(new URL('../../packages/storage/dist/store/sqlite-store.js', import.meta.url).href)};
    const path = process.argv[1];
    await (await openSqliteStore({ path })).close();
    const writer = createSqliteWriter({ path, checkpointBytes: 1_000_000 });
    const writing = writer.write([]);
    await writer.close();
    await writing;
    console.log('closed');
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program, join(folder(), 'closing.db')]);
  expect(stdout).toBe('closed\n');
});
