import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openSqliteStore } from '../../packages/storage/src/store/sqlite-store.ts';
import { createRandom } from './support/random.mjs';
import { failNth, killWriters } from './support/sqlite-faults.mjs';
import { temporaryFolder } from './support/temporary-folder.ts';

const folder = temporaryFolder();
const put = (key: string, bytes = 100) => ({ kind: 'put', collection: 'c', key, value: Buffer.alloc(bytes, 'x') }) as const;
const canMount = process.platform === 'linux' && process.getuid?.() === 0 && spawnSync('mount', ['--version']).status === 0;

describe('a SQLite store', () => {
  test('loses nothing it has acknowledged when its writer is killed', { timeout: 60_000 }, async () => {
    const { acknowledged } = await killWriters({ file: join(folder(), 'killed.db'), times: 10, random: createRandom(1) });
    expect(acknowledged).toBeGreaterThan(100);
  });

  test.each([
    { n: 2, error: 'EIO', isLasting: false },
    { n: 7, error: 'ENOSPC', isLasting: false },
    { n: 23, error: 'EIO', isLasting: false },
    { n: 60, error: 'ENOSPC', isLasting: true },
    { n: 131, error: 'EIO', isLasting: true },
    { n: 250, error: 'EIO', isLasting: false },
  ])('opens clean after write $n has failed with $error, lasting: $isLasting', async (fault) => {
    const { failed } = await failNth({ file: join(folder(), `failed-${fault.n}.db`), ...fault });
    expect(failed).toBeGreaterThan(0);
  });

  test.runIf(canMount)('goes on reading while the disk is full, says so, and takes commits again by itself', async () => {
    const disk = join(folder(), 'disk');
    mkdirSync(disk);
    expect(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disk]).status).toBe(0);
    const store = await openSqliteStore({ path: join(disk, 'store.db') });
    try {
      await store.commit([put('before')]);
      expect(() => writeFileSync(join(disk, 'other'), Buffer.alloc(4 * 1024 * 1024))).toThrow('ENOSPC');
      let acknowledged = 0;
      const failure = await (async () => {
        for (;;) {
          await store.commit([put(`key ${acknowledged}`, 4000)]);
          acknowledged += 1;
        }
      })().catch((error: unknown) => error);
      expect(failure).toMatchObject({
        code: 'STORE_UNAVAILABLE',
        message: expect.stringContaining('the disk is full; free some room') as string,
      });
      expect(store.health()).toMatchObject({ state: 'read-only', reason: expect.stringContaining('disk is full') as string });
      expect(await store.get('c', 'before')).toBeDefined();
      expect(await store.list('c')).toHaveLength(acknowledged + 1);
      rmSync(join(disk, 'other'));
      await expect.poll(() => store.health().state, { timeout: 5000 }).toBe('ok');
      await store.commit([put('after')]);
      expect(await store.list('c')).toHaveLength(acknowledged + 2);
    } finally {
      await store.close();
      spawnSync('umount', ['--lazy', disk]);
    }
  });
});
