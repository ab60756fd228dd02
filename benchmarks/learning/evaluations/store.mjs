// What it costs to keep what was learned: commits, going back, merging, replaying.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openStore } from '../../../packages/storage/dist/index.js';
import { silentLogger, systemClock, WireWriter } from '../../../packages/core/dist/index.js';
import { readInteraction, writeInteraction } from '../../../packages/learning/dist/codec/interaction-codec.js';
import { mergeStates } from '../../../packages/learning/dist/index.js';
import { ModelStore } from '../../../packages/learning/dist/model-store/model-store.js';
import { createRing, openRingReader, openRingWriter } from '../../../packages/learning/dist/ring/ring.js';
import { Learner } from '../../../packages/learning/dist/learner/learner.js';
import { createAllModels } from '../../../packages/learning/dist/learner/all-models.js';

const ROWS = 130_000;
const SPEC = { name: 'counts', columns: ['seen', 'failed', 'weight', 'sum'], rule: 'sum' };

export async function evaluate({ quick }) {
  const folder = mkdtempSync(path.join(tmpdir(), 'signalbox-bench-'));
  const store = await openStore({ url: 'sqlite:', namespace: 'bench', dataDir: folder, clock: systemClock, logger: silentLogger });
  try {
    return [...(await commits(store, quick ? 3 : 9)), ...(await learner(store, quick ? 5_000 : 50_000)), ...ring()];
  } finally {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function commits(store, rounds) {
  const random = mulberry(7);
  const rows = new Map(
    Array.from({ length: ROWS }, (_, index) => [`tenant\0upstream ${index % 97}\0tool ${index}`, [index, index % 7, 1, index * 3]]),
  );
  const bytes = [...rows].reduce((sum, [key, row]) => sum + key.length + 8 * row.length, 0);
  const models = new ModelStore({ store, now: Date.now });
  const statesOf = (table) => new Map([['model', new Map([['counts', table]])]]);
  const at = { branch: 'live', message: 'bench', facts: 0, first: 0, last: 0 };
  const first = await models.commit({ ...at, states: statesOf(rows) });
  const keys = [...rows.keys()];
  const times = [];
  let written;
  let last = first;
  let next = rows;
  for (let round = 0; round < rounds; round++) {
    next = new Map(next);
    for (let index = 0; index < ROWS / 100; index++) {
      const key = keys[Math.floor(random() * ROWS)];
      next.set(key, [round, 1, 2, 3]);
    }
    const begun = performance.now();
    last = await models.commit({ ...at, states: statesOf(next) });
    times.push(performance.now() - begun);
    written = last.writtenBytes;
  }
  const begunBack = performance.now();
  await models.setRef('live', first.commit.id);
  const backMs = performance.now() - begunBack;
  const begunLoad = performance.now();
  const loaded = (await models.load(await models.resolve('live'))).get('model').get('counts');
  const loadMs = performance.now() - begunLoad;

  // Two that learn apart from one base, and one that has seen what both have.
  const half = (offset) =>
    new Map([...rows].map(([key, row], index) => [key, index % 2 === offset ? row.map((value) => value + 1 + (index % 3)) : row]));
  const whole = new Map([...rows].map(([key, row], index) => [key, row.map((value) => value + 1 + (index % 3))]));
  const stateOf = (table) => new Map([['counts', table]]);
  const merged = mergeStates([SPEC], { base: stateOf(rows), a: stateOf(half(0)), b: stateOf(half(1)) }).get('counts');
  const differing = [...whole].filter(([key, row]) => merged.get(key).some((value, column) => value !== row[column])).length;
  const capability = 'model store';
  const set = `${(bytes / 1e6).toFixed(1)} MB, ${ROWS} rows`;
  return [
    { capability, set, metric: 'commit with 1 % of the rows changed, median ms', value: median(times), goal: 50, better: 'less' },
    { capability, set, metric: 'bytes that such a commit writes', value: written, note: `the first: ${first.writtenBytes}` },
    { capability, set, metric: 'going back: the reference, ms', value: backMs, goal: 10, better: 'less' },
    { capability, set, metric: 'going back: reading it all, ms', value: loadMs },
    {
      capability,
      set,
      metric: 'rows that differ after going back',
      value: [...rows].filter(([key, row]) => loaded.get(key)?.join() !== row.join()).length,
      goal: 0,
      better: 'less',
    },
    { capability, set, metric: 'rows that differ after merging two halves', value: differing, goal: 0, better: 'less' },
  ];
}

async function learner(store, count) {
  const createModels = () => createAllModels({ anomalies: { enabled: true, alertsPerDay: 20, settleDays: 3 } });
  const open = () => Learner.open({ createModels, store, now: Date.now, maxFacts: 1e9, breathe: async () => undefined });
  await store.commit([
    { kind: 'forget', log: 'learning.facts' },
    { kind: 'delete', collection: 'learning.refs', key: 'live' },
  ]);
  const learning = await open();
  const facts = Array.from({ length: count }, (_, index) => encode(callOf(index)));
  const begun = performance.now();
  for (const fact of facts) if (learning.observe(fact)) await learning.flush();
  const observeUs = ((performance.now() - begun) * 1000) / count;
  const replayed = await learning.replay();
  const forgotten = await learning.forget({ principal: 'p1' });
  const capability = 'cost';
  const set = `${count} calls`;
  return [
    { capability, set, metric: 'learning from a call with every model and keeping it, µs', value: observeUs, goal: 100, better: 'less' },
    { capability: 'replay', set, metric: 'facts a second', value: (1000 * replayed.facts) / replayed.tookMs },
    {
      capability: 'replay',
      set,
      metric: 'times real time at 100 calls a second',
      value: replayed.facts / replayed.tookMs / 0.1,
      goal: 100,
    },
    { capability: 'replay', set, metric: 'same root as what was learned', value: Number(replayed.isSame), goal: 1 },
    {
      capability: 'forget',
      set,
      metric: 'facts that are left of one who is forgotten',
      value: forgotten.forgotten + forgotten.kept - count,
      goal: 0,
      better: 'less',
    },
  ];
}

function ring() {
  const own = createRing({ bytes: 1 << 20 });
  const [writer, reader] = [openRingWriter(own), openRingReader(own)];
  const wire = new WireWriter(4096);
  const count = 200_000;
  const facts = Array.from({ length: 1000 }, (_, index) => callOf(index));
  let writing = 0;
  let reading = 0;
  for (let done = 0; done < count; done += 1000) {
    const begun = performance.now();
    for (const fact of facts) {
      wire.reset();
      writeInteraction(wire, fact);
      writer.write(wire.written);
    }
    writing += performance.now() - begun;
    const begunReading = performance.now();
    reader.read(readInteraction, 1000);
    reading += performance.now() - begunReading;
  }
  const [capability, set] = ['cost', 'ring'];
  return [
    { capability, set, metric: 'writing a call, µs', value: (1000 * writing) / count, goal: 2, better: 'less' },
    { capability, set, metric: 'reading a call, µs', value: (1000 * reading) / count },
    { capability, set, metric: 'calls a second, written and read', value: (1000 * count) / (writing + reading), goal: 10_000 },
  ];
}

function callOf(index) {
  return {
    kind: 'call',
    sequence: index,
    atMs: 1_800_000_000_000 + index * 10,
    tenant: '',
    principal: `p${index % 20}`,
    session: `session ${index % 50}`,
    client: 'bench',
    policyVersion: 0,
    arms: [],
    upstream: `server ${index % 10}`,
    tool: `tool ${(index * 7) % 200}`,
    toolVersion: '0123456789abcdef',
    effect: 'read',
    argsKey: 'fedcba9876543210',
    argsShape: ['limit:number', 'query:string'],
    argsBytes: 120,
    resultBytes: 2_000,
    resultKey: '',
    ending: index % 19 === 0 ? 'toolError' : 'ok',
    errorCode: '',
    durationMs: 5 + (index % 100),
    queueMs: 0.1,
    attempts: 1,
    cached: false,
  };
}

function encode(fact) {
  const writer = new WireWriter();
  writeInteraction(writer, fact);
  return writer.written.slice();
}

function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

function mulberry(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 4_294_967_296;
  };
}
