import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalText, toParams } from '@signalbox/protocol';
import type { TargetedCall } from '../stages/call-stages.ts';
import { fingerprintOf, keyId } from './fingerprint.ts';

const canonical = (text: string) => canonicalText(Buffer.from(text));

/** The same value with its members in another order, and other spaces. */
function reorder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reorder);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).toReversed();
  return Object.fromEntries(members.map(([key, member]) => [key, reorder(member)]));
}

test('equal values have one text and other values another', () => {
  // Through JSON and back, as -0 is written as 0.
  const values = fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.parse(JSON.stringify(value)) as unknown);
  fc.assert(
    fc.property(values, values, (value, other) => {
      const text = canonical(JSON.stringify(value));
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      expect(canonical(JSON.stringify(reorder(value), undefined, 2))).toBe(text);
      expect(canonical(JSON.stringify(other)) === text).toBe(isDeepStrictEqual(other, value));
    }),
  );
});

test('escapes do not count, and digits that JavaScript would lose do', () => {
  expect(canonical(String.raw`{"\u0061":"\u00e9\/"}`)).toBe(canonical('{"a":"é/"}'));
  expect(canonical('9007199254740992')).not.toBe(canonical('9007199254740993'));
  expect(canonical('[1.0]')).not.toBe(canonical('[1]'));
});

test('one key of two principals is two keys', () => {
  expect(keyId('ann', 'k')).not.toBe(keyId('ben', 'k'));
  expect(keyId('ann', 'k')).toBe(keyId('ann', 'k'));
});

test('a call that wants a task is not the same as one that does not', () => {
  const call = (params: object) =>
    fingerprintOf({ target: { upstream: 'up', name: 'work' }, params: toParams({ arguments: {}, ...params }) } as unknown as TargetedCall);
  expect(call({ task: {} })).not.toBe(call({}));
  expect(call({ task: {} })).toBe(call({ task: { ttl: 1 } }));
});
