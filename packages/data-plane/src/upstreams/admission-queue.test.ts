import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Cancellation, type Priority } from '@signalbox/core';
import { createTestClock } from '../testing/test-clock.ts';
import { AdmissionQueue } from './admission-queue.ts';

function createQueue(options: { maxConcurrent?: number; maxQueued?: number } = {}) {
  const clock = createTestClock();
  const queue = new AdmissionQueue({
    upstream: 'u',
    maxConcurrent: options.maxConcurrent ?? 1,
    maxQueued: options.maxQueued ?? 100,
    clock,
  });
  const take = (more: { priority?: Priority; lane?: string; waitMs?: number; cancellation?: Cancellation } = {}) =>
    queue.take({
      priority: more.priority ?? 'normal',
      lane: more.lane,
      waitMs: more.waitMs ?? 1000,
      cancellation: more.cancellation ?? new Cancellation(),
    });
  return { clock, queue, take };
}

describe('the admission queue', () => {
  test('gives a free slot without a promise', () => {
    const { queue, take } = createQueue();
    expect(take()).toBeUndefined();
    expect(queue.inFlight).toBe(1);
  });

  test('lets the most urgent go first and the others in their order', async () => {
    const { queue, take } = createQueue();
    void take();
    const order: string[] = [];
    const waiting = [take({ priority: 'batch' }), take(), take({ priority: 'interactive' }), take()].map((slot, index) =>
      Promise.resolve(slot).then(() => {
        queue.release(undefined);
        return order.push(String(index));
      }),
    );
    queue.release(undefined);
    await Promise.all(waiting);
    expect(order).toEqual(['2', '1', '3', '0']);
    expect(queue.inFlight).toBe(0);
  });

  test('refuses what does not fit in the line, and sheds the least urgent for the more urgent', async () => {
    const { take } = createQueue({ maxQueued: 1 });
    void take();
    const batch = Promise.resolve(take({ priority: 'batch' }));
    await expect(Promise.resolve(take({ priority: 'batch' }))).rejects.toMatchObject({ code: 'OVERLOADED', data: { sent: false } });
    void Promise.resolve(take({ priority: 'interactive' }));
    await expect(batch).rejects.toMatchObject({ code: 'OVERLOADED' });
  });

  test('ends a wait at its deadline and on cancellation, and keeps counting right', async () => {
    const { clock, queue, take } = createQueue();
    void take();
    const cancellation = new Cancellation();
    const late = Promise.resolve(take({ waitMs: 50 }));
    const dropped = Promise.resolve(take({ cancellation }));
    clock.advance(51);
    cancellation.cancel('caller left');
    await expect(late).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED', data: { phase: 'queue', budgetMs: 50 } });
    await expect(dropped).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(queue.queued).toBe(0);
    queue.release(undefined);
    expect(take()).toBeUndefined();
  });

  test('runs calls of one lane one at a time and in order, beside other lanes', async () => {
    const { queue, take } = createQueue({ maxConcurrent: 3 });
    const order: string[] = [];
    expect(take({ lane: 'a' })).toBeUndefined();
    const second = Promise.resolve(take({ lane: 'a' })).then(() => order.push('a2'));
    const third = Promise.resolve(take({ lane: 'a' })).then(() => order.push('a3'));
    const other = Promise.resolve(take({ lane: 'b' })).then(() => order.push('b1'));
    await other;
    queue.release('a');
    await second;
    queue.release('a');
    await third;
    expect(order).toEqual(['b1', 'a2', 'a3']);
  });

  test('never runs more than it may, never starves anyone, and ends empty, whatever comes in whatever order', async () => {
    const request = fc.record({
      priority: fc.constantFrom<Priority>('interactive', 'normal', 'batch'),
      lane: fc.constantFrom(undefined, 'a', 'b'),
      cancel: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(request, { maxLength: 40 }), fc.integer({ min: 1, max: 4 }), async (requests, maxConcurrent) => {
        const { queue, take } = createQueue({ maxConcurrent });
        const busyLanes = new Set<string>();
        const violations: string[] = [];
        let running = 0;
        const ends = requests.map(async ({ priority, lane, cancel }) => {
          const cancellation = new Cancellation();
          const slot = take({ priority, cancellation, ...(lane === undefined ? {} : { lane }) });
          if (cancel && slot !== undefined) cancellation.cancel('left');
          try {
            await slot;
          } catch (error) {
            if (!cancellation.isCancelled) violations.push(`refused: ${String(error)}`);
            return;
          }
          if (++running > maxConcurrent) violations.push(`${running} at once`);
          if (lane !== undefined && busyLanes.has(lane)) violations.push(`two in lane ${lane}`);
          if (lane !== undefined) busyLanes.add(lane);
          await Promise.resolve();
          running--;
          if (lane !== undefined) busyLanes.delete(lane);
          queue.release(lane);
        });
        await Promise.all(ends);
        expect([violations, queue.inFlight, queue.queued]).toEqual([[], 0, 0]);
      }),
    );
  });

  test('a steady stream of urgent calls does not hold up a batch call for ever', async () => {
    const { queue, take } = createQueue();
    void take();
    const turns: string[] = [];
    const batch = Promise.resolve(take({ priority: 'batch' })).then(() => turns.push('batch'));
    for (let round = 0; round < 20; round++) {
      const urgent = Promise.resolve(take({ priority: 'interactive' })).then(() => turns.push('urgent'));
      queue.release(undefined);
      await Promise.race([urgent, batch]);
    }
    expect(turns.slice(0, 8)).toContain('batch');
  });
});
