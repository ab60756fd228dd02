import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readRuntimeFile, removeRuntimeFile, writeRuntimeFile, type RuntimeFile } from './runtime-file.ts';

let root: string;
let dataDir: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'signalbox-runtime-'));
  dataDir = join(root, 'data');
});
afterEach(() => rm(root, { recursive: true, force: true }));

const content: RuntimeFile = {
  pid: process.pid,
  url: 'http://127.0.0.1:7420/mcp',
  adminUrl: 'http://127.0.0.1:7420/api/v1',
  token: 'a-token',
  startedAt: '2026-07-28T12:00:00.000Z',
  configPath: null,
};

test('what a running gateway wrote is found', async () => {
  await writeRuntimeFile(dataDir, content);
  expect(await readRuntimeFile(dataDir)).toEqual(content);
  expect(await readdir(dataDir)).toEqual(['gateway.json']);
});

test.skipIf(process.platform === 'win32')('it is readable by its owner alone, also where it was not before', async () => {
  await writeRuntimeFile(dataDir, content);
  await chmod(join(dataDir, 'gateway.json'), 0o666);
  await writeRuntimeFile(dataDir, content);
  expect((await stat(join(dataDir, 'gateway.json'))).mode & 0o777).toBe(0o600);
  expect((await stat(dataDir)).mode & 0o777).toBe(0o700);
});

test('the file of a gateway that has ended reads as none', async () => {
  const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
  await once(child, 'exit');
  await writeRuntimeFile(dataDir, { ...content, pid: child.pid! });
  expect(await readRuntimeFile(dataDir)).toBeUndefined();
});

test('a missing, broken or foreign file reads as none', async () => {
  expect(await readRuntimeFile(dataDir)).toBeUndefined();
  await writeRuntimeFile(dataDir, content);
  for (const text of [
    '',
    '{"pid":',
    '[]',
    '{"pid":"1"}',
    JSON.stringify({ ...content, pid: -1 }),
    JSON.stringify({ ...content, token: 1 }),
  ]) {
    await writeFile(join(dataDir, 'gateway.json'), text);
    expect(await readRuntimeFile(dataDir)).toBeUndefined();
  }
});

test('a gateway removes its own file and not that of the next one', async () => {
  await writeRuntimeFile(dataDir, content);
  await removeRuntimeFile(dataDir, process.pid + 1);
  expect(await readRuntimeFile(dataDir)).toEqual(content);
  await removeRuntimeFile(dataDir, process.pid);
  expect(await readdir(dataDir)).toEqual([]);
  await removeRuntimeFile(dataDir, process.pid);
});
