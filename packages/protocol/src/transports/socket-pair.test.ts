import { once } from 'node:events';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { createSocketPair, removePairsOf } from './socket-pair.ts';

test('what is written into one end of a pair comes out of the other, and its end ends it', async () => {
  let text = '';
  const { ours, theirs } = await createSocketPair((bytes, length) => (text += bytes.toString('latin1', 0, length)));
  const ended = once(ours, 'end');
  theirs.end('a'.repeat(200_000));
  await ended;
  expect(text === 'a'.repeat(200_000)).toBe(true);
  await once(ours, 'close');
  expect([ours.readableEnded, ours.destroyed]).toEqual([true, true]);
});

test('pairs are read apart, though they share their memory', async () => {
  const texts = ['', '', ''];
  const open = (_: string, index: number) => createSocketPair((bytes, length) => (texts[index] += bytes.toString('latin1', 0, length)));
  const pairs = await Promise.all(texts.map(open));
  const ended = pairs.map(({ ours }) => once(ours, 'end'));
  for (let count = 0; count < 50; count++) for (const [index, { theirs }] of pairs.entries()) theirs.write(`${index}`.repeat(1_000));
  for (const { theirs } of pairs) theirs.end();
  await Promise.all(ended);
  expect(texts.map((text, index) => text === `${index}`.repeat(50_000))).toEqual([true, true, true]);
});

test('what a killed process has left behind is removed, and nothing of another one', () => {
  const [gone, other] = [4_194_305, 41_943_050].map((pid) => path.join(tmpdir(), `signalbox-pair-${pid}-test`));
  for (const folder of [gone!, other!]) mkdirSync(folder, { recursive: true });
  removePairsOf(4_194_305);
  expect([gone, other].map((folder) => existsSync(folder!))).toEqual([false, true]);
  rmSync(other!, { recursive: true });
});
