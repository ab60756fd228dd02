import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { mergeStates } from '../merge-states.ts';
import { createSimilarityModel, type ComparedCalls } from './similarity-model.ts';
import { lowerBound, upperBound } from './wrong-bound.ts';

const spelling = { kind: 'spelling', detail: 'd1' };
const omitted = (detail: string) => ({ kind: 'omitted string', detail });

test('what means the same in most tools is served from the first, and no longer in a tool where it failed', () => {
  const model = createSimilarityModel();
  expect(model.judge({ tool: 'x', difference: spelling, maxWrong: 0.02 })).toMatchObject({ isServed: true, reason: 'kind of edit' });
  model.observe({ tool: 'x', difference: { kind: 'spelling', detail: 'd2' }, isSame: false });
  expect(model.judge({ tool: 'x', difference: spelling, maxWrong: 0.02 }).isServed).toBe(false);
  expect(model.judge({ tool: 'y', difference: spelling, maxWrong: 0.02 }).isServed).toBe(true);
  for (let failure = 0; failure < 5; failure++) model.observe({ tool: `z${failure}`, difference: spelling, isSame: false });
  expect(model.judge({ tool: 'y', difference: spelling, maxWrong: 0.02 }).isServed).toBe(false);
});

test('hits are all checked until the tool has shown enough by itself, and in the end one in fifty', () => {
  const model = createSimilarityModel();
  const question = { tool: 'x', difference: spelling, maxWrong: 0.02 };
  expect(model.judge(question).checkShare).toBe(1);
  const observe = (count: number) => {
    for (let seen = 0; seen < count; seen++) model.observe({ ...question, isSame: true });
  };
  observe(100);
  expect(model.judge(question).checkShare).toBe(1);
  expect(upperBound({ failures: 0, trials: 100 })).toBeLessThan(0.02);
  observe(100);
  expect(model.judge(question).checkShare).toBeCloseTo(Math.exp(-1));
  observe(2_000);
  expect(model.judge(question).checkShare).toBe(0.02);
  expect(model.judge({ ...question, difference: omitted('d') }).checkShare).toBe(0);
});

test('what holds in other tools is checked in each from the first', () => {
  const model = createSimilarityModel();
  for (let seen = 0; seen < 2_000; seen++) model.observe({ tool: 'x', difference: { kind: 'spelling', detail: `d${seen}` }, isSame: true });
  expect(model.judge({ tool: 'y', difference: spelling, maxWrong: 0.02 })).toMatchObject({ isServed: true, checkShare: 1 });
});

test('what a tool has shown itself outweighs failures in others', () => {
  const model = createSimilarityModel();
  const observe = (tool: string, detail: string, isSame: boolean) =>
    model.observe({ tool, difference: { kind: 'spelling', detail }, isSame });
  for (let seen = 0; seen < 300; seen++) observe(`z${seen}`, `d${seen}`, false);
  const question = { tool: 'x', difference: spelling, maxWrong: 0.02 };
  for (let seen = 0; seen < 90; seen++) observe('x', `d${seen + 1_000}`, true);
  expect(model.judge(question).isServed).toBe(false);
  for (let seen = 0; seen < 20; seen++) observe('x', `d${seen + 2_000}`, true);
  expect(model.judge(question)).toMatchObject({ isServed: true, reason: 'kind of edit' });
});

test('nothing is taken for granted where the operator says so', () => {
  const model = createSimilarityModel({ taken: new Map() });
  expect(model.judge({ tool: 'x', difference: spelling, maxWrong: 0.05 }).isServed).toBe(false);
});

test('a kind that begins with nothing is served once the bound is below what the operator allows', () => {
  const model = createSimilarityModel();
  let needed = 0;
  while (!model.judge({ tool: 'x', difference: omitted('new'), maxWrong: 0.02 }).isServed) {
    model.observe({ tool: `t${needed % 7}`, difference: omitted(`d${needed}`), isSame: true });
    needed++;
  }
  expect(needed).toBeGreaterThan(90);
  expect(needed).toBeLessThan(110);
});

test('the same edit in the same place of the same tool is served after it agreed, and never after it did not', () => {
  const model = createSimilarityModel();
  const question = { tool: 'x', difference: omitted('unit=c'), maxWrong: 0.02 };
  expect(model.judge(question).reason).toBe('too little evidence');
  model.observe({ ...question, isSame: true });
  expect(model.judge(question)).toMatchObject({ isServed: true, reason: 'same edit was the same before' });
  expect(model.judge({ ...question, tool: 'y' }).isServed).toBe(false);
  model.observe({ ...question, isSame: false });
  expect(model.judge(question)).toMatchObject({ isServed: false, reason: 'differed before' });
});

test('of several edits the least sure one is blamed, and all must be sure', () => {
  const model = createSimilarityModel();
  const both = { kind: 'omitted string+spelling', detail: 'd' };
  expect(model.judge({ tool: 'x', difference: both, maxWrong: 0.02 }).isServed).toBe(false);
  model.observe({ tool: 'x', difference: both, isSame: false });
  expect(model.judge({ tool: 'x', difference: spelling, maxWrong: 0.02 }).isServed).toBe(true);
});

test('what cannot be compared is never served and teaches nothing', () => {
  const model = createSimilarityModel();
  const difference = { kind: undefined, detail: '' };
  model.observe({ tool: 'x', difference, isSame: true });
  expect(model.judge({ tool: 'x', difference, maxWrong: 1 }).isServed).toBe(false);
  expect([...model.save().values()].every((table) => table.size === 0)).toBe(true);
});

test('the share of wrong answers stays below the bound in worlds whose kinds fail at random', () => {
  let seed = 7;
  const random = () => ((seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0), seed / 2 ** 32);
  let broken = 0;
  for (let world = 0; world < 16; world++) {
    const model = createSimilarityModel({ taken: new Map() });
    const rates = [0, 0.005, 0.05, 0.3];
    let [hits, wrong] = [0, 0];
    for (let step = 0; step < 3_000; step++) {
      const kind = Math.floor(random() * rates.length);
      const isSame = random() >= rates[kind]!;
      const difference = { kind: `k${kind}`, detail: `${step}` };
      const { isServed } = model.judge({ tool: `t${step % 50}`, difference, maxWrong: 0.02 });
      if (isServed) [hits, wrong] = [hits + 1, wrong + (isSame ? 0 : 1)];
      if (!isServed || random() < 0.05) model.observe({ tool: `t${step % 50}`, difference, isSame });
    }
    expect(hits).toBeGreaterThan(300);
    if (wrong / hits > 0.02) broken++;
  }
  expect(broken).toBeLessThanOrEqual(1);
});

const compared: fc.Arbitrary<ComparedCalls> = fc.record({
  tool: fc.constantFrom('x', 'y'),
  difference: fc.record({
    kind: fc.constantFrom('', 'spelling', 'omitted string', 'omitted false', 'order'),
    detail: fc.constantFrom('1', '2'),
  }),
  isSame: fc.boolean(),
});
const questions = ['x', 'y'].flatMap((tool) =>
  ['', 'spelling', 'omitted string', 'order+spelling'].map((kind) => ({ tool, difference: { kind, detail: '1' }, maxWrong: 0.02 })),
);

test('a saved model answers alike after it is loaded', () => {
  fc.assert(
    fc.property(fc.array(compared), (seen) => {
      const model = createSimilarityModel();
      for (const event of seen) model.observe(event);
      const other = createSimilarityModel();
      other.load(model.save());
      for (const question of questions) expect(other.judge(question)).toEqual(model.judge(question));
    }),
  );
});

test('two halves merged hold the comparisons of both', () => {
  const known = fc.array(compared.filter(({ difference }) => !difference.kind!.includes('+')));
  fc.assert(
    fc.property(known, known, (one, other) => {
      const learned = (seen: readonly ComparedCalls[]) => {
        const model = createSimilarityModel();
        for (const event of seen) model.observe(event);
        return model;
      };
      const [a, b] = [learned(one), learned(other)];
      const whole = learned([...one, ...other]).save();
      const merged = mergeStates(a.tables, { base: new Map(), a: a.save(), b: b.save() });
      expect(new Map([...merged.get('details')!].toSorted())).toEqual(new Map([...whole.get('details')!].toSorted()));
      // Whether an edit was a repeated one is seen from one half only; everything else is exact.
      const own = [...merged.get('kinds')!].filter(([kind]) => kind !== 'repeated');
      for (const [kind, row] of own) expect(row).toEqual(whole.get('kinds')!.get(kind));
    }),
  );
});

test('memory is bounded, and what has most evidence stays', () => {
  const model = createSimilarityModel({ maxDetails: 100, maxTools: 100 });
  for (let times = 0; times < 5; times++) model.observe({ tool: 'kept', difference: omitted('kept'), isSame: true });
  for (let step = 0; step < 1_000; step++) model.observe({ tool: `t${step}`, difference: omitted(`d${step}`), isSame: true });
  const saved = model.save();
  expect(saved.get('details')!.size).toBeLessThanOrEqual(100);
  expect(saved.get('details')!.get('kept|kept')).toEqual([5, 0]);
});

test('the bound is one with nothing seen, falls with agreement and rises with failures', () => {
  expect(upperBound({ failures: 0, trials: 0 })).toBe(1);
  expect(upperBound({ failures: 0, trials: 100 })).toBeCloseTo(0.0193, 3);
  expect(upperBound({ failures: 1, trials: 100 })).toBeGreaterThan(upperBound({ failures: 0, trials: 100 }));
  expect(lowerBound({ failures: 0, trials: 100 })).toBe(0);
  expect(lowerBound({ failures: 5, trials: 20 })).toBeCloseTo(0.11, 2);
  expect(upperBound({ failures: 0, trials: 100 }, 0.99)).toBeGreaterThan(upperBound({ failures: 0, trials: 100 }));
});
