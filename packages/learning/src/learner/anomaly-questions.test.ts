import { WireWriter } from '@signalbox/core';
import { createMemoryStore } from '@signalbox/storage';
import { expect, test } from 'vitest';
import { writeInteraction } from '../codec/interaction-codec.ts';
import { createCall } from '../testing/create-call.ts';
import { createAllModels } from './all-models.ts';
import { behaviourOf, readAnomalies, takeOpinion } from './anomaly-questions.ts';
import { Learner } from './learner.ts';

async function open(store = createMemoryStore(), enabled = true) {
  const createModels = () => createAllModels({ anomalies: { enabled, alertsPerDay: 20, settleDays: 0 } });
  const learner = await Learner.open({ createModels, store, now: () => 1, maxFacts: 10_000, breathe: async () => undefined });
  const tell = (argsBytes: number, more = {}) => {
    const writer = new WireWriter();
    writeInteraction(writer, createCall({ atMs: 1_000_000_000 + ++count * 60_000, argsBytes, ...more }));
    learner.observe(writer.written);
  };
  let count = 0;
  return { store, learner, tell };
}

async function openWithAnomaly() {
  const opened = await open();
  for (let index = 0; index < 100; index++) opened.tell(60 + (index % 40));
  opened.tell(50_000);
  const { anomalies } = readAnomalies(behaviourOf(opened.learner), { limit: 10 });
  return { ...opened, id: anomalies[0]!.id, anomalies };
}

test('anomalies are filtered, and a thread that does not look for them says so', async () => {
  const { learner, anomalies } = await openWithAnomaly();
  expect(anomalies).toMatchObject([{ kind: 'arguments', principal: 'p1', upstream: 'files' }]);
  const count = (question: object) => readAnomalies(behaviourOf(learner), { limit: 10, ...question }).anomalies.length;
  const { lastMs } = anomalies[0]!;
  expect([count({ sinceMs: lastMs }), count({ sinceMs: lastMs + 1 })]).toEqual([1, 0]);
  expect([count({ upstream: 'files' }), count({ upstream: 'mail' }), count({ kind: 'arguments' }), count({ kind: 'rate' })]).toEqual([
    1, 0, 1, 0,
  ]);
  const off = await open(createMemoryStore(), false);
  expect(() => behaviourOf(off.learner)).toThrow('"learning.anomalies.enabled" is false');
});

test('an opinion is a fact: a replay and a restart know it, and who is forgotten takes it along', async () => {
  const { learner, store, id } = await openWithAnomaly();
  expect(takeOpinion(learner, { id, verdict: 'noise', atMs: 2_000_000_000 })).toMatchObject({ id, feedback: 'noise' });
  await learner.flush();
  expect(await learner.replay()).toMatchObject({ facts: 102, isSame: true });
  const again = await open(store);
  expect(behaviourOf(again.learner).find(id)).toMatchObject({ feedback: 'noise' });
  await learner.forget({ principal: 'p1' });
  expect(behaviourOf(learner).list()).toEqual([]);
  expect(behaviourOf(learner).save().get('opinions')!.size).toBe(0);
  expect(learner.counts.kept).toBe(0);
});

test('an opinion on nothing, or while nothing is learned, is refused', async () => {
  const { learner, id } = await openWithAnomaly();
  expect(() => takeOpinion(learner, { id: 'nothing', verdict: 'useful', atMs: 1 })).toThrow('There is no anomaly "nothing"');
  await learner.setFrozen(true);
  expect(() => takeOpinion(learner, { id, verdict: 'useful', atMs: 1 })).toThrow('Cannot take an opinion while learning is frozen');
});
