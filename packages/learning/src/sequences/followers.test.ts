import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bestOf, raise, type Followers } from './followers.ts';

test('raising what was called is the same as looking through all', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f')), (keys) => {
      const own: Followers = { total: 0, tools: new Map() };
      let best: readonly string[] = [];
      for (const key of keys) {
        own.tools.set(key, (own.tools.get(key) ?? 0) + 1);
        best = raise(best, key, { own, limit: 3 });
        expect(best).toEqual(bestOf(own, 3));
      }
    }),
  );
});
