import { expect, test } from 'vitest';
import { exactJson, hasExactText, keepExactText } from './exact-json.ts';

const read = (text: string) => {
  const value = JSON.parse(text) as object;
  keepExactText(value, text);
  return value;
};

test('numbers that a double does not hold come out as they went in', () => {
  for (const text of [
    '{"n":9007199254740993}',
    '{"n":1e400}',
    '[-0]',
    '{"n":0.1234567890123456789}',
    '{"n":1234567.12345678912}',
    '{"a":{"b":[12345678901234567890]}}',
  ])
    expect(exactJson(read(text))).toBe(text);
});

test('zeros at the end of a fraction stay', () => {
  for (const text of ['{"n":1.0}', '[-2.50]', '[0.0]']) expect(exactJson(read(text))).toBe(text);
});

test('what is exact anyway is written anew', () => {
  for (const text of ['{"n": 1}', '{"n":-5}', '{"n":0.25}', '{"n":10.05}', '["0e"]']) expect(hasExactText(read(text))).toBe(false);
  expect(exactJson(read('{"n": 1}'))).toBe('{"n":1}');
});
