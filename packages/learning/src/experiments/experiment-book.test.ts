import { createMemoryStore } from '@signalbox/storage';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { assignArm } from './assign-arm.ts';
import { ExperimentBook } from './experiment-book.ts';
import type { ExperimentSpec } from './experiment-spec.ts';
import { createTrialModel, type TrialModel } from './trial-model.ts';

const LIMIT: ExperimentSpec = {
  name: 'more',
  candidate: { kind: 'limit', limit: 8 },
  share: 0.5,
  alpha: 0.05,
  horizon: 2_000,
  minStageMs: 0,
  guards: [{ metric: 'failed', margin: 0.1 }],
};
const RANKING: ExperimentSpec = { ...LIMIT, name: 'learned', candidate: { kind: 'ranking' } };

async function open(store = createMemoryStore()) {
  return { store, book: await ExperimentBook.open(store) };
}

interface Shares {
  readonly control: number;
  readonly candidate: number;
}

/** Sessions that succeed with a chance, half of them in each arm. */
function tell(
  trials: TrialModel,
  { trial, count, random, share = 0.5 }: { trial: string; count: number; random: () => number; share?: number },
  ok: Shares,
) {
  for (let index = 0; index < count; index++) {
    const arm = random() < share ? 'candidate' : 'control';
    const metrics = { sessions: 1, success: random() < ok[arm] ? 1 : 0, failed: random() < 0.1 ? 1 : 0 };
    for (const [metric, value] of Object.entries(metrics)) trials.observe({ experiment: trial, arm, metric, value });
  }
}

function createRandom(seed: number): () => number {
  let state = seed;
  return () => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0), state / 2 ** 32);
}

test('experiments outlive a restart, with their steps', async () => {
  const { store, book } = await open();
  const trials = createTrialModel();
  expect(await book.start(LIMIT, 1)).toBe(true);
  await book.steer('more', { command: 'freeze', atMs: 2 });
  await book.start(RANKING, 3);
  await book.steer('learned', { command: 'stop', atMs: 4 });
  const { book: again } = await open(store);
  expect(again.list(trials)).toEqual(book.list(trials));
  expect(again.inForce(false)).toMatchObject([
    { trial: 'more@1', stage: 'canary', share: 0.5 },
    { trial: 'learned@2', stage: 'demoted', share: 0 },
  ]);
  expect(again.get('learned', trials).rollout.steps.map(({ reason }) => reason)).toEqual(['it is new', 'an operator stopped it']);
});

test('the same start again changes nothing, other terms and a rival are refused, and one that was stopped starts anew', async () => {
  const { book } = await open();
  await book.start(LIMIT, 1);
  const { revision } = book;
  expect(await book.start(LIMIT, 2)).toBe(false);
  expect(book.revision).toBe(revision);
  await expect(book.start({ ...LIMIT, share: 0.2 }, 2)).rejects.toThrow('There is an experiment "more" already, with other terms');
  await expect(book.start({ ...LIMIT, name: 'other' }, 2)).rejects.toThrow('the limit is on trial in "more"; stop that one first');
  await expect(book.remove('more')).rejects.toThrow('stop it first');
  expect(await book.steer('more', { command: 'stop', atMs: 3 })).toBe(true);
  expect(await book.steer('more', { command: 'stop', atMs: 4 })).toBe(false);
  expect(await book.start(LIMIT, 5)).toBe(true);
  expect(book.inForce(false)).toMatchObject([{ trial: 'more@3', stage: 'canary' }]);
  await expect(book.steer('none', { command: 'stop', atMs: 6 })).rejects.toThrow('There is no experiment "none"; there are "more"');
});

test('what a removed experiment has counted is not counted for the next one of its name', async () => {
  const { book } = await open();
  await book.start(LIMIT, 1);
  await book.steer('more', { command: 'stop', atMs: 2 });
  await book.remove('more');
  await book.start(LIMIT, 3);
  expect(book.inForce(false)[0]!.trial).toBe('more@3');
});

test('while nothing is learned everybody gets the control and nobody has an arm', async () => {
  const { book } = await open();
  await book.start(LIMIT, 1);
  expect(book.inForce(true)).toMatchObject([{ stage: 'demoted', share: 0 }]);
});

test('a step that cannot be kept is not taken', async () => {
  const { store, book } = await open();
  await book.start(LIMIT, 1);
  store.commit = async () => {
    throw new Error('the disk is full');
  };
  await expect(book.steer('more', { command: 'stop', atMs: 2 })).rejects.toThrow('the disk is full');
  expect(book.inForce(false)[0]!.stage).toBe('canary');
});

/** @returns the stage after so many sessions, looked at after every twenty. */
async function live(ok: Shares, { seed, share = 0.5, most = 4_000 }: { seed: number; share?: number; most?: number }) {
  const { book } = await open();
  const trials = createTrialModel();
  await book.start({ ...LIMIT, share: 0.5 }, 0);
  const random = createRandom(seed);
  let sessions = 0;
  while (sessions < most && book.inForce(false)[0]!.stage === 'canary') {
    tell(trials, { trial: 'more@1', count: 20, random, share }, ok);
    sessions += 20;
    await book.evaluate(trials, sessions);
  }
  return { ...book.get('more', trials), counted: sessions };
}

test('what is worse is demoted, with its evidence still to be seen, and sooner than what is better is promoted', async () => {
  const seeds = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
  const worse = await Promise.all(seeds.map((seed) => live({ control: 0.8, candidate: 0.6 }, { seed })));
  const better = await Promise.all(seeds.map((seed) => live({ control: 0.6, candidate: 0.8 }, { seed })));
  expect(worse.map(({ rollout }) => rollout.stage)).toEqual(seeds.map(() => 'demoted'));
  expect(better.map(({ rollout }) => rollout.stage)).toEqual(seeds.map(() => 'promoted'));
  const mean = (lives: readonly { readonly counted: number }[]) => lives.reduce((sum, { counted }) => sum + counted, 0) / lives.length;
  expect(mean(worse)).toBeLessThan(mean(better));
  const [first] = worse;
  expect(first!.metrics.find(({ metric }) => metric === 'success')).toMatchObject({ role: 'goal' });
  expect(first!.sessions.control + first!.sessions.candidate).toBe(first!.counted);
});

test('what is no better is hardly ever promoted, and seldom demoted, however often one looks', async () => {
  const runs = 60;
  const stages = [];
  for (let seed = 1; seed <= runs; seed++)
    stages.push((await live({ control: 0.75, candidate: 0.75 }, { seed: seed * 7_919, most: 2_000 })).rollout.stage);
  const most = (share: number) => runs * share + 3 * Math.sqrt(runs * share * (1 - share));
  expect(stages.filter((stage) => stage === 'promoted').length).toBeLessThan(most(0.05));
  expect(stages.filter((stage) => stage === 'demoted').length).toBeLessThan(most(0.2));
});

test('arms that lose sessions end an experiment', async () => {
  const { rollout } = await live({ control: 0.8, candidate: 0.8 }, { seed: 3, share: 0.2 });
  expect(rollout.steps.at(-1)).toMatchObject({ stage: 'demoted', reason: 'its arms lose units, so nothing can be said of it' });
});

test('the ranking is judged in the shadow first, by places, and is shown to nobody there', async () => {
  for (const [candidate, stage] of [
    [0.7, 'canary'],
    [0.2, 'demoted'],
  ] as const) {
    const { book } = await open();
    const trials = createTrialModel();
    await book.start(RANKING, 0);
    expect(book.inForce(false)).toMatchObject([{ trial: 'learned@1', stage: 'shadow', share: 0 }]);
    const random = createRandom(7);
    for (let session = 0; session < 800; session++)
      for (const [arm, mean] of Object.entries({ control: 0.5, candidate }))
        for (const [metric, value] of [
          ['place', mean + (random() - 0.5) * 0.2],
          ['sessions', 1],
        ] as const)
          trials.observe({ experiment: 'learned@1', arm, metric, value });
    await book.evaluate(trials, 1);
    expect(book.inForce(false)).toMatchObject([{ trial: 'learned@2', stage, share: stage === 'canary' ? 0.5 : 0 }]);
  }
});

test('a unit that has the candidate keeps it from the canary to promotion', async () => {
  const { book } = await open();
  await book.start(LIMIT, 0);
  const trials = createTrialModel();
  const canary = book.inForce(false)[0]!;
  tell(trials, { trial: 'more@1', count: 2_000, random: createRandom(2) }, { control: 0.5, candidate: 0.9 });
  await book.evaluate(trials, 1);
  const promoted = book.inForce(false)[0]!;
  expect([promoted.stage, promoted.share]).toEqual(['promoted', 0.95]);
  fc.assert(
    fc.property(fc.string(), (unit) => {
      const arm = ({ name, share }: typeof canary) => assignArm({ experiment: name, unit, share });
      expect(arm(canary) === 'control' || arm(promoted) === 'candidate').toBe(true);
    }),
  );
});
