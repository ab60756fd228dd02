import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CallInteraction } from '../interaction.ts';
import { mergeStates } from '../merge-states.ts';
import { createCall } from '../testing/create-call.ts';
import { createToolUsage } from './tool-usage.ts';

const DAY_MS = 86_400_000;

function learn(calls: readonly Partial<CallInteraction>[]) {
  const model = createToolUsage();
  for (const call of calls) model.observe(createCall(call));
  return model;
}
const times = (count: number, call: Partial<CallInteraction>) =>
  Array.from({ length: count }, (_, index) => ({ session: `s${index}`, ending: 'ok' as const, ...call }));

test('calls count for half after a week, and not at all after four', () => {
  const model = learn([
    ...times(8, { tool: 'old', atMs: 0 }),
    ...times(8, { tool: 'older', atMs: 10 * DAY_MS }),
    ...times(8, { tool: 'new', atMs: 17 * DAY_MS }),
    ...times(1, { tool: 'newest', atMs: 28 * DAY_MS }),
  ]);
  expect(model.used(10).map(({ tool }) => tool)).toEqual(['new', 'older', 'newest']);
  const [first, second] = learn([...times(8, { tool: 'one', atMs: 0 }), ...times(8, { tool: 'two', atMs: 7 * DAY_MS })]).used(2);
  expect([first!.weight, second!.weight]).toEqual([8, 4]);
});

test('one session counts a few times a day, and what failed not at all', () => {
  const one = times(500, { tool: 'pushed', session: 'one' });
  const [pushed, ...others] = learn([...one, ...times(3, { tool: 'failing', ending: 'toolError' })]).used(10);
  expect(pushed!.weight).toBe(10);
  expect(others).toEqual([]);
});

test('what is kept predicts the same, and halves of different sessions add up', () => {
  const call = fc.record({ tool: fc.constantFrom('a', 'b', 'c'), atMs: fc.nat(20 * DAY_MS) });
  fc.assert(
    fc.property(fc.array(call, { maxLength: 60 }), (calls) => {
      const all = calls
        .toSorted((one, other) => one.atMs - other.atMs)
        .map((each, index) => ({ ...each, session: `s${index}`, ending: 'ok' as const }));
      const whole = learn(all);
      const again = createToolUsage();
      again.load(whole.save());
      expect(again.used(10)).toEqual(whole.used(10));
      const merged = createToolUsage();
      const [left, right] = [0, 1].map((half) => learn(all.filter((_, index) => index % 2 === half)).save());
      merged.load(mergeStates(merged.tables, { base: createToolUsage().save(), a: left!, b: right! }));
      expect(merged.used(10)).toEqual(whole.used(10));
    }),
  );
});
