import type { ExperimentRequest } from '@signalbox/control-plane';
import type { ExperimentReading } from '@signalbox/learning';
import { expect, test } from 'vitest';
import { createExperimentsPart } from './experiments-part.ts';

const REQUEST: ExperimentRequest = {
  name: 'text',
  kind: 'description',
  goal: 'success',
  upstream: 'files',
  tool: 'read',
  description: 'Reads a file',
  share: 0.1,
  alpha: 0.05,
  horizon: 2_000,
  minStageSeconds: 60,
  guards: [{ metric: 'failed', margin: 0.05 }],
};
const READING: ExperimentReading = {
  spec: {
    name: 'text',
    candidate: { kind: 'description', upstream: 'files', tool: 'read', description: 'Reads a file' },
    share: 0.1,
    alpha: 0.05,
    horizon: 2_000,
    minStageMs: 60_000,
    guards: [{ metric: 'failed', margin: 0.05 }],
  },
  startedAtMs: 5,
  rollout: { version: 1, stage: 'canary', sinceMs: 5, isFrozen: false, share: 0.1, steps: [] },
  sessions: { control: 1, candidate: 0 },
  isBalanced: true,
  metrics: [
    {
      metric: 'success',
      role: 'goal',
      better: 'more',
      margin: undefined,
      difference: 0,
      low: -Infinity,
      high: Infinity,
      verdict: 'undecided',
      control: { sessions: 1, mean: 1 },
      candidate: { sessions: 0, mean: undefined },
    },
  ],
};

function create({ isSearchAdvised = true } = {}) {
  const asked: unknown[] = [];
  const ask = async <Value>(name: string, argument?: unknown): Promise<Value> => {
    asked.push([name, argument]);
    return { hasChanged: true, experiment: READING } as Value;
  };
  const toolsOf = (upstream: string) => (upstream === 'files' ? [{ name: 'read', inputSchema: { type: 'object' } }] : undefined);
  return {
    asked,
    part: createExperimentsPart({ thread: { ask }, toolsOf, versionOf: () => ({ version: 'v1', effect: 'unknown' }), isSearchAdvised }),
  };
}

test('what is asked for is what the thread is asked, and what is not known yet is left out', async () => {
  const { asked, part } = create();
  const { experiment } = await part.start(REQUEST);
  expect(asked).toEqual([['startExperiment', READING.spec]]);
  expect(experiment).toMatchObject({ ...REQUEST, stage: 'canary', shareInForce: 0.1 });
  expect(experiment.metrics[0]).toEqual({
    metric: 'success',
    role: 'goal',
    better: 'more',
    difference: 0,
    verdict: 'undecided',
    control: { sessions: 1, mean: 1 },
    candidate: { sessions: 0 },
  });
});

test.each([
  [{ upstream: 'none' }, 'There is no server "none" whose tools are known'],
  [{ tool: 'write' }, 'The server "files" has no tool "write"'],
])('a description of what is not there is refused: %j', async (more, said) => {
  const { asked, part } = create();
  await expect(part.start({ ...REQUEST, ...more })).rejects.toThrow(said);
  expect(asked).toEqual([]);
});

test('where search goes without advice nothing can be tried', async () => {
  const { part } = create({ isSearchAdvised: false });
  await expect(part.start(REQUEST)).rejects.toThrow('while "learning.search" is false');
});

test('a goal other than the usual one is part of what is tried, and only then', async () => {
  const { asked, part } = create();
  await part.start({ ...REQUEST, goal: 'failed', guards: [] });
  expect(asked).toEqual([['startExperiment', { ...READING.spec, goal: 'failed', guards: [] }]]);
});
