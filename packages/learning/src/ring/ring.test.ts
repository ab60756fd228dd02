import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRing, openRingReader, openRingWriter, readRingCounts } from './ring.ts';

const record = (length: number, seed: number) => Uint8Array.from({ length }, (_, index) => (seed + index) % 256);

test('whatever is written and read in turn comes out as it went in, in order, or is counted as dropped', () => {
  const steps = fc.array(fc.oneof(fc.record({ write: fc.nat(700) }), fc.record({ read: fc.integer({ min: 1, max: 9 }) })), {
    maxLength: 200,
  });
  fc.assert(
    fc.property(steps, (all) => {
      const ring = createRing({ bytes: 1024 });
      const [writer, reader] = [openRingWriter(ring), openRingReader(ring)];
      const waiting: Uint8Array[] = [];
      let [seed, dropped, written] = [0, 0, 0];
      const read = (limit: number) => {
        const seen: number[][] = [];
        const count = reader.read((bytes) => seen.push([...bytes]), limit);
        const expected = waiting.splice(0, limit).map((bytes) => [...bytes]);
        expect([count, seen]).toEqual([expected.length, expected]);
      };
      for (const step of all) {
        if ('read' in step) read(step.read);
        else {
          const bytes = record(step.write, seed++);
          if (writer.write(bytes)) {
            waiting.push(bytes);
            written++;
          } else dropped++;
        }
      }
      read(waiting.length + 1);
      expect(reader.hasMore).toBe(false);
      expect(readRingCounts(ring)).toEqual({ written, dropped, usedBytes: 0, capacity: 1024 });
    }),
  );
});

test('a full ring drops and counts, and goes on once there is room', () => {
  const ring = createRing({ bytes: 1024 });
  const writer = openRingWriter(ring);
  let written = 0;
  while (writer.write(record(100, 0))) written++;
  for (let index = 0; index < 1000; index++) expect(writer.write(record(100, 0))).toBe(false);
  expect(readRingCounts(ring)).toMatchObject({ written, dropped: 1001 });
  expect(openRingReader(ring).read(() => undefined, 2)).toBe(2);
  expect(writer.write(record(100, 0))).toBe(true);
  // More than the whole ring never fits.
  expect(writer.write(record(2000, 0))).toBe(false);
});

test('some room is kept for what is rare, and what is not even made counts as dropped', () => {
  const ring = createRing({ bytes: 1024 });
  const writer = openRingWriter(ring);
  let written = 0;
  while (!writer.isCrowded) {
    expect(writer.write(record(20, 0))).toBe(true);
    written++;
  }
  writer.drop();
  expect(writer.write(record(20, 0))).toBe(true);
  expect(readRingCounts(ring)).toMatchObject({ written: written + 1, dropped: 1 });
  openRingReader(ring).read(() => undefined, 3);
  expect(writer.isCrowded).toBe(false);
});

test('positions run past 2^32', () => {
  const ring = createRing({ bytes: 1024 });
  const control = new Int32Array(ring.memory);
  control.fill(-512, 0, 2);
  const [writer, reader] = [openRingWriter(ring), openRingReader(ring)];
  for (let seed = 0; seed < 50; seed++) {
    expect(writer.write(record(61, seed))).toBe(true);
    const seen: number[][] = [];
    reader.read((bytes) => seen.push([...bytes]), 9);
    expect(seen).toEqual([[...record(61, seed)]]);
  }
});

test('a record that its reader cannot take does not come again', () => {
  const ring = createRing({ bytes: 1024 });
  const [writer, reader] = [openRingWriter(ring), openRingReader(ring)];
  writer.write(record(3, 1));
  writer.write(record(3, 2));
  expect(() =>
    reader.read(() => {
      throw new Error('no');
    }, 9),
  ).toThrow('no');
  const seen: number[][] = [];
  reader.read((bytes) => seen.push([...bytes]), 9);
  expect(seen).toEqual([[2, 3, 4]]);
});

// The reader is the same protocol in plain JavaScript, as a thread cannot be started from TypeScript.
const READER = `
const { workerData, parentPort } = require('node:worker_threads');
const { memory, count } = workerData;
const control = new Int32Array(memory, 0, 16);
const view = new DataView(memory, 64);
const capacity = memory.byteLength - 64;
let [seen, sum, ordered, last] = [0, 0, true, -1];
const end = Date.now() + 20000;
while (seen < count && Date.now() < end) {
  let tail = Atomics.load(control, 1) >>> 0;
  const head = Atomics.load(control, 0) >>> 0;
  while (tail !== head) {
    const at = tail % capacity;
    const length = view.getUint32(at, true);
    if (length === 0xffffffff) { tail = (tail + capacity - at) >>> 0; continue; }
    const id = view.getUint32(at + 4, true);
    if (id <= last) ordered = false;
    last = id;
    for (let index = 4; index < length; index++) if (view.getUint8(at + 4 + index) !== (id & 255)) ordered = false;
    sum += id; seen++;
    tail = (tail + ((4 + length + 3) & ~3)) >>> 0;
  }
  Atomics.store(control, 1, tail | 0);
}
parentPort.postMessage({ seen, sum, ordered });
`;

test('between two threads nothing is lost, torn or out of order', async () => {
  const ring = createRing({ bytes: 4096 });
  const count = 100_000;
  const worker = new Worker(READER, { eval: true, workerData: { memory: ring.memory, count } });
  const done = new Promise<{ seen: number; sum: number; ordered: boolean }>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  const writer = openRingWriter(ring);
  const bytes = new Uint8Array(64);
  const view = new DataView(bytes.buffer);
  let sum = 0;
  for (let id = 0; id < count; id++) {
    const length = 8 + (id % 50);
    view.setUint32(0, id, true);
    bytes.fill(id & 255, 4, length);
    const part = bytes.subarray(0, length);
    while (!writer.write(part)) await new Promise<void>((resolve) => setImmediate(resolve));
    sum += id;
  }
  expect(await done).toEqual({ seen: count, sum, ordered: true });
  await worker.terminate();
}, 30_000);
