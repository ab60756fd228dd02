import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createNameMatcher } from './glob.ts';

test('a star stands for any text', () => {
  const matches = createNameMatcher(['get_*', '*_admin', 'a*b*c', 'exact']);
  expect(['get_x', 'get_', 'user_admin', 'abc', 'a1b2c', 'exact'].every(matches)).toBe(true);
  expect(['got_x', 'admins', 'acb', 'exactly', 'ab'].some(matches)).toBe(false);
});

test('a pattern agrees with the regular expression it stands for', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 6 });
  fc.assert(
    fc.property(text, fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 8 }), (pattern, name) => {
      const expected = new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(name);
      expect(createNameMatcher([pattern])(name)).toBe(expected);
    }),
  );
});
