import { expect, test } from 'vitest';
import { toFailureRisk } from './to-failure-risk.ts';

test('the risk of an upstream is its own where something is known of it, and that of all else', () => {
  const risk = toFailureRisk({ all: [0.5, 0.6], own: new Map([['main', [0.9, 0.7]]]) });
  const once = { failures: 1, sinceMs: 10 };
  expect([risk('main', once), risk('new', once)]).toEqual([0.9, 0.5]);
  expect([risk('main', { ...once, sinceMs: 2_000 }), risk('new', { ...once, failures: 40 })]).toEqual([0.7, undefined]);
  expect(toFailureRisk({ all: [], own: new Map() })('main', once)).toBeUndefined();
});
