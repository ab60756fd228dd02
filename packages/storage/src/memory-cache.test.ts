import type { Clock } from '@signalbox/core';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createMemoryCache } from './memory-cache.ts';

function createClock() {
  let time = 0;
  const clock: Clock = { now: () => time, monotonic: () => time, after: () => () => undefined };
  return { clock, advance: (ms: number) => (time += ms) };
}

test('an entry is there until its time to live is over, also when the clock starts at zero', () => {
  const { clock, advance } = createClock();
  const cache = createMemoryCache<string>({ maxBytes: 100, clock });
  cache.set('a', 'answer', { ttlMs: 1000, bytes: 10 });
  advance(999);
  expect(cache.get('a')).toBe('answer');
  advance(1);
  expect(cache.get('a')).toBeUndefined();
  expect(cache.size).toBe(0);
});

test('the entry unused for longest makes room', () => {
  const cache = createMemoryCache<string>({ maxBytes: 30, clock: createClock().clock });
  for (const key of ['a', 'b', 'c']) cache.set(key, key, { ttlMs: 1000, bytes: 10 });
  cache.get('a');
  cache.set('d', 'd', { ttlMs: 1000, bytes: 10 });
  expect(['a', 'b', 'c', 'd'].filter((key) => cache.get(key) !== undefined)).toEqual(['a', 'c', 'd']);
});

test('an entry that cannot be kept does not leave an older answer behind', () => {
  const cache = createMemoryCache<string>({ maxBytes: 30, clock: createClock().clock });
  for (const options of [
    { ttlMs: 1000, bytes: 31 },
    { ttlMs: 0, bytes: 1 },
  ]) {
    cache.set('a', 'old', { ttlMs: 1000, bytes: 10 });
    cache.set('a', 'new', options);
    expect(cache.get('a')).toBeUndefined();
  }
});

test('deleting and clearing forget', () => {
  const cache = createMemoryCache<string>({ maxBytes: 30, clock: createClock().clock });
  for (const key of ['a', 'b', 'c']) cache.set(key, key, { ttlMs: 1000, bytes: 10 });
  cache.delete('a');
  expect([cache.get('a'), cache.get('b')]).toEqual([undefined, 'b']);
  cache.clear();
  expect([cache.size, cache.bytes]).toEqual([0, 0]);
});

test('the bound holds whatever is stored, and what comes back is what was last stored', () => {
  const entry = fc.record({
    key: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    bytes: fc.double({ min: 0, max: 150, noNaN: true }),
    value: fc.nat(),
  });
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 60 }), (entries) => {
      const cache = createMemoryCache<number>({ maxBytes: 100, clock: createClock().clock });
      const last = new Map<string, number>();
      for (const { key, bytes, value } of entries) {
        cache.set(key, value, { ttlMs: 1000, bytes });
        last.set(key, value);
        expect(cache.bytes).toBeLessThanOrEqual(100);
        const found = cache.get(key);
        expect(found).toBe(bytes > 100 ? undefined : value);
      }
      for (const [key, value] of last) expect([undefined, value]).toContain(cache.get(key));
    }),
  );
});
