import { expect, test } from 'vitest';
import { createAddressBook } from './address-book.ts';

function createSetup(...names: string[]) {
  const living = new Set(names);
  return { living, book: createAddressBook((name) => living.has(name)) };
}

test('what lives in a living worker is there', () => {
  const { book } = createSetup('1', '2');
  expect(book.find({ id: 'a', home: '2', asker: '1' })).toBe('2');
});

test('whoever asks first for what has lost its worker gets it, and it stays there', () => {
  const { book } = createSetup('1', '3');
  expect(book.find({ id: 'a', home: '2', asker: '3' })).toBe('3');
  expect(book.find({ id: 'a', home: '2', asker: '1' })).toBe('3');
});

test('what has lost its second worker, too, is taken up once more', () => {
  const { book, living } = createSetup('1', '3');
  book.find({ id: 'a', home: '2', asker: '3' });
  living.delete('3');
  expect(book.find({ id: 'a', home: '2', asker: '1' })).toBe('1');
});

test('what an earlier run has given, with or without a name, is taken up', () => {
  const { book } = createSetup('1', '2');
  expect(book.find({ id: 'a', home: undefined, asker: '2' })).toBe('2');
  expect(book.find({ id: 'a', home: undefined, asker: '1' })).toBe('2');
});

test('what was ended is nowhere once its worker is gone', () => {
  const { book } = createSetup('1');
  book.end('a');
  expect(book.find({ id: 'a', home: '2', asker: '1' })).toBeUndefined();
});
