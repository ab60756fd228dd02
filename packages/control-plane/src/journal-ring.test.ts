import type { Record as CallRecord } from '@signalbox/core';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createJournalRing } from './journal-ring.ts';

const record = (callId: string): CallRecord => ({
  callId,
  method: 'tools/call',
  name: 'echo',
  server: undefined,
  principal: 'local',
  upstream: 'everything',
  upstreamName: 'echo',
  client: undefined,
  revision: '2026-07-28',
  startedAtMs: 0,
  durationMs: 1,
  queuedMs: 0,
  upstreamMs: 1,
  sentAfterMs: 0,
  paramsBytes: undefined,
  resultBytes: undefined,
  status: 'ok',
  error: undefined,
  attempts: 1,
  cached: false,
  cacheTier: undefined,
  trace: undefined,
});

test('the newest records come first, and no more are kept than the ring holds', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 8 }), fc.nat(30), fc.nat(12), (capacity, written, limit) => {
      const ring = createJournalRing({ capacity });
      for (let index = 0; index < written; index++) ring.write(record(String(index)));
      const all = Array.from({ length: written }, (_, index) => String(written - 1 - index));
      expect(ring.recent(limit).map(({ callId }) => callId)).toEqual(all.slice(0, Math.min(capacity, limit)));
    }),
  );
});

test('without a bound of its own it keeps a thousand', () => {
  const ring = createJournalRing();
  for (let index = 0; index < 1500; index++) ring.write(record(String(index)));
  const recent = ring.recent(10_000);
  expect([recent.length, recent[0]?.callId, recent.at(-1)?.callId]).toEqual([1000, '1499', '500']);
});
