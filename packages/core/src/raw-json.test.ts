import { expect, test } from 'vitest';
import { RawJson } from './raw-json.ts';

test('bytes are passed on untouched, numbers beyond 2^53 included', () => {
  const bytes = Buffer.from('{"n":12345678901234567890,"f":1.0}');
  const raw = RawJson.fromBytes(bytes);
  expect(raw.object).toMatchObject({ f: 1 });
  expect(raw.bytes).toBe(bytes);
});

test('a value is written at most once', () => {
  const raw = RawJson.fromValue({ a: [1, 'ü'] });
  expect(raw.bytes.toString()).toBe('{"a":[1,"ü"]}');
  expect(raw.bytes).toBe(raw.bytes);
});

test('a value in pieces is joined only when somebody wants it whole', () => {
  const parts = [Buffer.from('{"a":'), Buffer.from('[1,2]}')];
  const raw = RawJson.fromParts(parts);
  expect([raw.parts, raw.byteLength]).toEqual([parts, 11]);
  expect(raw.object).toEqual({ a: [1, 2] });
  expect(raw.bytes.toString()).toBe('{"a":[1,2]}');
  expect(raw.parts).toHaveLength(1);
});

test('only a plain object counts as one', () => {
  expect(RawJson.fromValue([1]).object).toBeUndefined();
  expect(RawJson.fromValue(null).object).toBeUndefined();
  expect(RawJson.fromBytes(Buffer.from('{"a":1}')).object).toEqual({ a: 1 });
});
