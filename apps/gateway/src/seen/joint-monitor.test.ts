import type { ProcessReading } from '@signalbox/control-plane';
import { GatewayError } from '@signalbox/core';
import { expect, test } from 'vitest';
import { createJointMonitor, createMonitorAnswer } from './joint-monitor.ts';
import { LatencySketch, readLatencies } from './latency-sketch.ts';
import { NOBODY, type Monitor } from './monitor.ts';

interface Times {
  readonly [upstream: string]: readonly number[];
}

function createSketch(times: readonly number[]): LatencySketch {
  const sketch = new LatencySketch();
  for (const ms of times) sketch.add(ms);
  return sketch;
}

/** A monitor of a process that is seen to have served calls of these durations. */
function createOwn(pid: number, times: Times): Monitor {
  const process: ProcessReading = {
    pid,
    eventLoop: { delayP50Ms: 0, delayP99Ms: 0, delayMaxMs: pid, utilization: 0.5 },
    cpu: { userSeconds: 1, systemSeconds: 1 },
    memory: { rssBytes: 1, heapUsedBytes: 1, heapTotalBytes: 1, externalBytes: 1 },
    gc: { count: 0, totalMs: 0, maxMs: 0 },
  };
  return {
    name: 'monitor',
    write: () => undefined,
    read: () => process,
    latencies: () => new Map(Object.entries(times).map(([name, each]) => [name, createSketch(each).total()])),
    profile: async (kind, seconds) => {
      if (seconds > 60) throw new GatewayError('INVALID_PARAMS', 'too long');
      return `${kind} of ${pid}`;
    },
    close: () => undefined,
  };
}

/** The first of three workers: the second one answers, the third one does as told. */
function createThree(askThird: (question: Buffer) => Promise<Buffer | undefined>) {
  const answer = createMonitorAnswer(createOwn(12, { shop: [3, 200], [NOBODY]: [1] }));
  const waits: number[] = [];
  const joint = createJointMonitor(createOwn(11, { shop: [1, 2], forum: [7] }), {
    count: 3,
    ask: (worker, question, waitMs) => {
      waits.push(waitMs);
      return worker === 2 ? answer(question) : askThird(question);
    },
  });
  return { joint, waits };
}

test('each worker is told of, and their latencies add up as if one had served all calls', async () => {
  const { joint } = createThree(createMonitorAnswer(createOwn(13, {})));
  const { workers, silent, upstreams, all } = await joint.read();
  expect(workers.map(({ worker, pid, eventLoop, calls }) => [worker, pid, eventLoop.delayMaxMs, calls.count])).toEqual([
    [1, 11, 11, 3],
    [2, 12, 12, 3],
    [3, 13, 13, 0],
  ]);
  expect(silent).toEqual([]);
  const expected = (times: readonly number[]) => readLatencies(createSketch(times).total());
  expect(upstreams).toEqual({ shop: expected([1, 2, 3, 200]), forum: expected([7]) });
  expect(all).toEqual(expected([1, 2, 3, 200, 7, 1]));
});

test.each([
  ['is being started', async () => undefined],
  ['does not answer', () => Promise.reject(new Error('no answer in 1000 ms'))],
])('a worker that %s is named, and the others are told of', async (_, askThird) => {
  const { workers, silent, all } = await createThree(askThird).joint.read();
  expect([workers.map(({ worker }) => worker), silent, all.count]).toEqual([[1, 2], [3], 6]);
});

test('a profile is of the worker that was named, and is waited for as long as it takes', async () => {
  const { joint, waits } = createThree(async () => undefined);
  expect(await joint.profile('cpu', { seconds: 60, worker: 1 })).toBe('cpu of 11');
  expect(await joint.profile('heap', { seconds: 60, worker: 2 })).toBe('heap of 12');
  expect(waits).toEqual([80_000]);
});

test('a profile that cannot be taken says why', async () => {
  const { joint } = createThree(async () => undefined);
  const taken = (worker: number, seconds = 1) => joint.profile('cpu', { seconds, worker });
  await expect(taken(4)).rejects.toMatchObject({ code: 'UNKNOWN_NAME', message: 'There is no worker 4: this gateway has 3' });
  await expect(taken(3)).rejects.toMatchObject({ code: 'OVERLOADED', message: expect.stringContaining('worker 3: it is being started') });
  await expect(taken(2, 61)).rejects.toMatchObject({ code: 'INVALID_PARAMS', message: 'too long' });
  const { joint: broken } = createThree(() => Promise.reject(new Error('socket hang up')));
  await expect(broken.profile('cpu', { seconds: 1, worker: 3 })).rejects.toMatchObject({
    code: 'OVERLOADED',
    message: 'Cannot take a profile of worker 3: it did not answer (socket hang up)',
  });
});

test('a gateway of one process is its own first worker', async () => {
  const alone = createJointMonitor(createOwn(11, { shop: [1] }), undefined);
  expect(await alone.read()).toMatchObject({ workers: [{ worker: 1, pid: 11 }], silent: [], all: { count: 1 } });
  await expect(alone.profile('cpu', { seconds: 1, worker: 2 })).rejects.toMatchObject({ code: 'UNKNOWN_NAME' });
});
