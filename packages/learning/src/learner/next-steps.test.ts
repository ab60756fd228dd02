import { expect, test } from 'vitest';
import { createCall } from '../testing/create-call.ts';
import { createNextSteps } from './next-steps.ts';

const call = (session: string, sequence: number, tool: string) =>
  createCall({ session, sequence, tool, upstream: 'files', atMs: sequence, ending: 'ok' });

test('of each session that has called, what follows its last call is told once', () => {
  const steps = createNextSteps();
  let sequence = 0;
  for (let round = 0; round < 20; round++) for (const tool of ['open', 'read']) steps.observe(call(`s${round}`, ++sequence, tool));
  steps.takeTold();
  steps.observe(call('x', ++sequence, 'list'));
  steps.observe(call('x', ++sequence, 'open'));
  steps.observe(call('y', ++sequence, 'move'));
  const [x, y, ...more] = steps.takeTold();
  expect(x).toMatchObject({ session: 'x', sequence: 42, after: { upstream: 'files', tool: 'open' } });
  expect(x!.tools.map(({ tool }) => tool)).toEqual(['read']);
  expect(y).toMatchObject({ session: 'y', sequence: 43, after: { tool: 'move' }, tools: [] });
  expect([more, steps.takeTold()]).toEqual([[], []]);
});

test('a call that was refused or given up is no step', () => {
  const steps = createNextSteps();
  for (const ending of ['refused', 'cancelled'] as const) steps.observe({ ...call('x', 1, 'open'), ending });
  expect(steps.takeTold()).toEqual([]);
  expect(steps.save().get('followers')?.size).toBe(0);
});

test('a burst of sessions is told of in part, the newest', () => {
  const steps = createNextSteps();
  for (let sequence = 1; sequence <= 250; sequence++) steps.observe(call(String(sequence), sequence, 'open'));
  const told = steps.takeTold().map(({ session }) => Number(session));
  expect([told.length, told[0], told.at(-1)]).toEqual([200, 51, 250]);
});
