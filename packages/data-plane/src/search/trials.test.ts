import { silentLogger, systemClock, type Advice, type Target } from '@signalbox/core';
import { expect, test } from 'vitest';
import { createAdviceGuard } from '../advice-guard.ts';
import { createAdvisedRanker } from './advised-ranking.ts';
import { answerSearch } from './answer-search.ts';
import { createToolRanker } from './rank-tools.ts';
import { armsOf, limitOf, textsOf, withLimitTrial } from './trials.ts';

const NAMES = ['create_issue', 'close_issue', 'list_issues', 'send_mail', 'read_mail', 'get_forecast', 'find_route', 'pay_bill'];
const tools: ReadonlyMap<string, Target> = new Map(
  NAMES.map((name) => [name, { upstream: 's', name, definition: { name, description: `Can ${name}`, inputSchema: { type: 'object' } } }]),
);
const advice: Advice = { version: 3, rank: () => [{ upstream: 's', tool: 'pay_bill' }] };
const guard = createAdviceGuard({ current: advice }, { clock: systemClock, logger: silentLogger });
const rank = createAdvisedRanker({ tools, rank: createToolRanker(tools), guard });
const NEED = ['something about mail'];

test('an arm shows its ranking, and both places and the probability are told', () => {
  const plain = createToolRanker(tools)(NEED, 4)[0]!.map(({ name }) => name);
  const [control] = rank(NEED, { limit: 4, trial: { isAdvised: false, share: 0.1 } }).results;
  expect(control!.matches.map(({ name }) => name)).toEqual(plain);
  expect(control!.shown[0]).toMatchObject({ tool: plain[0], staticRank: 1, candidateRank: 2, propensity: 0.9 });
  const [candidate] = rank(NEED, { limit: 4, trial: { isAdvised: true, share: 0.1 } }).results;
  expect(candidate!.shown[0]).toMatchObject({ tool: 'pay_bill', candidateRank: 1, propensity: 0.1 });
  expect(candidate!.shown.find(({ tool }) => tool === plain[0])).toMatchObject({ staticRank: 1, candidateRank: 2 });
});

test('a place that both rankings agree on is certain', () => {
  const agreed = { version: 1, rank: () => createToolRanker(tools)(NEED, 4)[0]!.map(({ name }) => ({ upstream: 's', tool: name })) };
  const own = createAdviceGuard({ current: agreed }, { clock: systemClock, logger: silentLogger });
  const [result] = createAdvisedRanker({ tools, rank: createToolRanker(tools), guard: own })(NEED, {
    limit: 4,
    trial: { isAdvised: true, share: 0.3 },
  }).results;
  for (const { propensity } of result!.shown) expect(propensity).toBeCloseTo(1, 12);
});

test('how many are shown is the candidate’s for its arm, and what one arm alone shows is as probable as that arm', () => {
  const limit = { candidate: 8, isCandidate: true, share: 0.2 };
  expect([limitOf(undefined), limitOf({ arms: [], limit }), limitOf({ arms: [], limit: { ...limit, isCandidate: false } })]).toEqual([
    5, 8, 5,
  ]);
  const shown = NAMES.map((tool, index) => ({ upstream: 's', tool, staticRank: index + 1, propensity: 1 }));
  const results = [{ matches: [], shown }];
  const propensities = withLimitTrial(results, { arms: [], limit })[0]!.shown.map(({ propensity }) => propensity);
  expect(propensities).toEqual([1, 1, 1, 1, 1, 0.2, 0.2, 0.2]);
  const fewer = withLimitTrial(results, { arms: [], limit: { ...limit, candidate: 3, isCandidate: false } })[0]!.shown;
  expect(fewer.slice(0, 5).map(({ propensity }) => propensity)).toEqual([1, 1, 1, 0.8, 0.8]);
});

test('another description stands in the answer, and its arm in searches that show the tool only', () => {
  const trials = {
    arms: ['a@1=control'],
    descriptions: [{ upstream: 's', tool: 'send_mail', arm: 'd@1=candidate', text: 'Writes to people' }],
  };
  const { results } = rank(['send_mail'], { limit: 2 });
  const found = results.map(({ matches }) => matches);
  const answer = answerSearch({ needs: ['send_mail'], limit: 2, found, tools, upstreams: ['s'], texts: textsOf(trials) });
  expect(answer.results[0]!.matches[0]).toMatchObject({ name: 'send_mail', description: 'Writes to people' });
  expect(armsOf(trials, results)).toEqual(['a@1=control', 'd@1=candidate']);
  expect(armsOf(trials, [{ matches: [], shown: [] }])).toEqual(['a@1=control']);
  expect(armsOf(undefined, results)).toEqual([]);
});
