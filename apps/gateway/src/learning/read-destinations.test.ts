import { expect, test } from 'vitest';
import { readDestinations } from './read-destinations.ts';

const hash = { text: (name: string) => `<${name}>` };
const read = (args: Record<string, unknown>) => readDestinations(args, hash);

test.each([
  ['https://api.example.com/v1?x=1', '<example.com>'],
  ['  HTTP://user:secret@Files.Example.CO.UK:8080/a', '<example.co.uk>'],
  ['s3://bucket/key', '<bucket>'],
  ['https://10.0.0.7/', '<10.0.0.7>'],
  ['https://[2001:db8::1]:443/', '<[2001:db8::1]>'],
  ['ann@mail.example.com', '<example.com>'],
  ['Ann B. <ann@example.org>', '<example.org>'],
])('%s is a place', (value, place) => expect(read({ to: value })).toEqual([place]));

test.each([
  ['text with an address in it', 'see https://example.com'],
  ['text with a mail address in it', 'write to ann@example.com today'],
  ['a handle', '@ann'],
  ['a path', '/srv/a@b'],
  ['a number', 7],
  ['a long text', `https://example.com/${'x'.repeat(2_000)}`],
])('%s is none', (_, value) => expect(read({ to: value })).toEqual([]));

test('items and members are looked at, each place is told once, and no more than four are', () => {
  const to = ['ann@a.com', 'bob@mail.a.com', 'cy@b.com'];
  expect(read({ to, webhook: { url: 'https://c.com/x', deep: { url: 'https://not.seen' } } })).toEqual(['<a.com>', '<b.com>', '<c.com>']);
  expect(read({ to: Array.from({ length: 40 }, (_, index) => `x@d${index}.com`) })).toHaveLength(4);
  expect(readDestinations(undefined, hash)).toEqual([]);
});
