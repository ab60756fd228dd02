import type { Clock } from '@signalbox/core';
import { expect, test } from 'vitest';
import { Deadlines, type Timed } from './deadlines.ts';

function testClock() {
  let now = 0;
  const timers = new Set<{ readonly at: number; readonly run: () => void }>();
  const clock: Clock = {
    now: () => now,
    monotonic: () => now,
    after: (delayMs, run) => {
      const timer = { at: now + delayMs, run };
      timers.add(timer);
      return () => timers.delete(timer);
    },
  };
  const advance = (ms: number) => {
    for (const end = now + ms; now < end; now++) {
      for (const timer of timers) {
        if (timer.at > now) continue;
        timers.delete(timer);
        timer.run();
      }
    }
  };
  return { clock, advance, timers };
}

// Tells on expiry which deadline it was made with.
const entry = (deadlineMs: number, expired: number[]): Timed => ({ deadlineMs, deadlinePlace: -1, expire: () => expired.push(deadlineMs) });

test('entries expire after their deadline, once, and within the resolution', () => {
  const { clock, advance } = testClock();
  const deadlines = new Deadlines(clock);
  const expired: number[] = [];
  for (const ms of [10, 120, 500]) deadlines.add(entry(deadlines.in(ms), expired));
  advance(61);
  expect(expired).toEqual([10]);
  advance(120);
  expect(expired).toEqual([10, 120]);
  advance(1_000);
  expect(expired).toEqual([10, 120, 500]);
});

test('a deadline may move while it waits, and a deleted entry never expires', () => {
  const { clock, advance } = testClock();
  const deadlines = new Deadlines(clock);
  const expired: number[] = [];
  const moved = entry(100, expired);
  const deleted = entry(100, expired);
  deadlines.add(moved);
  deadlines.add(deleted);
  deadlines.delete(deleted);
  advance(90);
  moved.deadlineMs = 300;
  advance(150);
  expect(expired).toEqual([]);
  advance(150);
  expect(expired).toEqual([100]);
});

test('no timer runs while nothing waits, or only what has no deadline', () => {
  const { clock, advance, timers } = testClock();
  const deadlines = new Deadlines(clock);
  deadlines.add(entry(Infinity, []));
  expect(timers.size).toBe(0);
  const first = entry(10_000, []);
  deadlines.add(first);
  advance(200);
  expect(timers.size).toBe(1);
  deadlines.delete(first);
  advance(60);
  expect(timers.size).toBe(0);
});
