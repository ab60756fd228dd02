import { appendFile, mkdir, mkdtemp, readFile, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Clock } from '@signalbox/core';
import { createFileLines } from './file-lines.ts';

/** No process has a number that large. */
const GONE = 2 ** 30;
const KEEP_MS = 86_400_000;

let root: string;
let folder: string;
let now = Date.now();
const clock: Clock = { now: () => now, monotonic: () => 0, after: () => () => undefined };

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'signalbox-lines-'));
  folder = join(root, 'data');
  now = Date.now();
});
afterEach(() => rm(root, { recursive: true, force: true }));

function open(pid = process.pid) {
  now += 1;
  return createFileLines({ folder, name: 'keys', pid, keepMs: KEEP_MS, clock });
}

const onlyFile = async () => {
  const files = await readdir(folder);
  expect(files).toHaveLength(1);
  return join(folder, files[0]!);
};

test('lines are there for the next process, in their order', async () => {
  const first = open();
  expect(await first.read()).toEqual([]);
  await Promise.all(Array.from({ length: 50 }, (_, index) => first.append(`line ${index} ä`)));
  await first.close();
  const second = open();
  expect(await second.read()).toEqual(Array.from({ length: 50 }, (_, index) => `line ${index} ä`));
  await second.close();
});

test('a line is in the file once its promise has resolved', async () => {
  const lines = open();
  await lines.append('first');
  expect(await readFile(await onlyFile(), 'utf8')).toBe('first\n');
  await lines.close();
});

test('others take the place of all lines, and what is appended meanwhile comes behind them', async () => {
  const lines = open();
  await lines.append('old');
  await Promise.all([lines.append('older'), lines.replace(['new']), lines.append('newer')]);
  expect(await lines.read()).toEqual(['new', 'newer']);
  await lines.close();
});

test('what a process that is gone has left is taken over, and its file removed once its lines stand in ours', async () => {
  const gone = open(GONE);
  await gone.append('theirs');
  await gone.close();
  const lines = open();
  expect(await lines.read()).toEqual(['theirs']);
  expect(await readdir(folder)).toHaveLength(1);
  await lines.replace(['theirs, still']);
  await lines.append('ours');
  expect(await readFile(await onlyFile(), 'utf8')).toBe('theirs, still\nours\n');
  await lines.close();
});

test('two processes share a folder, and neither removes a line of the other', async () => {
  const other = open(process.ppid);
  await other.append('a');
  const lines = open();
  expect(await lines.read()).toEqual(['a']);
  await lines.replace(['mine']);
  await other.append('b');
  expect(await open().read()).toEqual(['a', 'b', 'mine']);
  await Promise.all([lines.close(), other.close()]);
});

test('a file nobody has written to for long enough is removed', async () => {
  const other = open(process.ppid);
  await other.append('old');
  await other.close();
  const longAgo = (now - KEEP_MS - 1000) / 1000;
  await utimes(await onlyFile(), longAgo, longAgo);
  expect(await open().read()).toEqual([]);
  expect(await readdir(folder)).toEqual([]);
});

test('a file that cannot be read now is left for the next time', async () => {
  await mkdir(join(folder, `keys.000000000-${GONE}.log`), { recursive: true });
  const lines = open();
  expect(await lines.read()).toEqual([]);
  await lines.replace(['ours']);
  expect(await readdir(folder)).toHaveLength(2);
  await lines.close();
});

test('what a crash cut off is left out', async () => {
  const first = open();
  await first.append('whole');
  await first.close();
  await appendFile(await onlyFile(), 'cut o');
  expect(await open().read()).toEqual(['whole']);
});

test('a log that cannot be written says so to everyone who waits, and goes on when it can', async () => {
  await writeFile(folder, 'a file where the folder should be');
  const lines = open();
  const results = await Promise.allSettled([lines.append('a'), lines.append('b')]);
  expect(results).toMatchObject(Array.from({ length: 2 }, () => ({ status: 'rejected', reason: { code: 'INTERNAL' } })));
  await rm(folder);
  await lines.append('c');
  expect(await lines.read()).toEqual(['c']);
  await lines.close();
  await expect(lines.append('d')).rejects.toMatchObject({ message: expect.stringContaining('closed') as unknown });
});

test.skipIf(process.platform === 'win32')('files belong to their owner alone', async () => {
  const lines = open();
  await lines.append('a');
  expect((await stat(await onlyFile())).mode & 0o777).toBe(0o600);
  await lines.replace(['b']);
  expect((await stat(await onlyFile())).mode & 0o777).toBe(0o600);
  await lines.close();
});
