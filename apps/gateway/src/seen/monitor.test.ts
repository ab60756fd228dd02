import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createCallRecord } from '../testing/call-record.ts';
import { createMonitor, NOBODY } from './monitor.ts';

test('a reading tells how the process and its upstreams fare', async () => {
  const monitor = createMonitor();
  for (const durationMs of [1, 2, 100]) monitor.write(createCallRecord({ durationMs }));
  monitor.write(createCallRecord({ upstream: undefined, durationMs: 5 }));
  // A loop that is held up shows.
  await wait(50);
  const end = performance.now() + 120;
  while (performance.now() < end);
  await wait(50);
  const { pid, eventLoop, cpu, memory } = monitor.read();
  expect(pid).toBe(process.pid);
  expect(eventLoop.delayMaxMs).toBeGreaterThan(50);
  expect(eventLoop.utilization).toBeGreaterThan(0);
  expect(cpu.userSeconds).toBeGreaterThan(0);
  expect(memory.rssBytes).toBeGreaterThan(memory.heapUsedBytes / 2);
  const latencies = monitor.latencies();
  expect([...latencies].map(([name, { count, maxMs }]) => [name, count, maxMs])).toEqual([
    ['everything', 3, 100],
    [NOBODY, 1, 5],
  ]);
  monitor.close();
});

test('profiles are taken one at a time and for a bounded time', async () => {
  const monitor = createMonitor();
  const cpu = monitor.profile('cpu', 1);
  await expect(monitor.profile('heap', 1)).rejects.toMatchObject({ code: 'CONFLICT' });
  expect(JSON.parse(await cpu)).toMatchObject({ nodes: expect.any(Array), samples: expect.any(Array) });
  expect(JSON.parse(await monitor.profile('heap', 1))).toMatchObject({ head: expect.any(Object) });
  for (const seconds of [0, 61, Number.NaN])
    await expect(monitor.profile('cpu', seconds)).rejects.toMatchObject({ code: 'INVALID_PARAMS' });
  monitor.close();
});
