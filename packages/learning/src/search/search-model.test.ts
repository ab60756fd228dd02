import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mergeStates } from '../merge-states.ts';
import type { ModelState } from '../model.ts';
import { readNeed } from './read-need.ts';
import type { StaticTool } from './rank-learned.ts';
import type { SearchFeedback } from './search-feedback.ts';
import { createSearchModel } from './search-model.ts';

const KEYS = Array.from({ length: 30 }, (_, index) => `server${index % 3}\0tool${index}`);
const NEEDS = ['book a flight to rome', 'send a mail to my boss', 'what is the weather like', 'convert euros to dollars', 'play some jazz'];
const staticRanking: readonly StaticTool[] = KEYS.map((key, index) => ({ key, score: 0.9 - index / 50 }));

const feedback = (need: string, chosen: string | undefined, more: Partial<SearchFeedback> = {}): SearchFeedback => ({
  tenant: '',
  principal: 'somebody',
  session: '',
  need: readNeed(need),
  shown: staticRanking.slice(0, 10).map(({ key }, index) => ({ key, staticRank: index + 1 })),
  chosen,
  outcome: chosen === undefined ? 'abandoned' : 'succeeded',
  ...more,
});
const anyFeedback = fc.record({
  tenant: fc.constantFrom('', 'other'),
  principal: fc.constantFrom('a', 'b', 'c'),
  session: fc.constantFrom('', 's', 't'),
  need: fc.constantFrom(...NEEDS).map(readNeed),
  shown: fc
    .shuffledSubarray(KEYS, { minLength: 1, maxLength: 12 })
    .map((keys) => keys.map((key, index) => ({ key, staticRank: index % 4 }))),
  chosen: fc.option(fc.constantFrom(...KEYS), { nil: undefined }),
  outcome: fc.constantFrom('succeeded' as const, 'repaired' as const, 'abandoned' as const, 'repeated' as const),
});

function learnt(events: readonly SearchFeedback[], model = createSearchModel()) {
  for (const event of events) model.observe(event);
  return model;
}
const rank = (model: ReturnType<typeof createSearchModel>, need: string, tenant = '', limit = 10) =>
  model.rank({ tenant, needs: [readNeed(need)], staticRanking, limit, mayShow: (key) => KEYS.includes(key) });
const keysFor = (...asked: Parameters<typeof rank>) => rank(...asked).map(({ key }) => key);
const staticKeys = KEYS.slice(0, 10);

test('what knows nothing ranks as the static ranking does', () => {
  expect(keysFor(createSearchModel(), NEEDS[0]!)).toEqual(staticKeys);
});

test('a tool that is chosen for a need again and again comes to the top for it, and says why', () => {
  const model = learnt(Array.from({ length: 60 }, (_, index) => feedback(NEEDS[index % 5]!, KEYS[5 + (index % 5)])));
  for (const [index, need] of NEEDS.entries()) {
    const [best] = rank(model, need);
    expect(best).toMatchObject({ key: KEYS[5 + index], staticRank: 6 + index, why: { chosen: 12, of: 60 } });
    expect(best!.why.learnedShare).toBeGreaterThan(0.5);
  }
  expect(keysFor(model, 'something else entirely')).toEqual(staticKeys);
});

test('one choice that goes against all others counts for less than the first one did', () => {
  const weightOf = (model: ReturnType<typeof createSearchModel>, tool: string) =>
    Math.max(...[...model.save().get('links')!].filter(([key]) => key.endsWith(tool)).map(([, [, weight]]) => weight!));
  const odd = feedback(NEEDS[0]!, KEYS[7]);
  const usual = Array.from({ length: 20 }, (_, turn) => feedback(NEEDS[0]!, KEYS[2], { principal: `caller ${turn}` }));
  const [first, late] = [weightOf(learnt([odd]), KEYS[7]!), weightOf(learnt([...usual, odd]), KEYS[7]!)];
  expect(late).toBeLessThan(0.5 * first);
});

test('a tool that was asked for by name stays first', () => {
  const model = learnt(Array.from({ length: 60 }, () => feedback(NEEDS[0]!, KEYS[5])));
  const named = [{ key: KEYS[20]!, score: 1 }, ...staticRanking.filter(({ key }) => key !== KEYS[20])];
  expect(model.rank({ tenant: '', needs: [readNeed(NEEDS[0]!)], staticRanking: named, limit: 5 })[0]!.key).toBe(KEYS[20]);
});

test('no tenant sees what another one taught', () => {
  const model = learnt(Array.from({ length: 60 }, () => feedback(NEEDS[0]!, KEYS[7], { tenant: 'canary' })));
  expect(keysFor(model, NEEDS[0]!, 'canary')[0]).toBe(KEYS[7]);
  expect(rank(model, NEEDS[0]!, 'other')).toEqual(rank(createSearchModel(), NEEDS[0]!, 'other'));
});

test('whatever was learned, no list is short, none has a tool twice, and some of the static ranking is in each', () => {
  fc.assert(
    fc.property(
      fc.array(anyFeedback, { maxLength: 80 }),
      fc.constantFrom(...NEEDS),
      fc.integer({ min: 1, max: 20 }),
      (events, need, limit) => {
        const keys = keysFor(learnt(events), need, '', limit);
        expect(keys).toHaveLength(limit);
        expect(new Set(keys).size).toBe(limit);
        expect(keys.filter((key) => KEYS.indexOf(key) < limit).length).toBeGreaterThanOrEqual(Math.ceil(0.3 * limit));
      },
    ),
  );
});

test('a tool that the caller may not see is not shown', () => {
  const model = learnt(
    Array.from({ length: 40 }, () => feedback(NEEDS[0]!, 'secret\0tool', { shown: [{ key: 'secret\0tool', staticRank: 1 }] })),
  );
  const asking = { tenant: '', needs: [readNeed(NEEDS[0]!)], staticRanking, limit: 10 };
  expect(model.rank({ ...asking, mayShow: () => true }).map(({ key }) => key)).toContain('secret\0tool');
  expect(model.rank(asking).map(({ key }) => key)).not.toContain('secret\0tool');
});

test('saving and loading leaves every ranking as it was, bit for bit', () => {
  fc.assert(
    fc.property(fc.array(anyFeedback, { maxLength: 60 }), (events) => {
      const model = learnt(events);
      const again = createSearchModel();
      again.load(model.save());
      for (const tenant of ['', 'other']) for (const need of NEEDS) expect(rank(again, need, tenant)).toEqual(rank(model, need, tenant));
      expect(again.save()).toEqual(model.save());
    }),
  );
});

test('what is counted of two halves, merged, is what is counted of the whole', () => {
  fc.assert(
    fc.property(fc.array(anyFeedback, { maxLength: 12 }), fc.array(anyFeedback, { maxLength: 12 }), (one, other) => {
      const tables = createSearchModel().tables;
      const merged = mergeStates(tables, { base: createSearchModel().save(), a: learnt(one).save(), b: learnt(other).save() });
      const unbound = (events: readonly SearchFeedback[]) =>
        events.map((event, index) => ({ ...event, principal: `p${index}`, session: '' }));
      // Callers' shares depend on what came before, so only events that all count are compared.
      const whole = learnt(unbound([...one, ...other])).save();
      const halves = mergeStates(tables, { base: new Map(), a: learnt(unbound(one)).save(), b: learnt(unbound(other)).save() });
      const counted = (state: ModelState, table: string) => new Map([...state.get(table)!].filter(([, [count]]) => count! > 0));
      for (const table of ['tools', 'features']) expect(counted(halves, table)).toEqual(counted(whole, table));
      const again = createSearchModel();
      again.load(merged);
      expect(keysFor(again, NEEDS[0]!)).toHaveLength(10);
    }),
  );
});

test('memory is bounded: what was seen least is forgotten', () => {
  const model = createSearchModel({ maxLinks: 2_000 });
  for (let index = 0; index < 2_000; index++) {
    const need = index % 2 === 0 ? NEEDS[0]! : `word${index} other${index} third${index}`;
    model.observe(feedback(need, KEYS[index % 10], { principal: `p${index % 50}`, tenant: '' }));
  }
  expect(model.save().get('links')!.size).toBeLessThanOrEqual(2_100);
  const known = new Set(model.save().get('features')!.keys());
  for (const feature of readNeed(NEEDS[0]!)) expect(known).toContain(`\0${feature.toString(36)}`);
});

test('one caller among many cannot push a tool, however often they vote', () => {
  const honest = Array.from({ length: 400 }, (_, index) => feedback(NEEDS[index % 5]!, KEYS[index % 5], { principal: `p${index % 20}` }));
  const hostile = Array.from({ length: 400 }, (_, index) => feedback(NEEDS[index % 5]!, KEYS[9], { principal: 'hostile' }));
  const model = learnt(honest.flatMap((event, index) => [event, hostile[index]!]));
  for (const [index, need] of NEEDS.entries()) expect(keysFor(model, need)[0]).toBe(KEYS[index]);
  expect(model.save().get('tools')!.get(`\0${KEYS[9]}`)![0]).toBeLessThan(12);
});

test('one conversation that goes round in circles counts a few times only', () => {
  const model = learnt(Array.from({ length: 100 }, () => feedback(NEEDS[0]!, KEYS[3], { session: 'loop' })));
  expect(model.save().get('tools')!.get(`\0${KEYS[3]}`)![0]).toBeLessThan(10);
});

test('feedback that fits nothing is taken without failing', () => {
  const model = createSearchModel();
  model.observe(feedback('', KEYS[0]));
  model.observe(feedback(NEEDS[0]!, 'never shown'));
  model.observe(feedback(NEEDS[0]!, KEYS[0], { shown: [] }));
  model.observe(feedback(NEEDS[0]!, KEYS[0], { tenant: 'a\0b', principal: 'x\0y', session: '\0' }));
  model.observe(feedback(NEEDS[0]!, KEYS[0], { need: [Number.NaN, -1, 2 ** 40, 1.5] }));
  const again = createSearchModel();
  again.load(model.save());
  expect(again.save()).toEqual(model.save());
});
