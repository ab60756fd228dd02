import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger, type Clock, type Logger } from '@signalbox/core';
import * as fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createFileDocuments } from './file-documents.ts';

const clock: Clock = { now: () => Date.UTC(2026, 6, 28, 12, 30), monotonic: () => 0, after: () => () => undefined };

let root: string;
let folder: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'signalbox-documents-'));
  folder = join(root, 'data');
});
afterEach(() => rm(root, { recursive: true, force: true }));

function createRecorder() {
  const lines: string[] = [];
  const logger: Logger = { ...silentLogger, warn: (message) => lines.push(message) };
  return { lines, logger };
}

test('a document is there for the next store on the same folder', async () => {
  const first = createFileDocuments({ folder });
  await first.write('manifest.github', { tools: ['search'], größe: 1 });
  await first.close();
  const second = createFileDocuments({ folder });
  expect(await second.read('manifest.github')).toEqual({ tools: ['search'], größe: 1 });
  expect(await second.read('manifest.other')).toBeUndefined();
});

test.skipIf(process.platform === 'win32')('folder and files belong to their owner alone', async () => {
  const documents = createFileDocuments({ folder });
  await documents.write('names', {});
  expect((await stat(folder)).mode & 0o777).toBe(0o700);
  expect((await stat(join(folder, 'names.json'))).mode & 0o777).toBe(0o600);
});

test('a read sees the write that was asked for before it', async () => {
  const documents = createFileDocuments({ folder });
  const writing = documents.write('names', { version: 1 });
  expect(await documents.read('names')).toEqual({ version: 1 });
  await writing;
});

test('a document changed after it was handed over is kept as it was', async () => {
  const documents = createFileDocuments({ folder });
  const document = { list: ['a'] };
  const writing = documents.write('names', document);
  document.list.push('b');
  await writing;
  expect(await documents.read('names')).toEqual({ list: ['a'] });
});

test('of many writes in a row the latest is kept, and those in between never reach the disk', async () => {
  const documents = createFileDocuments({ folder });
  const [first, ...others] = Array.from({ length: 500 }, (_, version) => documents.write('names', { version }));
  await first;
  // The first one to settle finds the last version: there was one write for all of them.
  expect(JSON.parse(await readFile(join(folder, 'names.json'), 'utf8'))).toEqual({ version: 499 });
  await Promise.all(others);
  expect(await readdir(folder)).toEqual(['names.json']);
});

test('closing waits for every write, and later ones are refused', async () => {
  const documents = createFileDocuments({ folder });
  const writes = ['a', 'b', 'c'].map((key) => documents.write(key, { key }));
  await documents.close();
  expect((await readdir(folder)).toSorted()).toEqual(['a.json', 'b.json', 'c.json']);
  await Promise.all(writes);
  await expect(documents.write('d', {})).rejects.toMatchObject({
    code: 'INTERNAL',
    message: 'Cannot write document "d": the store is closed',
  });
});

test('a removed document is gone, and removing one that is not there is no error', async () => {
  const documents = createFileDocuments({ folder });
  await documents.write('names', {});
  await documents.remove('names');
  await documents.remove('names');
  expect(await documents.read('names')).toBeUndefined();
  expect(await readdir(folder)).toEqual([]);
});

test('a half-written file reads as nothing and is set aside with a line in the log', async () => {
  await mkdir(folder);
  await writeFile(join(folder, 'names.json'), '{"a":');
  const { lines, logger } = createRecorder();
  const documents = createFileDocuments({ folder, logger, clock });
  expect(await documents.read('names')).toBeUndefined();
  expect(await readdir(folder)).toEqual(['names.broken-2026-07-28T12-30-00.000Z']);
  expect(await readFile(join(folder, 'names.broken-2026-07-28T12-30-00.000Z'), 'utf8')).toBe('{"a":');
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain('Cannot read document "names", set it aside');
  await documents.write('names', { a: 1 });
  expect(await documents.read('names')).toEqual({ a: 1 });
});

test('something that is no file is set aside as well', async () => {
  await mkdir(join(folder, 'names.json'), { recursive: true });
  const documents = createFileDocuments({ folder, clock });
  expect(await documents.read('names')).toBeUndefined();
  await documents.write('names', { a: 1 });
  expect(await documents.read('names')).toEqual({ a: 1 });
});

test('a write that fails says so to its caller, leaves no temporary file, and the next one may succeed', async () => {
  await writeFile(folder, 'a file where the folder should be');
  const documents = createFileDocuments({ folder });
  await expect(documents.write('names', {})).rejects.toMatchObject({ code: 'INTERNAL' });
  await documents.flush();
  await rm(folder);
  await documents.write('names', { a: 1 });
  expect(await readdir(folder)).toEqual(['names.json']);
});

test('temporary files a crash has left are removed once they are old', async () => {
  await mkdir(folder);
  await writeFile(join(folder, 'names.old.tmp'), '{');
  await utimes(join(folder, 'names.old.tmp'), 0, 0);
  await writeFile(join(folder, 'names.new.tmp'), '{');
  await createFileDocuments({ folder }).write('names', {});
  expect((await readdir(folder)).toSorted()).toEqual(['names.json', 'names.new.tmp']);
});

test('keys that could leave the folder are refused', async () => {
  const documents = createFileDocuments({ folder });
  for (const key of ['', '../up', 'a/b', 'A', 'a b', 'ä', 'a'.repeat(201)]) {
    await expect(documents.read(key)).rejects.toMatchObject({ code: 'INTERNAL' });
    await expect(documents.write(key, {})).rejects.toMatchObject({ code: 'INTERNAL' });
    await expect(documents.remove(key)).rejects.toMatchObject({ code: 'INTERNAL' });
  }
  expect(await readdir(root)).toEqual([]);
});

test('what is not JSON is refused', async () => {
  const documents = createFileDocuments({ folder });
  const circle: Record<string, unknown> = {};
  circle['self'] = circle;
  for (const document of [undefined, circle, 1n])
    await expect(documents.write('names', document)).rejects.toMatchObject({ code: 'INTERNAL' });
});

const step = fc.oneof(
  fc.record({ kind: fc.constant('write' as const), key: fc.constantFrom('a', 'b'), value: fc.jsonValue() }),
  fc.record({ kind: fc.constant('remove' as const), key: fc.constantFrom('a', 'b') }),
  fc.record({ kind: fc.constant('flush' as const) }),
);

test('whatever is asked in whatever order, the last word on each key is what the next process reads', async () => {
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const own = join(root, `run-${run++}`);
      const documents = createFileDocuments({ folder: own });
      const expected = new Map<string, unknown>();
      const asked: Promise<void>[] = [];
      for (const each of steps) {
        if (each.kind === 'flush') await documents.flush();
        else if (each.kind === 'remove') {
          expected.delete(each.key);
          asked.push(documents.remove(each.key));
        } else {
          expected.set(each.key, JSON.parse(JSON.stringify(each.value)));
          asked.push(documents.write(each.key, each.value));
        }
      }
      await documents.close();
      await Promise.all(asked);
      const next = createFileDocuments({ folder: own });
      for (const key of ['a', 'b']) expect(await next.read(key)).toEqual(expected.get(key));
    }),
    { numRuns: 40 },
  );
});
