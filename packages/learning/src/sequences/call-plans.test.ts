import { expect, test } from 'vitest';
import { mergeStates } from '../merge-states.ts';
import { createCall } from '../testing/create-call.ts';
import { createCallPlans, planAfter, type CallPlans } from './call-plans.ts';

const SEARCH = { upstream: 'shop', tool: 'search' };
const GET = { upstream: 'shop', tool: 'get' };
const LIST = { upstream: 'shop', tool: 'list' };
const FIRST = '[["id","r0:a"]]';
const SECOND = '[["id","r1:b"]]';

function teach(model: CallPlans, times: number, { after = [SEARCH], sources = FIRST as string | null, ...more } = {}): void {
  for (let time = 0; time < times; time++)
    model.observe(createCall({ ...GET, ...more, step: sources === null ? { after } : { after, sources } }));
}

test('a call is planned once it has come next often enough, with arguments from the same places', () => {
  const model = createCallPlans();
  teach(model, 4);
  expect(planAfter(model.plans(), [SEARCH])).toBeUndefined();
  teach(model, 1);
  expect(planAfter(model.plans(), [SEARCH])).toEqual({ ...GET, sources: FIRST, share: 5 / 6 });
  expect(planAfter(model.plans(), [GET])).toBeUndefined();
  expect(planAfter(model.plans(), [])).toBeUndefined();
});

test('what comes next only at times is not planned, and neither is what fails or has arguments from nowhere', () => {
  const model = createCallPlans();
  teach(model, 6);
  teach(model, 6, { sources: SECOND });
  expect(planAfter(model.plans(), [SEARCH])).toBeUndefined();
  const failing = createCallPlans();
  teach(failing, 20, { ending: 'toolError' } as object);
  expect(failing.plans().size).toBe(0);
  const other = createCallPlans();
  teach(other, 20, { sources: null });
  expect(other.plans().size).toBe(0);
});

test('what two calls say goes before what the last one says, also where they say that it is open', () => {
  const model = createCallPlans();
  teach(model, 20, { after: [GET, SEARCH], sources: SECOND });
  teach(model, 3, { after: [GET, LIST] });
  teach(model, 3, { after: [GET, LIST], sources: SECOND });
  const plans = model.plans();
  expect(planAfter(plans, [GET, SEARCH])).toMatchObject({ sources: SECOND, share: 20 / 21 });
  expect(planAfter(plans, [GET, LIST])).toBeUndefined();
  // Of what nobody knows the last one alone is asked.
  expect(planAfter(plans, [GET, GET])).toMatchObject({ sources: SECOND, share: 23 / 27 });
});

test('what has changed is planned anew once it outweighs what was', () => {
  const model = createCallPlans();
  teach(model, 10);
  const later = createCall({}).atMs + 21 * 86_400_000;
  teach(model, 10, { sources: SECOND, atMs: later } as object);
  expect(planAfter(model.plans(), [SEARCH])).toMatchObject({ sources: SECOND });
});

test('loading what was saved changes nothing, and two that saw a half each know together what one would', () => {
  const [whole, left, right] = [createCallPlans(), createCallPlans(), createCallPlans()];
  for (const model of [whole, left]) teach(model, 4);
  for (const model of [whole, right]) teach(model, 4, { after: [SEARCH, LIST] });
  const merged = mergeStates(whole.tables, { base: new Map(), a: left.save(), b: right.save() });
  expect(merged).toEqual(whole.save());
  const again = createCallPlans();
  again.load(merged);
  expect(again.plans()).toEqual(whole.plans());
  expect(planAfter(again.plans(), [SEARCH])).toMatchObject({ share: 8 / 9 });
});
