import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bestOf, raise, TOTAL } from './followers.ts';

test('raising what was called is the same as looking through all', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f')), (keys) => {
      const own = new Map<string, number[]>([[TOTAL, [0]]]);
      let best: string[] = [];
      for (const key of keys) {
        own.set(key, [(own.get(key)?.[0] ?? 0) + 1]);
        best = raise(best, key, { own, limit: 3 });
        expect(best).toEqual(bestOf(own, 3));
      }
    }),
  );
});
