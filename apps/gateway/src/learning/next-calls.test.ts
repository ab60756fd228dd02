import { expect, test } from 'vitest';
import type { ToldNext } from '@signalbox/learning';
import { createNextCalls } from './next-calls.ts';

const told = (session: string, sequence: number): ToldNext => ({
  session,
  sequence,
  after: { upstream: 'files', tool: 'open' },
  tools: [{ upstream: 'files', tool: 'read', share: 0.8, followed: 9 }],
});

test('what comes next is known from when it was told until the next call', () => {
  const calls = createNextCalls();
  calls.see({ session: 'a', sequence: 1 });
  expect(calls.of('a')).toBeUndefined();
  calls.take([told('a', 1)]);
  expect(calls.of('a')).toEqual({
    after: { upstream: 'files', tool: 'open' },
    tools: [{ upstream: 'files', tool: 'read', share: 0.8, followed: 9 }],
  });
  calls.see({ session: 'a', sequence: 2 });
  expect(calls.of('a')).toBeUndefined();
});

test('what is told late, of a call that is not the last one, is not taken', () => {
  const calls = createNextCalls();
  for (const sequence of [1, 2]) calls.see({ session: 'a', sequence });
  calls.take([told('a', 1), told('unheard of', 1)]);
  expect([calls.of('a'), calls.of('unheard of')]).toEqual([undefined, undefined]);
  calls.take([told('a', 2)]);
  expect(calls.of('a')).toBeDefined();
});

test('of many sessions those that called last are kept, and clearing keeps none', () => {
  const calls = createNextCalls();
  for (let sequence = 0; sequence <= 1_000; sequence++) {
    calls.see({ session: String(sequence), sequence });
    calls.take([told(String(sequence), sequence)]);
  }
  expect([calls.of('0'), calls.of('1') === undefined]).toEqual([undefined, false]);
  calls.clear();
  expect(calls.of('1000')).toBeUndefined();
});
