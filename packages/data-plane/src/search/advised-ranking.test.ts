import fc from 'fast-check';
import { expect, test } from 'vitest';
import { silentLogger, systemClock, type Advice, type AdvisedTool, type Logger, type RankAsking, type Target } from '@signalbox/core';
import { createAdviceGuard } from '../advice-guard.ts';
import { createAdvisedRanker } from './advised-ranking.ts';
import { createToolRanker } from './rank-tools.ts';

const NAMES = ['create_issue', 'close_issue', 'list_issues', 'send_mail', 'read_mail', 'get_forecast', 'find_route', 'pay_bill'];
const tools: ReadonlyMap<string, Target> = new Map(
  NAMES.map((name, index) => {
    const inputSchema = { type: 'object' };
    return [name, { upstream: `s${index % 2}`, name, definition: { name, description: `Can ${name.replace('_', ' ')}`, inputSchema } }];
  }),
);

function createRanker(rank: (asking: RankAsking) => readonly AdvisedTool[] | undefined, logger: Logger = silentLogger) {
  const advice: { current: Advice | undefined } = { current: { version: 7, rank } };
  const guard = createAdviceGuard(advice, { clock: systemClock, logger });
  return { advice, rank: createAdvisedRanker({ tools, rank: createToolRanker(tools), guard }) };
}

const namesOf = ({ results }: ReturnType<ReturnType<typeof createAdvisedRanker>>) => results[0]!.matches.map(({ name }) => name);
const of = (...names: string[]) => names.map((name) => ({ upstream: tools.get(name)!.upstream, tool: name }));

test('without advice the ranking is the static one', () => {
  const guard = createAdviceGuard(undefined, { clock: systemClock, logger: silentLogger });
  const rank = createToolRanker(tools);
  const advised = createAdvisedRanker({ tools, rank, guard })(['mail for an issue', 'forecast'], { limit: 3 });
  expect(advised.adviceVersion).toBe(0);
  expect(advised.results.map(({ matches }) => matches)).toEqual(rank(['mail for an issue', 'forecast'], 3));
});

test('advice moves tools up, also ones that words do not find, with its reason, and scores stay an order', () => {
  const { rank } = createRanker(() => [{ ...of('pay_bill')[0]!, why: 'chosen 9 of 9 times' }, ...of('read_mail')]);
  const answer = rank(['forecast'], { limit: 3 });
  expect(answer.adviceVersion).toBe(7);
  const [best] = answer.results[0]!.matches;
  expect(best).toMatchObject({ name: 'pay_bill', why: 'chosen 9 of 9 times' });
  expect(answer.results[0]!.shown[0]).toEqual({ upstream: 's1', tool: 'pay_bill', staticRank: 0, propensity: 1 });
  const scores = answer.results[0]!.matches.map(({ score }) => score);
  expect(scores).toEqual(scores.toSorted((a, b) => b - a));
});

test('a tool that is asked for by its name comes first, whatever advice says', () => {
  const { rank } = createRanker(() => of('pay_bill', 'find_route', 'get_forecast'));
  expect(namesOf(rank(['close_issue'], { limit: 2 }))[0]).toBe('close_issue');
});

test('whatever advice says, tools are known, shown once, never fewer, and a third are the best of the static ranking', () => {
  const anything = fc.array(fc.record({ upstream: fc.constantFrom('s0', 's1', 'none'), tool: fc.constantFrom(...NAMES, 'unknown') }));
  fc.assert(
    fc.property(
      anything,
      fc.constantFrom('an issue', 'mail', 'weather forecast', 'qwertz'),
      fc.integer({ min: 1, max: 9 }),
      (said, need, limit) => {
        const ranked = createToolRanker(tools)([need], limit)[0]!.map(({ name }) => name);
        const names = namesOf(createRanker(() => said).rank([need], { limit }));
        expect(new Set(names).size).toBe(names.length);
        expect(names.every((name) => tools.has(name))).toBe(true);
        expect(names.length).toBeGreaterThanOrEqual(ranked.length);
        expect(names).toEqual(expect.arrayContaining(ranked.slice(0, Math.ceil(limit / 3))));
      },
    ),
  );
});

test('advice that throws is told of once and left aside until it changes', () => {
  const warnings: unknown[] = [];
  let asked = 0;
  const broken = () => {
    asked++;
    throw new Error('lost the thread');
  };
  const { advice, rank } = createRanker(broken, { ...silentLogger, warn: (_, fields) => void warnings.push(fields) });
  const plain = createToolRanker(tools)(['mail'], 3)[0]!.map(({ name }) => name);
  expect(namesOf(rank(['mail'], { limit: 3 }))).toEqual(plain);
  expect(rank(['mail'], { limit: 3 }).adviceVersion).toBe(0);
  expect({ asked, warnings }).toEqual({ asked: 1, warnings: [{ version: 7, reason: 'lost the thread' }] });
  advice.current = { version: 8, rank: () => of('pay_bill') };
  expect(namesOf(rank(['mail'], { limit: 3 }))).toContain('pay_bill');
});

test('advice that takes too long is not asked again', () => {
  let now = 0;
  const clock = { ...systemClock, monotonic: () => (now += 60) };
  let asked = 0;
  const advice = { current: { version: 1, rank: () => (asked++, of('pay_bill')) } };
  const guard = createAdviceGuard(advice, { clock, logger: silentLogger });
  const rank = createAdvisedRanker({ tools, rank: createToolRanker(tools), guard });
  rank(['mail'], { limit: 3 });
  rank(['mail'], { limit: 3 });
  expect(asked).toBe(1);
});

test('whatever meaning and advice say together, a third are the best by words, and a tool asked for by name is first', () => {
  const said = fc.array(fc.constantFrom(...NAMES).map((name) => of(name)[0]!));
  const meant = fc.uniqueArray(fc.constantFrom(...NAMES)).map((names) => names.map((name, index) => ({ name, score: 1 - index / 20 })));
  const words = createToolRanker(tools);
  fc.assert(
    fc.property(
      said,
      meant,
      fc.constantFrom('an issue', 'mail', 'close_issue'),
      fc.integer({ min: 1, max: 9 }),
      (said, meant, need, limit) => {
        const guard = createAdviceGuard({ current: { version: 7, rank: () => said } }, { clock: systemClock, logger: silentLogger });
        const meaning = { rank: () => meant, weight: 10 };
        const rank = createAdvisedRanker({ tools, rank: words, meaning, guard });
        const names = namesOf(rank([need], { limit, vectors: [Float32Array.of(1)] }));
        const byWords = words([need], limit)[0]!.map(({ name }) => name);
        expect(names).toEqual(expect.arrayContaining(byWords.slice(0, Math.ceil(limit / 3))));
        expect(names.length).toBeGreaterThanOrEqual(byWords.length);
        expect(new Set(names).size).toBe(names.length);
        expect([need === 'close_issue', names[0] === 'close_issue']).not.toEqual([true, false]);
      },
    ),
  );
});

test('what the caller most likely calls next rises past near ties, under its public name, and only for who is known', () => {
  const next: Advice['next'] = ({ session }) =>
    session === 'known' ? { after: of('read_mail')[0]!, tools: [{ ...of('list_issues')[0]!, share: 0.9 }] } : undefined;
  const guard = createAdviceGuard({ current: { version: 7, next } }, { clock: systemClock, logger: silentLogger });
  const rank = createAdvisedRanker({ tools, rank: createToolRanker(tools), guard });
  const caller = { principal: 'p', client: undefined, session: 'known' };
  const plain = rank(['an issue'], { limit: 3 });
  expect(namesOf(plain).indexOf('list_issues')).toBeGreaterThan(0);
  expect(plain.adviceVersion).toBe(0);
  expect(rank(['an issue'], { limit: 3, caller: { ...caller, session: 'other' } })).toEqual(plain);
  const lifted = rank(['an issue'], { limit: 3, caller });
  expect(lifted.adviceVersion).toBe(7);
  expect(lifted.results[0]!.matches[0]).toMatchObject({ name: 'list_issues', why: 'often follows read_mail' });
  expect(lifted.results[0]!.shown[0]!.staticRank).toBe(namesOf(plain).indexOf('list_issues') + 1);
  expect(namesOf(lifted).toSorted()).toEqual(namesOf(plain).toSorted());
  const onTrial = rank(['an issue'], { limit: 3, caller, trial: { isAdvised: false, share: 0.5 } });
  expect(namesOf(onTrial)).toEqual(namesOf(plain));
  expect(namesOf(rank(['close_issue'], { limit: 3, caller }))[0]).toBe('close_issue');
});
