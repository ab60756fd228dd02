import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeTinyModel } from '../testing/tiny-model.ts';
import { RefusedTexts } from './embedding-client.ts';
import { createLocalModel } from './local-model.ts';
import { openModelFolder } from './model-folder.ts';

const PATIENT = { timeoutMs: 60_000 };

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'signalbox-model-'));
  await writeTinyModel(folder);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function open(options: { readonly dimensions?: number } = {}) {
  const client = createLocalModel({ folder: openModelFolder(folder), ...options });
  return {
    ...client,
    get isClosed() {
      return client.isClosed;
    },
    [Symbol.dispose]: () => client.close(),
  };
}

const cosine = (one: Float32Array, other: Float32Array) => one.reduce((sum, value, index) => sum + value * other[index]!, 0);

test('a model gives vectors of length 1, the nearer the more alike texts are in what they mean', async () => {
  using model = open();
  const [buy, purchase, doctor, long] = (await model.embed(
    ['Buy a car', 'purchase_automobile', 'find doctor', 'buy car'.repeat(2_000)],
    PATIENT,
  )) as [Float32Array, Float32Array, Float32Array, Float32Array];
  expect([buy, purchase, doctor, long].map((vector) => vector.length)).toEqual([3, 3, 3, 3]);
  for (const vector of [buy, purchase, doctor, long]) expect(Math.hypot(...vector)).toBeCloseTo(1, 5);
  expect(cosine(buy, purchase)).toBeGreaterThan(0.95);
  expect(cosine(buy, doctor)).toBeLessThan(0.3);
  // The same in whichever company.
  const [alone] = await model.embed(['Buy a car'], PATIENT);
  for (const [index, value] of alone!.entries()) expect(value).toBeCloseTo(buy[index]!, 5);
});

test('texts of any number come back in their order, and what has to be there sooner does not wait for all of them', async () => {
  using model = open();
  const ended: string[] = [];
  const texts = Array.from({ length: 100 }, (_, index) => (index % 2 === 0 ? 'buy a car' : 'find a doctor'));
  const all = model.embed(texts, PATIENT).finally(() => ended.push('all'));
  const soon = model.embed(['doctor'], { timeoutMs: 50_000 }).finally(() => ended.push('soon'));
  const [vectors] = await Promise.all([all, soon]);
  expect(ended).toEqual(['soon', 'all']);
  expect(vectors).toHaveLength(100);
  for (const [index, vector] of vectors.entries()) expect(vector).toEqual(vectors[index % 2]);
});

test('a vector is as short as is wanted, and not longer than the model makes it', async () => {
  using model = open({ dimensions: 2 });
  const [vector] = await model.embed(['buy a doctor'], PATIENT);
  expect(vector).toHaveLength(2);
  expect(Math.hypot(...vector!)).toBeCloseTo(1, 5);
  using other = open({ dimensions: 4 });
  await expect(other.embed(['buy'], PATIENT)).rejects.toThrow('the model gives 3 numbers, and 4 are wanted');
});

test('a text that has no direction is refused, and others are taken', async () => {
  using model = open({ dimensions: 2 });
  await expect(model.embed(['?'], PATIENT)).rejects.toThrow(RefusedTexts);
  expect(await model.embed(['buy'], PATIENT)).toHaveLength(1);
});

test('long texts are cut where the model ends', async () => {
  await writeTinyModel(folder, { maxTokens: 4 });
  using model = open();
  const [whole, cut] = await model.embed(['buy car', 'buy car doctor doctor doctor'], PATIENT);
  expect(cut).toEqual(whole);
});

test('the first token stands for the text where the model says so', async () => {
  await rm(path.join(folder, '1_Pooling'), { recursive: true, force: true });
  const mean = openModelFolder(folder);
  expect(mean.pooling).toBe('mean');
  await import('node:fs/promises').then(({ mkdir }) => mkdir(path.join(folder, '1_Pooling')));
  await writeFile(path.join(folder, '1_Pooling', 'config.json'), '{"pooling_mode_cls_token":true}');
  using model = open();
  const [one, other] = await model.embed(['buy a car', 'find a doctor'], PATIENT);
  expect(one).toEqual(other);
});

test.each([
  ['model.onnx', 'it holds neither "model.onnx" nor "onnx/model.onnx"', () => rm(path.join(folder, 'onnx'), { recursive: true })],
  ['tokenizer', 'it holds no "tokenizer.json"', () => rm(path.join(folder, 'tokenizer.json'))],
  ['config', '"config.json" cannot be read', () => writeFile(path.join(folder, 'config.json'), '{')],
])('a folder without a good %s is refused at once, with what is wrong', async (_, said, spoil) => {
  await spoil();
  expect(() => openModelFolder(folder)).toThrow(
    expect.objectContaining({ code: 'INVALID_CONFIG', message: expect.stringContaining(said) as string }),
  );
});

test('another model is known by another name', async () => {
  const before = openModelFolder(folder).id;
  expect(openModelFolder(folder).id).toBe(before);
  await utimes(path.join(folder, 'onnx', 'model.onnx'), 1, 1);
  expect(openModelFolder(folder).id).not.toBe(before);
});

test('a file that is no model is told of, and taken once it is one', async () => {
  const file = path.join(folder, 'onnx', 'model.onnx');
  await writeFile(file, 'no model');
  using model = open();
  await expect(model.embed(['buy'], PATIENT)).rejects.toThrow(/protobuf/i);
  await writeTinyModel(folder);
  expect(await model.embed(['buy'], PATIENT)).toHaveLength(1);
});

test('nobody waits longer than they said, or for what is closed', async () => {
  using model = open();
  await expect(model.embed(['buy'], { timeoutMs: 0 })).rejects.toThrow('it has not answered within 0 ms');
  const waiting = model.embed(['buy'], PATIENT);
  model.close();
  await expect(waiting).rejects.toThrow('the gateway ended');
  expect(model.isClosed).toBe(true);
  await expect(model.embed(['buy'], PATIENT)).rejects.toThrow('the gateway ended');
});
