import { expect, test } from 'vitest';
import { nearestOf } from './nearest.ts';

test('the nearest name is only offered when it is near', () => {
  expect(nearestOf('serach', ['search', 'fetch'])).toBe('search');
  expect(nearestOf('zzzz', ['search', 'fetch'])).toBeUndefined();
});
