import { toolKey } from '@signalbox/learning';
import { expect, test } from 'vitest';
import { toFallbackAdvice } from './to-fallback-advice.ts';

const tools = ['b', 'c'].map((upstream) => ({ upstream, tool: 'x' }));
const armsOf = (b: readonly [number, number], c: readonly [number, number]) =>
  new Map([b, c].map(([calls, failed], index) => [toolKey(tools[index]!), { calls, failed }]));

test('the fallback that fares better comes first, and the configured order stands while little is known of it', () => {
  const advised = toFallbackAdvice(armsOf([50, 30], [50, 0]))(tools)!;
  expect(advised).toEqual([
    { ...tools[1], share: 1 },
    { ...tools[0], share: 0 },
  ]);
  expect(toFallbackAdvice(armsOf([9, 9], [500, 0]))(tools)).toBeUndefined();
  expect(toFallbackAdvice(new Map())(tools)).toBeUndefined();
  expect(toFallbackAdvice(armsOf([50, 30], [50, 0]))(tools.slice(0, 1))).toBeUndefined();
});

test('one of which nothing is known is tried out now and then', () => {
  const advise = toFallbackAdvice(armsOf([50, 10], [0, 0]));
  const shareOf = (upstream: string) => advise(tools)!.find((each) => each.upstream === upstream)!.share;
  expect(shareOf('b')).toBeGreaterThan(shareOf('c'));
  expect(shareOf('c')).toBeGreaterThan(0.05);
});
