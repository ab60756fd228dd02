import { hkdfSync } from 'node:crypto';
import { parseGatewayConfig, silentLogger, type Clock, type Record as CallRecord } from '@signalbox/core';
import { createSearchModel, encodeSearchSnapshot, readInteraction, type Published } from '@signalbox/learning';
import { expect, test } from 'vitest';
import { createAnswerLed } from './answer-led.ts';
import { unitOf } from './caller-unit.ts';
import { createLedLearning } from './led-learning.ts';
import { createPrincipalNames } from './principal-names.ts';
import { createRestraints } from './restraints.ts';
import { createKeyedHash } from './keyed-hash.ts';

const key = Buffer.alloc(32, 1);
const config = parseGatewayConfig({ learning: { enabled: true, anomalies: { action: 'throttle' } } }).learning;
const published = (version: number): Published => ({
  version,
  snapshots: {
    search: encodeSearchSnapshot(createSearchModel()),
    tools: {
      repairs: new Map(),
      timeouts: new Map(),
      arms: new Map(),
      plans: new Map(),
      upstreamsAfter: new Map(),
      risks: { all: [], own: new Map() },
      usage: [],
    },
    experiments: [],
    similarity: undefined,
  },
});
const record = (principal = 'alice'): CallRecord =>
  ({
    method: 'tools/call',
    upstream: 'files',
    upstreamName: 'read',
    principal,
    status: 'ok',
    startedAtMs: 1,
    durationMs: 1,
    attempts: 1,
  }) as CallRecord;

/** A clock with one timer, which is all that is asked of it. */
function createClock() {
  let now = 0;
  let due: (() => void) | undefined;
  const clock: Clock = { now: () => now, monotonic: () => now, after: (_, run) => ((due = run), () => (due = undefined)) };
  const advance = (ms: number): void => {
    now += ms;
    const run = due;
    due = undefined;
    run?.();
  };
  return { ...clock, advance };
}

function setUp() {
  const clock = createClock();
  const taken: Uint8Array[] = [];
  const names = createPrincipalNames();
  const hash = createKeyedHash(new Uint8Array(hkdfSync('sha256', key, '', 'signalbox learning', 32)));
  const restraints = createRestraints({ config: config.anomalies, hash, clock });
  const leader = createAnswerLed({ thread: { take: (fact) => void taken.push(fact) }, names, restraints, clock });
  const link: { state: 'up' | 'away' | 'broken' } = { state: 'up' };
  const led = createLedLearning({
    config,
    key,
    toolsOf: () => undefined,
    clock,
    logger: silentLogger,
    exchange: async (parcel) => {
      if (link.state === 'away') return undefined;
      const answer = leader.answer(parcel);
      if (link.state === 'broken') throw new Error('the connection broke');
      return answer;
    },
  });
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 250) {
      clock.advance(250);
      await new Promise(setImmediate);
    }
  };
  return { clock, taken, names, hash, restraints, leader, link, led, pass };
}

test('facts and their callers reach the process that learns, and its advice comes back', async () => {
  const { taken, names, hash, leader, led, pass } = setUp();
  leader.publish(published(7));
  led.reader.write(record());
  await pass(250);
  expect(taken).toHaveLength(1);
  expect(names.nameOf(hash.text('alice'))).toBe('alice');
  expect(led.advice.current?.version).toBe(7);
  leader.publish(published(8));
  await pass(2_250);
  expect(led.advice.current?.version).toBe(8);
  // One that has died leaves no advice behind.
  leader.publish(undefined);
  await pass(250);
  expect(led.advice.current).toBeUndefined();
});

test('what cannot be told waits, and is told once', async () => {
  const { taken, leader, link, led, pass } = setUp();
  link.state = 'away';
  for (let call = 0; call < 3; call++) led.reader.write(record());
  await pass(1_000);
  expect(taken).toHaveLength(0);
  link.state = 'broken';
  await pass(250);
  link.state = 'up';
  await pass(1_000);
  // They were heard although nobody said so; they count as lost as well, since nobody can know.
  expect([taken.length, leader.dropped]).toEqual([3, 3]);
});

test('facts beyond the room there is are dropped and counted', async () => {
  const { taken, leader, link, led, pass } = setUp();
  link.state = 'away';
  for (let call = 0; call < 30_000; call++) led.reader.write(record());
  await pass(250);
  link.state = 'up';
  await pass(250);
  expect(taken.length).toBeGreaterThan(5_000);
  expect(taken.length + leader.dropped).toBe(30_000);
});

test('advice is given up when nobody has answered for long, and taken again from whoever leads then', async () => {
  const { leader, link, led, pass } = setUp();
  leader.publish(published(7));
  await pass(250);
  link.state = 'away';
  await pass(4_500);
  expect(led.advice.current?.version).toBe(7);
  await pass(1_000);
  expect(led.advice.current).toBeUndefined();
  link.state = 'up';
  await pass(2_250);
  expect(led.advice.current?.version).toBe(7);
});

test('who is held back is held back here, too, as long as it is', async () => {
  const { clock, hash, restraints, leader, led, pass } = setUp();
  leader.publish(published(7));
  const anomaly = { id: 'a', kind: 'rate', principal: hash.text('mallory'), upstream: 'files', tool: 'read', lastMs: clock.now() };
  restraints.see(anomaly as Parameters<typeof restraints.see>[0]);
  const heldOf = () => led.advice.current?.restraints?.({ principal: 'mallory', upstream: 'files', tool: 'read' }) ?? [];
  await pass(250);
  const [first] = heldOf();
  expect(first).toMatchObject({ id: 'a' });
  await pass(500);
  expect(heldOf()[0]).toBe(first);
  restraints.lift('a');
  await pass(250);
  expect(heldOf()).toEqual([]);
});

test('what a session calls next is told where it is, as long as it has called nothing else', async () => {
  const { hash, leader, led, pass, taken } = setUp();
  leader.publish(published(7));
  led.reader.write(record());
  await pass(250);
  const { session, sequence } = readInteraction(taken[0]!);
  const caller = { principal: 'alice', client: undefined, session: undefined };
  expect(session).toBe(unitOf(hash, caller));
  const next = { after: { upstream: 'files', tool: 'read' }, tools: [{ upstream: 'files', tool: 'write', share: 0.9, followed: 9 }] };
  leader.tellNext([{ session, sequence, ...next }]);
  await pass(250);
  expect(led.advice.current?.next?.(caller)).toEqual(next);
  led.reader.write(record());
  await pass(250);
  expect(led.advice.current?.next?.(caller)).toBeUndefined();
});

test('what is left is told at the end', async () => {
  const { taken, led } = setUp();
  led.reader.write(record());
  await led.close();
  expect(taken).toHaveLength(1);
});
