import { expect, test, vi } from 'vitest';
import { silentLogger, systemClock } from '@signalbox/core';
import { createMemoryStore } from '@signalbox/storage';
import { createCircuit } from './circuit.ts';
import type { EmbeddingClient } from './embedding-client.ts';
import { createNeedVectors } from './need-vectors.ts';
import { createSlots } from './slots.ts';
import { createToolVectors } from './tool-vectors.ts';
import { createVectorStore } from './vector-store.ts';

const clock = systemClock;
const logger = silentLogger;

function createClient() {
  const asked: string[] = [];
  const client: EmbeddingClient = {
    isClosed: false,
    embed: async (texts) => {
      asked.push(...texts);
      return texts.map(() => Float32Array.of(0.6, 0.8));
    },
    close: () => undefined,
  };
  return { client, asked };
}

test('the store keeps no more vectors than it should; those of tools that are not there go', async () => {
  const store = createMemoryStore();
  const vectors = createVectorStore({ store, model: 'toy', logger, maxKept: 3 });
  const vector = Float32Array.of(0.25, -0.5);
  const save = (texts: readonly string[], wanted: readonly string[]) => {
    const keys = new Set(wanted.map(vectors.keyOf));
    return vectors.save(new Map(texts.map((text) => [text, vector])), (key) => keys.has(key));
  };
  await save(['a', 'b'], ['a', 'b']);
  await save(['c', 'd'], ['b', 'c', 'd']);
  const found = await vectors.load(['a', 'b', 'c', 'd']);
  expect([...found.keys()]).toEqual(['b', 'c', 'd']);
  expect(found.get('b')).toEqual(vector);
});

test('what is damaged in the store counts as not kept', async () => {
  const store = createMemoryStore();
  const vectors = createVectorStore({ store, model: 'toy', logger });
  const put = (text: string, value: Buffer) => store.commit([{ kind: 'put', collection: 'tool-vectors', key: vectors.keyOf(text), value }]);
  await put('cut', Buffer.alloc(7, 1));
  await put('empty', Buffer.alloc(0));
  await put('no number', Buffer.from([0, 0, 0xc0, 0x7f]));
  expect((await vectors.load(['cut', 'empty', 'no number'])).size).toBe(0);
});

test('memory takes no more vectors of tools than there is room for, and the log says so once', async () => {
  const warn = vi.fn<(message: string) => void>();
  const { client, asked } = createClient();
  const store = createVectorStore({ store: createMemoryStore(), model: 'toy', logger });
  const circuit = createCircuit({ clock, logger });
  const tools = createToolVectors({ client, circuit, store, clock, logger: { ...logger, warn }, maxBytes: 3 * 8 });
  tools.setTools(['a', 'b', 'c', 'd', 'e']);
  await vi.waitFor(() => expect(warn).toHaveBeenCalledOnce());
  expect(tools.size).toBe(3);
  tools.setTools(['a', 'b', 'c', 'd', 'e', 'f']);
  await tools.close();
  expect([tools.size, asked.includes('f'), warn.mock.calls.length]).toEqual([3, false, 1]);
});

test('of needs those asked for least of late are forgotten', async () => {
  const { client, asked } = createClient();
  const vectorsOf = createNeedVectors({
    client,
    circuit: createCircuit({ clock, logger }),
    timeoutMs: 1_000,
    onLength: () => undefined,
    maxKept: 2,
  });
  for (const need of ['a', 'b', 'a', 'c', 'a', 'b']) await vectorsOf([need]);
  expect(asked).toEqual(['a', 'b', 'c', 'b']);
});

test('a pause is twice as long after each failure, to a minute', () => {
  let now = 0;
  const circuit = createCircuit({ clock: { ...clock, monotonic: () => now }, logger });
  const pauses = Array.from({ length: 6 }, () => {
    expect(circuit.tryEnter()).toBe(true);
    circuit.failed('gone');
    const { pauseMs } = circuit;
    now += pauseMs;
    return pauseMs;
  });
  expect(pauses).toEqual([5_000, 10_000, 20_000, 40_000, 60_000, 60_000]);
  circuit.succeeded();
  circuit.failed('gone again');
  expect(circuit.pauseMs).toBe(5_000);
});

test('slots are taken in order, and whoever gives up waiting takes none', async () => {
  const slots = createSlots(1);
  const { signal } = new AbortController();
  const release = await slots.take(signal);
  const leaving = new AbortController();
  const left = slots.take(leaving.signal);
  const order: string[] = [];
  const second = slots.take(signal).then((next) => (order.push('second'), next));
  const third = slots.take(signal).then((next) => (order.push('third'), next));
  leaving.abort(new Error('left'));
  await expect(left).rejects.toThrow('left');
  expect(order).toEqual([]);
  release();
  (await second)();
  (await third)();
  expect(order).toEqual(['second', 'third']);
});
