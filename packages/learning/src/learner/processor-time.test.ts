import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { createWorkClock, readThreadId, readWaitedMs } from './processor-time.ts';

test('a thread has worked for what it computes, not for what it sleeps', async () => {
  const worked = createWorkClock();
  const before = worked();
  await setTimeout(60);
  expect(worked() - before).toBeLessThan(50);
  const begun = process.cpuUsage().user;
  while (process.cpuUsage().user - begun < 100_000);
  // It may lag by some turns of the scheduler.
  expect(worked() - before).toBeGreaterThan(50);
});

test.runIf(process.platform === 'linux')('what a thread has waited for a processor is known of each of the process', async () => {
  const worker = new Worker(`require('node:worker_threads').parentPort.postMessage(require('node:fs').readlinkSync('/proc/thread-self'))`, {
    eval: true,
  });
  const [name] = (await once(worker, 'message')) as [string];
  const own = readThreadId();
  expect(name).toMatch(`${process.pid}/task/`);
  expect(name).not.toBe(`${process.pid}/task/${own}`);
  expect(readWaitedMs(own)).toBeGreaterThan(0);
});

test('of a thread that is not there nothing is known', () => {
  expect([readWaitedMs(0), readWaitedMs(2 ** 30)]).toEqual([0, 0]);
});
