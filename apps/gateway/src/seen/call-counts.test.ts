import { expect, test } from 'vitest';
import { createCallRecord } from '../testing/call-record.ts';
import { createCallCounts, splitLabels, sumCounts } from './call-counts.ts';
import { JointMetrics, type MetricsSnapshot } from './metrics-snapshot.ts';

const labelsOf = (counts: ReturnType<typeof createCallCounts>) =>
  counts.snapshot().calls.map(([labels, count]) => [...splitLabels(labels, 5), count]);

test('calls are counted by what is bounded, whatever clients and servers make up', () => {
  const counts = createCallCounts();
  for (let number = 0; number < 5_000; number++) {
    counts.write(createCallRecord({ upstreamName: `tool ${number}` }));
    counts.write(createCallRecord({ method: `made/up-${number}`, upstreamName: `made/up-${number}` }));
    counts.write(
      createCallRecord({
        name: `unknown ${number}`,
        upstream: undefined,
        upstreamName: undefined,
        status: 'gateway-error',
        error: 'UNKNOWN_NAME',
      }),
    );
    counts.write(createCallRecord({ method: 'resources/read', name: `file:///${number}`, upstreamName: `file:///${number}` }));
    counts.write(createCallRecord({ status: 'rpc-error', error: String(number) }));
  }
  const { calls, errors, times } = counts.snapshot();
  expect(calls.length).toBeLessThan(310);
  expect(errors).toHaveLength(2);
  expect(times.length).toBeLessThan(10);
  expect(labelsOf(counts)).toContainEqual(['tools/call', 'everything', 'ok', 'false', 'other', 4_701]);
});

test('a name that looks like several labels stays one', () => {
  const counts = createCallCounts();
  counts.write(createCallRecord({ upstreamName: 'a\nb\nc' }));
  expect(labelsOf(counts)).toEqual([['tools/call', 'everything', 'ok', 'false', 'a\nb\nc', 1]]);
});

test('counts of several processes are summed, and those of one that ended are kept', () => {
  const [one, other] = [createCallCounts(), createCallCounts()];
  one.write(createCallRecord());
  other.write(createCallRecord({ durationMs: 3_000 }));
  other.write(createCallRecord({ upstream: 'second' }));
  const joint = new JointMetrics();
  joint.take('b', { worker: 2, snapshot: { counts: other.snapshot() } as unknown as MetricsSnapshot });
  const before = joint.sum(one.snapshot());
  expect(before).toEqual(sumCounts([one.snapshot(), other.snapshot()]));
  expect(before.calls.map(([, count]) => count)).toEqual([2, 1]);
  expect(before.times[0]![1].total).toMatchObject({ count: 2, sumSeconds: 3.01 });
  joint.keep(new Set());
  expect(joint.others).toEqual([]);
  expect(joint.sum(one.snapshot())).toEqual(before);
});
