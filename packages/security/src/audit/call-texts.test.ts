import type { Record as CallRecord } from '@signalbox/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { toSafeJson } from './audit-entry.ts';
import { CallTexts } from './call-texts.ts';

const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 20 }), fc.constantFrom('\u2028', '\u007f"', 'a\nb', '__proto__'));
const maybe = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined });
const number = fc.oneof(
  fc.nat(),
  fc.maxSafeInteger(),
  fc.double(),
  fc.integer({ min: -5_000, max: 5_000_000_000 }).map((value) => value / 1_000),
  fc.constantFrom(0, -0, 0.001, 0.1, 1e21, 2 ** 31, 2 ** 31 - 0.001, 1_000 * 2 ** 31),
);
const record: fc.Arbitrary<CallRecord> = fc.record({
  callId: text,
  method: text,
  name: maybe(fc.constantFrom('a', 'b')),
  server: maybe(text),
  principal: text,
  upstream: maybe(text),
  upstreamName: maybe(text),
  client: maybe(text),
  revision: text,
  startedAtMs: number,
  durationMs: number,
  queuedMs: number,
  upstreamMs: number,
  sentAfterMs: maybe(number),
  paramsBytes: maybe(number),
  resultBytes: maybe(number),
  status: fc.constantFrom('ok', 'tool-error'),
  error: maybe(text),
  attempts: fc.nat(3),
  cached: fc.boolean(),
  cacheTier: maybe(text),
  trace: maybe(fc.record({ traceId: text, spanId: text, parentSpanId: maybe(text), upstreamSpanId: text, isSampled: fc.boolean() })),
});

test('a record reads as it would without anything remembered, and is one safe line', () => {
  fc.assert(
    fc.property(fc.array(record, { maxLength: 20 }), (records) => {
      const texts = new CallTexts();
      for (const each of [...records, ...records]) {
        const written = texts.textOf(each);
        expect(JSON.parse(written)).toEqual(JSON.parse(toSafeJson(each)));
        // oxlint-disable-next-line no-control-regex
        expect(written).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
      }
    }),
  );
});
