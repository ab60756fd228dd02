import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { mergeStates } from '../merge-states.ts';
import { createEffectModel, type EffectVerdict } from './effect-model.ts';

const verdicts: fc.Arbitrary<readonly EffectVerdict[]> = fc.array(
  fc.record({ tool: fc.constantFrom('x', 'y'), effect: fc.constantFrom('read', 'write', 'unknown'), atMs: fc.nat(50) }),
);
const ask = { name: 'frobnicate' };

function learn(seen: readonly EffectVerdict[], options = {}) {
  const model = createEffectModel(options);
  for (const verdict of seen) model.observe(verdict);
  return model;
}

test("an operator's latest word counts for more than what a server says, until it is taken back", () => {
  const model = learn([{ tool: 'x', effect: 'read', atMs: 1 }]);
  expect(model.effectOf('x', { name: 'delete_all' })).toEqual({ effect: 'read', confidence: 1, reasons: ["an operator's word"] });
  expect(model.effectOf('y', { name: 'delete_all' }).effect).toBe('write');
  model.observe({ tool: 'x', effect: 'write', atMs: 0 });
  expect(model.effectOf('x', ask).effect).toBe('read');
  model.observe({ tool: 'x', effect: 'unknown', atMs: 2 });
  expect(model.effectOf('x', { name: 'delete_all' }).effect).toBe('write');
});

test('a saved model answers alike after it is loaded, and the later of two words wins a merge', () => {
  fc.assert(
    fc.property(verdicts, verdicts, (one, other) => {
      const [a, b] = [learn(one), learn(other.map((verdict) => ({ ...verdict, atMs: verdict.atMs + 100 })))];
      const [loaded, merged] = [createEffectModel(), createEffectModel()];
      loaded.load(a.save());
      merged.load(mergeStates(a.tables, { base: new Map(), a: a.save(), b: b.save() }));
      for (const tool of ['x', 'y']) {
        expect(loaded.effectOf(tool, ask)).toEqual(a.effectOf(tool, ask));
        const later = other.some((verdict) => verdict.tool === tool) ? b : a;
        expect(merged.effectOf(tool, ask)).toEqual(later.effectOf(tool, ask));
      }
    }),
  );
});

test('memory is bounded, and the oldest words go first', () => {
  const model = learn(
    Array.from({ length: 100 }, (_, atMs): EffectVerdict => ({ tool: `t${atMs}`, effect: 'read', atMs })),
    { maxTools: 10 },
  );
  expect([...model.save().get('verdicts')!.keys()]).toEqual(Array.from({ length: 10 }, (_, index) => `t${90 + index}`));
});
