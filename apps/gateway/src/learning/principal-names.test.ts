import { expect, test } from 'vitest';
import { createPrincipalNames } from './principal-names.ts';

test('names are known by their hashes, the last ones seen up to a bound, and nobody is called by no hash', () => {
  const names = createPrincipalNames(2);
  names.see('a1', 'alice');
  names.see('b1', 'bob');
  names.see('a1', 'alice');
  names.see('c1', 'carol');
  names.see('', 'nobody');
  expect(['a1', 'b1', 'c1', ''].map(names.nameOf)).toEqual(['alice', undefined, 'carol', undefined]);
});
