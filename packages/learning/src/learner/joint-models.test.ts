import { createMemoryStore } from '@signalbox/storage';
import { expect, test } from 'vitest';
import { readInteraction, toFactBytes } from '../codec/interaction-codec.ts';
import type { CallInteraction, Interaction } from '../interaction.ts';
import type { Model } from '../model.ts';
import { scopeStore } from '../model-store/scope-store.ts';
import { createCall } from '../testing/create-call.ts';
import { createAllModels } from './all-models.ts';
import { JointModels } from './joint-models.ts';
import { Learner } from './learner.ts';

const createModels = () => createAllModels({ anomalies: { enabled: false, alertsPerDay: 20, settleDays: 3 } });
const facts = (from: number, count: number, more: Partial<CallInteraction> = {}) =>
  Array.from({ length: count }, (_, index) =>
    createCall({
      sequence: from + index,
      atMs: 1_000_000 + 1_000 * (from + index),
      tool: `tool${(from + index) % 3}`,
      ending: (from + index) % 4 === 0 ? 'toolError' : 'ok',
      durationMs: 1 + index,
      ...more,
    }),
  );

async function setUp(scopes: readonly string[]) {
  const store = createMemoryStore();
  const troubles: string[] = [];
  const open = async (scope: string) => {
    const joint = await JointModels.open({ store, scope, now: () => 1, createModels, onTrouble: (message) => troubles.push(message) });
    const learner = await Learner.open({
      createModels,
      store: scopeStore(store, scope),
      now: () => 1,
      maxFacts: 10_000,
      breathe: async () => undefined,
      onFact: (fact) => joint.observe(fact),
    });
    const learn = (calls: readonly CallInteraction[]) => {
      for (const call of calls) learner.observe(toFactBytes(call));
    };
    return { joint, learner, learn };
  };
  return { store, troubles, open, gateways: await Promise.all(scopes.map(open)) };
}

const countsOf = ({ tables, save }: Pick<Model<Interaction>, 'tables' | 'save'>) =>
  tables.filter(({ rule }) => rule === 'sum').map(({ name }) => [name, [...save().get(name)!].toSorted(([a], [b]) => (a < b ? -1 : 1))]);

test('counts of two gateways, joined, are what one would hold that had seen the calls of both, bit for bit', async () => {
  const { gateways, troubles } = await setUp(['one', 'two']);
  const [one, two] = gateways as [(typeof gateways)[0], (typeof gateways)[0]];
  one.learn(facts(0, 50));
  two.learn(facts(50, 70));
  await two.learner.commit('for the other');
  await one.joint.look(one.learner.models);
  const whole = createModels();
  for (const fact of [...facts(0, 50), ...facts(50, 70)]) whole.outcomes.observe(readInteraction(toFactBytes(fact)));
  expect(countsOf(one.joint.models!.outcomes)).toEqual(countsOf(whole.outcomes));
  expect([one.joint.others, troubles]).toEqual([1, []]);
  // What each has learned for itself is its own.
  expect(one.learner.counts.learned).toBe(50);
  expect(one.learner.models.outcomes.reports().reduce((sum, { calls }) => sum + calls, 0)).toBe(50);
});

test('what comes later counts at once, and what another has forgotten counts no longer', async () => {
  const { gateways } = await setUp(['one', 'two']);
  const [one, two] = gateways as [(typeof gateways)[0], (typeof gateways)[0]];
  const callsOf = () => one.joint.models!.outcomes.reports().reduce((sum, { calls }) => sum + calls, 0);
  two.learn([...facts(0, 30), ...facts(30, 10, { principal: 'p2' })]);
  await two.learner.commit('first');
  await one.joint.look(one.learner.models);
  one.learn(facts(100, 5));
  expect(callsOf()).toBe(45);
  await two.learner.forget({ principal: 'p2' });
  await one.joint.look(one.learner.models);
  expect(callsOf()).toBe(35);
});

test('one that is alone has nothing joined, and what of another is damaged is left out, said once', async () => {
  const { store, gateways, troubles } = await setUp(['one', 'two']);
  const [one, two] = gateways as [(typeof gateways)[0], (typeof gateways)[0]];
  one.learn(facts(0, 5));
  await one.joint.look(one.learner.models);
  expect(one.joint.models).toBeUndefined();
  two.learn(facts(5, 5));
  await two.learner.commit('first');
  const other = scopeStore(store, 'two');
  const chunks = await other.list('learning.chunks');
  await other.commit(chunks.map(({ key }) => ({ kind: 'delete', collection: 'learning.chunks', key })));
  await one.joint.look(one.learner.models);
  await one.joint.look(one.learner.models);
  expect(one.joint.models).toBeUndefined();
  expect(troubles).toEqual([expect.stringContaining('what gateway "two" has learned is left out')]);
});

test('gateways of one store neither see nor touch what the other keeps', async () => {
  const { store, open, gateways } = await setUp(['one', 'two']);
  const [one, two] = gateways as [(typeof gateways)[0], (typeof gateways)[0]];
  one.learn(facts(0, 20));
  two.learn(facts(20, 30));
  await one.learner.commit('one');
  await two.learner.commit('two');
  await one.learner.forget({});
  await one.learner.tidy();
  const again = await open('two');
  expect(again.learner.counts).toMatchObject({ learned: 30, kept: 30 });
  expect((await store.names()).collections.filter((name) => name.startsWith('learning.') && name.split('.').length === 2)).toEqual([
    'learning.gateways',
  ]);
});
