import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Scanner } from './scan.ts';

test('the items of an array lie where they are said to lie', () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue({ maxDepth: 3 }), { maxLength: 6 }), fc.constantFrom(undefined, 2), (items, space) => {
      const text = JSON.stringify(items, undefined, space);
      const bytes = Buffer.from(` ${text} `);
      const scanner = new Scanner(bytes);
      const found: unknown[] = [];
      const end = scanner.scanArray(1, (index, start) => {
        expect(index).toBe(found.length);
        const itemEnd = scanner.skipValue(start);
        found.push(JSON.parse(bytes.toString('utf8', start, itemEnd)));
        return itemEnd;
      });
      expect(end).toBe(bytes.length - 1);
      expect(found).toEqual(JSON.parse(text));
    }),
  );
});

test.each(['{}', '[1,]', '[1 2]', '[', '[1', ''])('%s is no array', (text) => {
  const scanner = new Scanner(Buffer.from(text));
  expect(() => scanner.scanArray(0, (_, start) => scanner.skipValue(start))).toThrow(SyntaxError);
});
