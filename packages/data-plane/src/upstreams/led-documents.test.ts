import { expect, test } from 'vitest';
import { LedDocuments } from './led-documents.ts';

interface Listing {
  readonly entries: readonly string[];
}

/** Lists of names, made for whoever asks under a prefix of theirs, and how often one was made. */
function start() {
  const made: string[] = [];
  const led = new LedDocuments<{ readonly prefix: string }, Listing | undefined>((document, { prefix }) => {
    made.push(prefix);
    if (!Array.isArray(document)) return undefined;
    return { entries: document.map((name) => `${prefix}${String(name)}`) };
  });
  return { led, made };
}

test('a document is read once for as long as nothing changes, also when it is good for nothing', () => {
  const { led, made } = start();
  const purpose = { prefix: 'a_' };
  led.put('listed', ['one']);
  led.put('useless', 'text');

  const first = led.get('listed', purpose);
  expect(first).toEqual({ entries: ['a_one'] });
  expect(led.get('listed', purpose)).toBe(first);
  for (const _ of [1, 2]) expect(led.get('useless', purpose)).toBeUndefined();
  for (const _ of [1, 2]) expect(led.get('unknown', purpose)).toBeUndefined();
  expect(made).toHaveLength(3);
});

test('a later document of the same key takes the place of the one before, and leaves the others alone', () => {
  const { led, made } = start();
  const purpose = { prefix: '' };
  led.put('changing', ['old']);
  led.put('lasting', ['same']);
  led.get('changing', purpose);
  const lasting = led.get('lasting', purpose);

  led.put('changing', ['new']);
  expect(led.get('changing', purpose)).toEqual({ entries: ['new'] });
  expect(led.get('lasting', purpose)).toBe(lasting);
  expect(made).toHaveLength(3);
});

test('a document that comes after it was asked for is read then', () => {
  const { led } = start();
  const purpose = { prefix: '' };
  expect(led.get('late', purpose)).toBeUndefined();
  led.put('late', ['here']);
  expect(led.get('late', purpose)).toEqual({ entries: ['here'] });
});

test('what was made for something is not given to what has taken its place', () => {
  const { led } = start();
  led.put('listed', ['one']);
  led.get('listed', { prefix: 'old_' });
  expect(led.get('listed', { prefix: 'new_' })).toEqual({ entries: ['new_one'] });
});
