import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { expect, test } from 'vitest';
import { countTextTokens } from './count-tokens.ts';

test('a text has the tokens that the tokenizer gives it, and special ones are text', () => {
  const definition = JSON.stringify({ name: 'read_file', description: 'Reads a file. '.repeat(50), inputSchema: { type: 'object' } });
  expect(countTextTokens(definition)).toBe(countTokens(definition));
  expect([countTextTokens(''), countTextTokens('hello world'), countTextTokens('a<|endoftext|>b')]).toEqual([0, 2, 9]);
});

test('no text takes long, whatever stands in it', () => {
  const start = performance.now();
  for (const word of ['a', 'ab', ' ', '中', '😀', '-']) {
    const text = word.repeat(4_000);
    const whole = word === '中' ? 4_000 : countTokens(text.slice(0, 2_000)) * (text.length / 2_000);
    expect(Math.abs(countTextTokens(text) / whole - 1)).toBeLessThan(0.3);
  }
  expect(performance.now() - start).toBeLessThan(10_000);
});
