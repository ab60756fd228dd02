import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readMasterKey } from './master-key.ts';
import { runProgram } from './run-program.ts';

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'signalbox-key-'));
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

const key = Buffer.alloc(32, 'k');
const base64 = key.toString('base64');
const read = (source: Parameters<typeof readMasterKey>[0], environment: Record<string, string> = {}) =>
  readMasterKey(source, { environment, dataDir, run: runProgram });

describe('the master key', () => {
  test('is made at the first start, for its owner alone, and stays the same', async () => {
    const [first, ...others] = await Promise.all([read(undefined), read(undefined), read(undefined)]);
    expect(first).toHaveLength(32);
    for (const other of others) expect(other).toEqual(first);
    expect((await stat(join(dataDir, 'master.key'))).mode & 0o777).toBe(0o600);
    expect(await read(undefined)).toEqual(first);
  });

  test('comes from the environment, a file, or a program, as base64 or hexadecimal text', async () => {
    const file = join(dataDir, 'key');
    await writeFile(file, `${key.toString('hex').toUpperCase()}\n`, { mode: 0o600 });
    expect(await read({ file })).toEqual(key);
    expect(await read({ env: 'KEY' }, { KEY: base64 })).toEqual(key);
    expect(await read({ env: 'KEY' }, { KEY: base64.replace('=', '') })).toEqual(key);
    expect(await read({ command: [process.execPath, '-e', 'console.log(process.argv[1])', base64] })).toEqual(key);
  });

  test.each(['', 'short', base64.slice(4), `${base64}AAAA`, `${key.toString('hex')}00`, `${base64.slice(0, 20)}!${base64.slice(20)}`])(
    'that is none is refused without showing it: %j',
    async (text) => {
      const error = await read({ env: 'KEY' }, { KEY: text }).catch((cause: unknown) => cause as Error);
      expect(error).toMatchObject({ code: 'INVALID_CONFIG' });
      expect(text !== '' && (error as Error).message.includes(text)).toBe(false);
    },
  );

  test('that others can read is refused with what to do', async () => {
    const file = join(dataDir, 'key');
    await writeFile(file, base64);
    await chmod(file, 0o644);
    await expect(read({ file })).rejects.toThrow(`run "chmod 600 ${file}"`);
  });

  test('that cannot be had says why', async () => {
    await expect(read({ file: join(dataDir, 'none') })).rejects.toThrow(/none": ENOENT/);
    await expect(read({ env: 'NONE' })).rejects.toThrow('"NONE" is not set');
    await expect(read({ command: [join(dataDir, 'no-program')] })).rejects.toThrow('failed: ENOENT');
    await expect(read({ command: [process.execPath, '-e', 'process.exit(3)'] })).rejects.toMatchObject({ code: 'INVALID_CONFIG' });
  });

  test('starts no shell', async () => {
    const file = join(dataDir, 'made');
    await expect(read({ command: [process.execPath, '-e', '0', `; touch ${file}`] })).rejects.toMatchObject({ code: 'INVALID_CONFIG' });
    await expect(readFile(file)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
