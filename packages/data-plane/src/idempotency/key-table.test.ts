import { expect, test } from 'vitest';
import { silentLogger, type IdempotencyConfig, type Logger, type Outcome } from '@signalbox/core';
import { createTestClock } from '../testing/test-clock.ts';
import { createMemoryLines } from '../testing/memory-lines.ts';
import { resultOf } from '../testing/memory-gateway.ts';
import type { Flight } from '../stages/flight.ts';
import { KeyJournal } from './key-journal.ts';
import { KeyTable, type KeyEntry, type KeyState } from './key-table.ts';

const ENDED: KeyState = { kind: 'ended', outcome: resultOf({ content: [] }) };

function create(config: Partial<IdempotencyConfig> = {}) {
  const clock = createTestClock();
  const warnings: string[] = [];
  const logger: Logger = { ...silentLogger, warn: (message) => warnings.push(message) };
  const keys = new KeyTable({ config: { ttlSeconds: 60, maxKeys: 4, maxBytes: 100_000, durable: false, ...config }, clock, logger });
  const add = (id: string, owner = 'ann', state: KeyState = { kind: 'lost', why: 'test' }): KeyEntry => {
    const entry = { id, owner, fingerprint: 'f', callId: 'c', beganAtMs: clock.now(), expiresAtMs: clock.monotonic() + 60_000, state };
    keys.add(entry);
    return entry;
  };
  return { keys, clock, warnings, add };
}

const idsOf = (keys: KeyTable) => Array.from(keys, ({ id }) => id);
const running = { kind: 'running', flight: {} as Flight } as const;
const outcomeOf = (bytes: number): Outcome => resultOf({ content: [{ type: 'text', text: 'x'.repeat(bytes) }] });

test('beyond its bound the oldest key of whoever has most is forgotten, and the log says so once', () => {
  const { keys, add, warnings } = create();
  for (const [id, owner] of [
    ['b1', 'ben'],
    ['a1', 'ann'],
    ['a2', 'ann'],
    ['a3', 'ann'],
    ['a4', 'ann'],
    ['c1', 'cleo'],
  ] as const)
    add(id, owner);
  expect(idsOf(keys)).toEqual(['b1', 'a3', 'a4', 'c1']);
  expect(warnings).toHaveLength(1);
});

test('the key of a call under way is never forgotten, and when all are such, no more are taken', () => {
  const { keys, add } = create({ maxKeys: 2 });
  add('r1', 'ann', running);
  add('r2', 'ben', running);
  expect(() => add('r3', 'cleo', running)).toThrow(expect.objectContaining({ code: 'OVERLOADED', data: { phase: 'queue', sent: false } }));
  expect(idsOf(keys)).toEqual(['r1', 'r2']);
});

test('a key whose time is over makes room by itself, unless its call is still under way', () => {
  const { keys, add, clock, warnings } = create();
  add('r1', 'ann', running);
  for (const id of ['1', '2', '3']) add(id);
  clock.advance(60_000);
  expect(keys.find('1')).toBeUndefined();
  expect(keys.find('r1')).toBeDefined();
  add('4');
  expect(idsOf(keys)).toEqual(['r1', '4']);
  expect(warnings).toEqual([]);
});

test('outcomes give way before keys do, the oldest of whoever has most first', () => {
  const { keys, add } = create({ maxBytes: 40_000, maxKeys: 100 });
  const end = (id: string, owner: string, bytes: number) => {
    const entry = add(id, owner, running);
    keys.update(entry, { kind: 'ended', outcome: outcomeOf(bytes) });
    return entry;
  };
  const first = end('b1', 'ben', 9000);
  const entries = ['a1', 'a2', 'a3', 'a4'].map((id) => end(id, 'ann', 9000));
  const tooLarge = end('c1', 'cleo', 10_001);
  expect(idsOf(keys)).toEqual(['b1', 'a1', 'a2', 'a3', 'a4', 'c1']);
  expect(first.state).toMatchObject({ kind: 'ended', outcome: { kind: 'result' } });
  expect(entries.map(({ state }) => state.kind === 'ended' && state.outcome !== undefined)).toEqual([false, true, true, true]);
  expect(entries[0]!.state).toEqual({ kind: 'ended', outcome: undefined, why: 'others needed the room' });
  expect(tooLarge.state).toEqual({ kind: 'ended', outcome: undefined, why: 'it was too large to be kept' });
  expect(keys.bytes).toBeLessThanOrEqual(40_000);
  keys.forget(entries[3]!);
  expect(keys.bytes).toBeLessThan(30_000);
});

test('what becomes of a call whose key stands for another one is not noted', () => {
  const { keys, add } = create();
  const first = add('1', 'ann', running);
  const second = add('1', 'ann', running);
  keys.update(first, ENDED);
  expect(keys.find('1')).toBe(second);
  expect(second.state).toBe(running);
});

test('the log of keys is written anew before what it says no longer counts outgrows the rest', async () => {
  const { keys, add, clock } = create();
  const log = createMemoryLines();
  const journal = await KeyJournal.open({ log, keys, ttlMs: 60_000, clock, logger: silentLogger });
  let most = 0;
  for (let round = 0; round < 12_000; round++) {
    const entry = add(String(round), 'ann', running);
    await journal.begin(entry);
    keys.forget(entry);
    journal.release(entry);
    most = Math.max(most, log.lines.length);
  }
  const living = add('living', 'ann', running);
  await journal.begin(living);
  expect(most).toBeLessThan(10_100);
  const after = create();
  await KeyJournal.open({ log, keys: after.keys, ttlMs: 60_000, clock, logger: silentLogger });
  expect(idsOf(after.keys)).toEqual(['living']);
});
