import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createNextToolModel, type StepEvent } from './next-tool.ts';

const step = (session: string, tool: string, more: Partial<StepEvent> = {}): StepEvent => ({
  session,
  atMs: 0,
  upstream: 'files',
  tool,
  isOk: true,
  need: [],
  ...more,
});
const bestOf = (model: ReturnType<typeof createNextToolModel>, session: string, need: readonly number[] = []) =>
  model.predict(session, { limit: 1, need })[0]?.tool;

test('what came after the same calls before is told, the longer the same the surer', () => {
  const model = createNextToolModel();
  for (let round = 0; round < 20; round++) {
    for (const tool of ['open', 'read', 'close']) model.observe(step(`a${round}`, tool));
    for (const tool of ['find', 'read', 'print']) model.observe(step(`b${round}`, tool));
  }
  for (const [session, first] of [
    ['x', 'open'],
    ['y', 'find'],
  ] as const) {
    model.observe(step(session, first));
    expect(bestOf(model, session)).toBe('read');
    model.observe(step(session, 'read'));
  }
  expect([bestOf(model, 'x'), bestOf(model, 'y')]).toEqual(['close', 'print']);
  const shares = model.predict('x', { limit: 99 }).map(({ share }) => share);
  expect(shares.reduce((sum, share) => sum + share, 0)).toBeLessThan(1.000_001);
  expect(shares).toEqual(shares.toSorted((a, b) => b - a));
});

test('what a session is about tells its first call', () => {
  const model = createNextToolModel();
  for (let round = 0; round < 30; round++) {
    model.observe(step(`a${round}`, 'weather', { need: [1, 2] }));
    model.observe(step(`b${round}`, 'mail', { need: [3, 4] }));
  }
  expect([bestOf(model, 'new', [1, 2]), bestOf(model, 'new', [3, 4])]).toEqual(['weather', 'mail']);
});

test('loading what was saved changes nothing that is told, also of what comes later', () => {
  const events = fc.array(
    fc
      .record({
        session: fc.constantFrom('x', 'y', 'z'),
        tool: fc.constantFrom('a', 'b', 'c', 'd'),
        isOk: fc.boolean(),
        need: fc.subarray([1, 2, 3]),
      })
      .map(({ session, tool, isOk, need }) => step(session, tool, { isOk, need })),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(events, events, (before, after) => {
      const model = createNextToolModel();
      for (const event of before) model.observe(event);
      const copy = createNextToolModel();
      copy.load(model.save());
      for (const event of after) for (const each of [model, copy]) each.observe(event);
      for (const session of ['x', 'y', 'z', 'w'])
        expect(copy.predict(session, { limit: 9, need: [1, 3] })).toEqual(model.predict(session, { limit: 9, need: [1, 3] }));
    }),
    { numRuns: 50 },
  );
});

test('how often it was right is counted before it learns, without the first call of a session, and kept', () => {
  const model = createNextToolModel();
  for (let round = 0; round < 20; round++) for (const tool of ['open', 'read']) model.observe(step(`a${round}`, tool));
  const { told, first, amongThree, sure, sureRight } = model.counts;
  expect([told, first, amongThree, sure, sureRight]).toEqual([20, 19, 19, 17, 17]);
  model.observe(step('b', 'open'));
  model.observe(step('b', 'open'));
  expect(model.counts).toMatchObject({ told: 21, first, sure: sure + 1, sureRight });
  const copy = createNextToolModel();
  copy.load(model.save());
  expect(copy.counts).toEqual(model.counts);
});

test('beyond 2,000 calls one in four is told, whatever the rhythm', () => {
  const model = createNextToolModel();
  const told = { odd: 0, even: 0 };
  for (let call = 0; call < 6_000; call++) {
    const before = model.counts.told;
    model.observe(step('a', call % 2 === 0 ? 'open' : 'read', { atMs: call * 20 }));
    if (call >= 2_000 && model.counts.told > before) told[call % 2 === 0 ? 'even' : 'odd']++;
  }
  expect([Math.round(told.even / 100), Math.round(told.odd / 100)]).toEqual([5, 5]);
});

test('a session that paused for more than an hour begins anew', () => {
  const model = createNextToolModel();
  model.observe(step('a', 'open'));
  model.observe(step('a', 'read', { atMs: 3_600_001 }));
  expect(model.counts.told).toBe(0);
});

test('the upstream that most sessions go on to is known by the tool they leave, once enough have', () => {
  const model = createNextToolModel();
  const run = (round: number, then: string) => {
    model.observe(step(`a${round}`, 'open'));
    model.observe(step(`a${round}`, 'find', { upstream: then }));
    model.observe(step(`a${round}`, 'show', { upstream: then }));
  };
  for (let round = 0; round < 4; round++) run(round, 'web');
  expect([...model.upstreamsAfter()]).toEqual([]);
  for (let round = 4; round < 8; round++) run(round, 'web');
  expect([...model.upstreamsAfter()]).toEqual([['files\0open', 'web']]);
  const copy = createNextToolModel();
  copy.load(model.save());
  expect(copy.upstreamsAfter()).toEqual(model.upstreamsAfter());
  for (let round = 8; round < 14; round++) run(round, 'mail');
  expect([...model.upstreamsAfter()]).toEqual([]);
});
