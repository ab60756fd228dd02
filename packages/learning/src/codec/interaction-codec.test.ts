import { readFileSync } from 'node:fs';
import { WireWriter } from '@signalbox/core';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { expect, test } from 'vitest';
import type { Interaction } from '../interaction.ts';
import { readInteraction, writeInteraction } from './interaction-codec.ts';

const text = fc.oneof(fc.string({ maxLength: 20 }), fc.string({ unit: 'grapheme', maxLength: 200 }));
const whole = fc.oneof(fc.nat(), fc.maxSafeNat());
const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (Object.is(value, -0) ? 0 : value));
const features = fc.array(fc.integer({ min: 0, max: 0xff_ff_ff_ff }), { maxLength: 20 });
const origin = {
  sequence: whole,
  atMs: number,
  tenant: text,
  principal: text,
  session: text,
  client: text,
  policyVersion: whole,
  arms: fc.array(text, { maxLength: 3 }),
};
const failed = fc.record({ upstream: text, tool: text, toolVersion: text, errorCode: text });
const fallback = fc.record({ upstream: text, tool: text, staticPlace: whole, propensity: number });
const after = fc.record({ upstream: text, failures: whole, sinceMs: number, hasFailed: fc.boolean() });
const called = fc.record({ upstream: text, tool: text });
const step = fc.record(
  { after: fc.array(called, { minLength: 1, maxLength: 2 }), sources: fc.string({ minLength: 1 }) },
  { requiredKeys: ['after'] },
);
const plainCall = {
  ...origin,
  kind: fc.constant('call' as const),
  upstream: text,
  tool: text,
  toolVersion: text,
  argsKey: text,
  argsShape: fc.array(text, { maxLength: 4 }),
  argsBytes: whole,
  resultBytes: whole,
  resultKey: text,
  ending: fc.constantFrom('ok', 'toolError', 'refused', 'timeout', 'cancelled', 'unavailable'),
  errorCode: text,
  durationMs: number,
  queueMs: number,
  attempts: whole,
  cached: fc.boolean(),
  effect: fc.constantFrom('unknown', 'read', 'write'),
} as const;
const call = fc.record(
  {
    ...plainCall,
    failed: fc.array(failed, { minLength: 1, maxLength: 3 }),
    fallbacks: fc.array(fallback, { minLength: 1, maxLength: 3 }),
    afterFailures: fc.array(after, { minLength: 1, maxLength: 3 }),
    step,
    destinations: fc.array(text, { minLength: 1, maxLength: 3 }),
  },
  { requiredKeys: Object.keys(plainCall) as (keyof typeof plainCall)[] },
);
const positive = fc.integer({ min: 1 });
const shown = fc.record(
  { upstream: text, tool: text, staticRank: whole, propensity: number, candidateRank: positive },
  { requiredKeys: ['upstream', 'tool', 'staticRank', 'propensity'] },
);
const search = fc
  .record({
    ...origin,
    kind: fc.constant('search' as const),
    needs: fc.array(features, { maxLength: 3 }),
    shown: fc.array(shown, { maxLength: 4 }),
  })
  .chain((fact) => fc.option(positive, { nil: undefined }).map((size) => (size === undefined ? fact : { ...fact, answerBytes: size })));
const feedback = fc.record({
  ...origin,
  kind: fc.constant('feedback' as const),
  upstream: text,
  tool: text,
  verdict: number,
  need: features,
  anomaly: text,
});
const comparison = fc.record({
  ...origin,
  kind: fc.constant('comparison' as const),
  upstream: text,
  tool: text,
  toolVersion: text,
  edit: text,
  detail: text,
  isSame: fc.boolean(),
});
const interactions: fc.Arbitrary<Interaction> = fc.oneof(call, search, feedback, comparison);

function encode(fact: Interaction): Uint8Array {
  const writer = new WireWriter(16);
  writeInteraction(writer, fact);
  return writer.written.slice();
}

test('what is written is read again', () => {
  fc.assert(
    fc.property(interactions, (fact) => {
      expect(readInteraction(encode(fact))).toEqual(fact);
    }),
  );
});

const schema = protobuf
  .parse(readFileSync(new URL('learning.proto', import.meta.url), 'utf8'))
  .root.lookupType('signalbox.learning.Interaction');

test('another implementation reads it by the schema, and writes what we read', () => {
  fc.assert(
    fc.property(interactions, (fact) => {
      const message = schema.decode(encode(fact));
      expect(readInteraction(schema.encode(message).finish())).toEqual(fact);
      const { origin: read } = schema.toObject(message, { longs: Number, defaults: true }) as { origin: object };
      const { atMs, tenant, principal, session, client, arms } = fact;
      expect(read).toMatchObject({ atMs, tenant, principal, session, client, arms });
    }),
  );
});

test('whatever else comes is refused or read as something, and never hangs', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const read = () => {
        try {
          return readInteraction(bytes).kind;
        } catch (error) {
          return String(error);
        }
      };
      expect(read()).toMatch(/^(call|search|feedback|comparison)$|Cannot read what learning has written/);
    }),
  );
});

test('fields of a later version are passed over', () => {
  const writer = new WireWriter();
  writer.text(99, 'new');
  writer.double(98, 1);
  writer.uint(97, 2 ** 40);
  const fact: Interaction = { ...fc.sample(call, { numRuns: 1, seed: 7 })[0]!, kind: 'call' };
  writeInteraction(writer, fact);
  expect(readInteraction(writer.written)).toEqual(fact);
});
