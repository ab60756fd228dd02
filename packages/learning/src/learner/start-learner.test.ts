import { createMemoryStore } from '@signalbox/storage';
import { silentLogger, systemClock } from '@signalbox/core';
import { expect, test, vi } from 'vitest';
import { createCall } from '../testing/create-call.ts';
import type { ToolReport } from '../outcomes/tool-outcomes.ts';
import type { LearnerReading } from './messages.ts';
import type { LearningStore } from './remote-store.ts';
import { startLearner, type StartLearnerOptions } from './start-learner.ts';

const config = {
  keepFacts: 1000,
  commitSeconds: 1,
  maxMemoryMb: 128,
  maxCpuShare: 1,
  anomalies: { enabled: true, alertsPerDay: 20, settleDays: 3 },
};

function start(store: LearningStore, more: Partial<StartLearnerOptions> = {}) {
  const thread = startLearner({ store, config, clock: systemClock, logger: silentLogger, ...more });
  return { thread, [Symbol.asyncDispose]: () => thread.close() };
}

const PATIENT = { timeout: 10_000, interval: 20 };

test('facts are learned in another thread, kept at the end, and known to the next one', async () => {
  const store = createMemoryStore();
  {
    await using first = start(store);
    await vi.waitFor(() => expect(first.thread.state).toBe('learning'), PATIENT);
    for (let index = 0; index < 50; index++) first.thread.tell(createCall({ sequence: index }));
    await vi.waitFor(async () => expect((await first.thread.ask<LearnerReading>('read')).learned).toBe(50), PATIENT);
    first.thread.tell(createCall({ sequence: 50 }));
  }
  await using second = start(store);
  await vi.waitFor(() => expect(second.thread.state).toBe('learning'), PATIENT);
  expect(await second.thread.ask<readonly ToolReport[]>('outcomes')).toMatchObject([{ tool: 'read', calls: 51 }]);
  await expect(second.thread.ask('nonsense')).rejects.toThrow('does not know the question');
});

test('a thread that dies is started anew and goes on with what was kept; who tells it things notices nothing', async () => {
  const store = createMemoryStore();
  await using running = start(store);
  const { thread } = running;
  await vi.waitFor(() => expect(thread.state).toBe('learning'), PATIENT);
  for (let index = 0; index < 20; index++) thread.tell(createCall({ sequence: index }));
  await vi.waitFor(async () => expect((await thread.ask<LearnerReading>('read')).head).toBeDefined(), PATIENT);
  await thread.worker!.terminate();
  await vi.waitFor(() => expect(thread.state).toBe('dead'), PATIENT);
  await expect(thread.ask('read')).rejects.toMatchObject({ code: 'OVERLOADED' });
  for (let index = 20; index < 30; index++) thread.tell(createCall({ sequence: index }));
  await vi.waitFor(() => expect([thread.state, thread.restarts]).toEqual(['learning', 1]), PATIENT);
  // What was told while it was away has waited.
  await vi.waitFor(async () => expect((await thread.ask<LearnerReading>('read')).learned).toBe(30), PATIENT);
});

test('a thread that rests for long, as its share of the processor is small, is not held for hung', async () => {
  await using running = start(createMemoryStore(), { config: { ...config, maxCpuShare: 0.01 }, hungMs: 800 });
  const { thread } = running;
  await vi.waitFor(() => expect(thread.state).toBe('learning'), PATIENT);
  // The first facts are the dearest: what comes with them takes longer to rest from than a hung thread has.
  for (let index = 0; index < 40; index++) thread.tell(createCall({ sequence: index, session: `s${index % 20}`, tool: `t${index % 7}` }));
  await vi.waitFor(async () => expect((await thread.ask<LearnerReading>('read')).learned).toBe(40), { timeout: 50_000, interval: 50 });
  await thread.ask('read');
  expect([thread.state, thread.restarts]).toEqual(['learning', 0]);
}, 60_000);

test('a thread that hangs is ended, facts beyond the room there is are dropped and counted, and nobody waits', async () => {
  const store = createMemoryStore();
  let isStuck = true;
  const stuck: LearningStore = { ...store, commit: (operations) => (isStuck ? new Promise(() => undefined) : store.commit(operations)) };
  await using running = start(stuck, { ringBytes: 4096, hungMs: 1_500 });
  const { thread } = running;
  await vi.waitFor(() => expect(thread.state).toBe('learning'), PATIENT);
  const flood = setInterval(() => {
    for (let index = 0; index < 50; index++) thread.tell(createCall({ sequence: index }));
  }, 5);
  await vi.waitFor(() => expect(thread.reason).toContain('no sign of life'), PATIENT);
  clearInterval(flood);
  expect(thread.counts().dropped).toBeGreaterThan(0);
  isStuck = false;
  await vi.waitFor(() => expect([thread.state, thread.restarts > 0]).toEqual(['learning', true]), PATIENT);
}, 20_000);
