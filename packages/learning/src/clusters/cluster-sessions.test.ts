import fc from 'fast-check';
import { expect, test } from 'vitest';
import { clusterSessions, type SessionCalls } from './cluster-sessions.ts';

const session = (upstream: string, ...tools: readonly string[]): SessionCalls => ({
  tools: new Map(tools.map((tool, index) => [`${upstream}.${tool}`, { upstream, count: 1 + (index % 3) }])),
});
const kinds = [
  (index: number) => session('mail', 'read', 'send', ...(index % 2 === 0 ? ['forward'] : [])),
  (index: number) => session('files', 'list', 'open', ...(index % 3 === 0 ? ['write'] : [])),
  (index: number) => session('shop', 'search', 'pay', ...(index % 2 === 0 ? ['refund'] : [])),
];
const sessions = Array.from({ length: 60 }, (_, index) => kinds[index % 3]!(index));

test('sessions that do the same stand together, how many kinds there are is found, and each says what marks it', () => {
  const { assigned, marks, separation } = clusterSessions(sessions);
  expect(new Set(assigned).size).toBe(3);
  for (const [index, cluster] of assigned.entries()) expect(cluster).toBe(assigned[index % 3]);
  expect(separation).toBeGreaterThan(0.5);
  expect(marks[assigned[0]!]).toContain('server mail');
});

test('every session has a cluster, whatever there is, and the same seed gives the same', () => {
  const any = fc.array(
    fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('x', 'y')), { maxLength: 4 }).map((calls) => ({
      tools: new Map(calls.map(([tool, upstream]) => [`${upstream}.${tool}`, { upstream, count: 1 }])),
    })),
    { maxLength: 15 },
  );
  fc.assert(
    fc.property(any, fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }), (all, clusters) => {
      const options = clusters === undefined ? {} : { clusters };
      const { assigned } = clusterSessions(all, options);
      expect(assigned).toHaveLength(all.length);
      expect(clusterSessions(all, options).assigned).toEqual(assigned);
    }),
    { numRuns: 40 },
  );
});
