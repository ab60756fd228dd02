import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { createSeal } from './seal.ts';

const key = randomBytes(32);

test('a sealed value opens again, also with another seal of the same key', () => {
  const text = createSeal({ key }).seal('state', { a: [1, 'zwei', null] });

  expect(createSeal({ key }).open('state', text)).toEqual({ a: [1, 'zwei', null] });
});

test('a text opens for nothing but its purpose, its context and its key', () => {
  const seal = createSeal({ key });
  const text = seal.seal('state', 'secret', { context: 'alice' });

  expect(seal.open('state', text, { context: 'alice' })).toBe('secret');
  expect(seal.open('session', text, { context: 'alice' })).toBeUndefined();
  expect(seal.open('state', text, { context: 'bob' })).toBeUndefined();
  expect(createSeal({ key: randomBytes(32) }).open('state', text, { context: 'alice' })).toBeUndefined();
});

test('a text with any one byte changed does not open', () => {
  const seal = createSeal({ key });
  const text = seal.seal('state', { principal: 'alice' });

  for (let index = 0; index < text.length; index++) {
    const other = text[index] === 'A' ? 'B' : 'A';
    expect(seal.open('state', `${text.slice(0, index)}${other}${text.slice(index + 1)}`)).toBeUndefined();
  }
});

test('what is no text of ours does not open', () => {
  const seal = createSeal({ key });

  for (const text of ['', 's1.', 's1.AAAA', 's2.AAAA', 'eyJhIjoxfQ', `s1.${'A'.repeat(80)}`, `${seal.seal('state', 1)}=`]) {
    expect(seal.open('state', text)).toBeUndefined();
  }
});

test('a sealed text tells nothing of what is in it', () => {
  const seal = createSeal({ key });

  expect(Buffer.from(seal.seal('state', 'a-secret-word').slice(3), 'base64url').toString('latin1')).not.toContain('secret');
  expect(seal.seal('state', 1)).not.toBe(seal.seal('state', 1));
});

test('a key of another length is refused', () => {
  expect(() => createSeal({ key: randomBytes(16) })).toThrow('must have 32');
});
