import type { LearningConfig } from '@signalbox/core';
import type { Anomaly } from '@signalbox/learning';
import { expect, test } from 'vitest';
import { createRestraints } from './restraints.ts';

const MINUTE_MS = 60_000;
const config = { throttle: { callsPerMinute: 10, minutes: 10 } } as LearningConfig['anomalies'];

function setUp() {
  let nowMs = 1_000 * MINUTE_MS;
  const clock = { now: () => nowMs, monotonic: () => nowMs, after: () => () => undefined };
  const restraints = createRestraints({ config, hash: { text: (name) => `#${name}` }, clock });
  const anomalyOf = (more: Partial<Anomaly> = {}) =>
    ({ id: 'a', kind: 'rate', principal: '#mallory', upstream: 'files', tool: 'read', lastMs: nowMs, ...more }) as Anomaly;
  const idsOf = (principal: string, tool = 'read') => restraints.of({ principal, upstream: 'files', tool }).map(({ id }) => id);
  return { restraints, anomalyOf, idsOf, advance: (minutes: number) => (nowMs += minutes * MINUTE_MS), now: () => nowMs };
}

test('a caller is held back with the tool, or in all, and nobody else', () => {
  const { restraints, anomalyOf, idsOf } = setUp();
  restraints.see(anomalyOf());
  expect([idsOf('mallory'), idsOf('mallory', 'list'), idsOf('alice')]).toEqual([['a'], [], []]);
  restraints.see(anomalyOf({ id: 'b', upstream: '', tool: '' }));
  expect([idsOf('mallory'), idsOf('mallory', 'list'), idsOf('alice')]).toEqual([['a', 'b'], ['b'], []]);
});

test('it ends some minutes after it was last seen, and then nothing is left of it', () => {
  const { restraints, anomalyOf, idsOf, advance } = setUp();
  restraints.see(anomalyOf());
  const [first] = restraints.of({ principal: 'mallory', upstream: 'files', tool: 'read' });
  advance(6);
  restraints.see(anomalyOf());
  expect(restraints.of({ principal: 'mallory', upstream: 'files', tool: 'read' })[0]).toBe(first);
  advance(9.9);
  expect(idsOf('mallory')).toEqual(['a']);
  advance(0.1);
  expect(idsOf('mallory')).toEqual([]);
  expect(restraints.isEmpty).toBe(true);
});

test('what is no caller’s doing, what is long over and what is said to be to come hold back nobody, or not for longer', () => {
  const { restraints, anomalyOf, now } = setUp();
  for (const kind of ['duration', 'drift'] as const) restraints.see(anomalyOf({ kind }));
  restraints.see(anomalyOf({ kind: 'failures', principal: '' }));
  restraints.see(anomalyOf({ lastMs: now() - 10 * MINUTE_MS }));
  expect(restraints.isEmpty).toBe(true);
  restraints.see(anomalyOf({ lastMs: now() + 1_000 * MINUTE_MS }));
  expect(restraints.find('a')).toMatchObject({ endsAtMs: now() + 10 * MINUTE_MS, isLifted: false });
});

test('who is let go is not held back for the same as long as it goes on, and is later', () => {
  const { restraints, anomalyOf, idsOf, advance } = setUp();
  expect(restraints.lift('a')).toBeUndefined();
  restraints.see(anomalyOf());
  expect(restraints.lift('a')).toMatchObject({ id: 'a', isLifted: true });
  for (let minute = 0; minute < 30; minute++) {
    restraints.see(anomalyOf());
    expect(idsOf('mallory')).toEqual([]);
    advance(1);
  }
  advance(10);
  restraints.see(anomalyOf());
  expect(idsOf('mallory')).toEqual(['a']);
});

test('there are only so many: the one that ends soonest makes room, and all go at once when they are cleared', () => {
  const { restraints, anomalyOf, idsOf, now } = setUp();
  restraints.see(anomalyOf({ id: 'soon', lastMs: now() - MINUTE_MS }));
  for (let count = 0; count < 200; count++) restraints.see(anomalyOf({ id: `a${count}`, principal: `#p${count}` }));
  expect(restraints.find('soon')).toBeUndefined();
  expect([idsOf('mallory'), idsOf('p0'), idsOf('p199')]).toEqual([[], ['a0'], ['a199']]);
  restraints.clear();
  expect([restraints.isEmpty, idsOf('p0')]).toEqual([true, []]);
});
