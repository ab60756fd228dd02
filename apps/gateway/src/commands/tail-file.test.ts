import { appendFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createTail } from './tail-file.ts';

async function temporaryFile(text: string): Promise<{ readonly path: string } & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-tail-'));
  const path = join(folder, 'gateway.log');
  await writeFile(path, text);
  return { path, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}

test('the last lines of a file larger than one read come whole', async () => {
  const lines = Array.from({ length: 5000 }, (_, index) => `line ${index} ${'x'.repeat(40)}`);
  await using file = await temporaryFile(`${lines.join('\n')}\n`);
  expect(await createTail(file.path).last(3000)).toEqual(lines.slice(-3000));
});

test('lines written since are new once, and a half line waits for its end', async () => {
  await using file = await temporaryFile('one\ntwo\n');
  const tail = createTail(file.path);
  expect(await tail.last(1)).toEqual(['two']);
  await appendFile(file.path, 'three\nfo');
  expect(await tail.next()).toEqual(['three']);
  await appendFile(file.path, 'ur\n');
  expect(await tail.next()).toEqual(['four']);
  expect(await tail.next()).toEqual([]);
});

test('after a rotation the new file is read from its beginning', async () => {
  await using file = await temporaryFile('old\n');
  const tail = createTail(file.path);
  await tail.last(10);
  await rename(file.path, `${file.path}.1`);
  expect(await tail.next()).toEqual([]);
  await writeFile(file.path, 'new one, longer than the old\n');
  expect(await tail.next()).toEqual(['new one, longer than the old']);
});
