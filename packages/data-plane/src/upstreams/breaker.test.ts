import { expect, test } from 'vitest';
import { createTestClock } from '../testing/test-clock.ts';
import { backoffMs } from './backoff.ts';
import { Breaker } from './breaker.ts';

test('the breaker opens after failures in a row, lets one trial through, and closes when it succeeds', () => {
  const clock = createTestClock();
  const breaker = new Breaker({ failures: 2, openMs: 1000 }, clock);
  breaker.failed();
  breaker.succeeded();
  breaker.failed();
  expect(breaker.state).toBe('closed');
  breaker.failed();
  expect([breaker.state, breaker.allows()]).toEqual(['open', false]);
  clock.advance(1000);
  expect([breaker.state, breaker.allows(), breaker.allows()]).toEqual(['half-open', true, false]);
  breaker.failed();
  expect(breaker.waitMs).toBe(1000);
  clock.advance(1000);
  expect(breaker.allows()).toBe(true);
  breaker.abandoned();
  expect(breaker.allows()).toBe(true);
  breaker.succeeded();
  expect(breaker.state).toBe('closed');
});

test('waits double up to their bound, with jitter below', () => {
  const delays = [0, 1, 2, 3, 20].map((attempt) => backoffMs(attempt, { baseMs: 100, maxMs: 1000, random: () => 1 }));
  expect(delays).toEqual([100, 200, 400, 800, 1000]);
  expect(backoffMs(0, { baseMs: 100, maxMs: 1000, random: () => 0 })).toBe(50);
});
