import { expect, test } from 'vitest';
import type { CallEnding, CallInteraction, FeedbackInteraction, Interaction, SearchInteraction } from '../interaction.ts';
import { createFeedbackReader, toolKey } from './read-feedback.ts';
import { readNeed } from './read-need.ts';

const base = { sequence: 0, atMs: 1_000, tenant: 't', principal: 'p', session: 's', client: 'c', policyVersion: 0, arms: [] };
const shown = ['one', 'two'].map((tool, index) => ({ upstream: 'a', tool, staticRank: index + 1, propensity: 1 }));
const search = (text: string, more: Partial<SearchInteraction> = {}): SearchInteraction => ({
  ...base,
  kind: 'search',
  needs: [readNeed(text)],
  shown,
  ...more,
});
const call = (tool: string, ending: CallEnding = 'ok', more: Partial<CallInteraction> = {}): CallInteraction => ({
  ...base,
  kind: 'call',
  upstream: 'a',
  tool,
  toolVersion: '',
  effect: 'unknown',
  argsKey: '',
  argsShape: [],
  argsBytes: 0,
  resultBytes: 0,
  resultKey: '',
  ending,
  errorCode: '',
  durationMs: 1,
  queueMs: 0,
  attempts: 1,
  cached: false,
  ...more,
});
const read = (...interactions: readonly Interaction[]) => interactions.flatMap(createFeedbackReader());
const outcomes = (...interactions: readonly Interaction[]) => read(...interactions).map(({ chosen, outcome }) => [chosen, outcome]);

test('a call of a tool that was shown is a choice for what was searched for', () => {
  const asked = search('book a flight');
  expect(read(asked, call('two'))).toEqual([
    {
      tenant: 't',
      principal: 'p',
      session: 's',
      need: readNeed('book a flight'),
      shown: [
        { key: 'a\0one', staticRank: 1 },
        { key: 'a\0two', staticRank: 2 },
      ],
      chosen: 'a\0two',
      outcome: 'succeeded',
      search: asked,
    },
  ]);
});

test('a call that went well after another one failed has repaired it', () => {
  expect(outcomes(search('x'), call('one', 'toolError'), call('two'))).toEqual([['a\0two', 'repaired']]);
});

test('two tools for two things are two choices, the same tool again is one', () => {
  expect(outcomes(search('x'), call('one'), call('one'), call('two'))).toEqual([
    ['a\0one', 'succeeded'],
    ['a\0two', 'succeeded'],
  ]);
});

test('a search without a call came to nothing, and one that is made again after failures did not serve', () => {
  const later = { atMs: 2_000 };
  expect(outcomes(search('book a flight'), search('find trains', later))).toEqual([[undefined, 'abandoned']]);
  expect(outcomes(search('book a flight'), call('one', 'toolError'), search('book a flight', later))).toEqual([[undefined, 'repeated']]);
  expect(outcomes(search('book a flight'), call('one'), search('book a flight', later))).toEqual([['a\0one', 'succeeded']]);
});

test('what is found in the end by other words is what was meant from the beginning', () => {
  const other = [{ upstream: 'a', tool: 'three', staticRank: 4, propensity: 1 }];
  const found = search('find trains', { atMs: 30_000, shown: other });
  const facts = [search('railway'), search('choo choo', { atMs: 20_000 }), found, call('three', 'ok', { atMs: 31_000 })];
  expect(read(...facts).map(({ need, chosen, outcome }) => [need, chosen, outcome])).toEqual([
    [readNeed('railway'), undefined, 'abandoned'],
    [readNeed('choo choo'), undefined, 'abandoned'],
    [readNeed('find trains'), 'a\0three', 'succeeded'],
    [readNeed('choo choo'), 'a\0three', 'repaired'],
    [readNeed('railway'), 'a\0three', 'repaired'],
  ]);
  expect(
    read(...facts)
      .at(-1)!
      .shown.at(-1),
  ).toEqual({ key: 'a\0three', staticRank: 0 });
  // Much later it is another matter.
  const late = { atMs: 400_000 };
  expect(outcomes(search('railway'), { ...found, ...late }, call('three', 'ok', late))).toEqual([
    [undefined, 'abandoned'],
    ['a\0three', 'succeeded'],
  ]);
});

test('of several needs of one search, a tool is called for the one that it was shown highest for', () => {
  const [flight, train] = [readNeed('book a flight'), readNeed('find trains')];
  const facts = [search('book a flight'), search('find trains', { shown: shown.toReversed() }), call('two'), call('one')];
  expect(read(...facts).map(({ need, chosen }) => [need, chosen])).toEqual([
    [train, 'a\0two'],
    [flight, 'a\0one'],
  ]);
});

test('calls in other conversations, of other tools and much later say nothing', () => {
  expect(outcomes(search('x'), call('one', 'ok', { session: 'other' }))).toEqual([]);
  expect(outcomes(search('x'), call('one', 'ok', { tenant: 'other' }))).toEqual([]);
  expect(outcomes(search('x'), call('three'))).toEqual([]);
  expect(outcomes(search('x'), call('one', 'ok', { atMs: 3_600_000 }))).toEqual([]);
  expect(outcomes(call('one'))).toEqual([]);
});

test('praise for a need is a choice, and blame, an opinion without a need and one on an anomaly are none', () => {
  const opinion = (verdict: number, need: readonly number[], anomaly = ''): FeedbackInteraction => ({
    ...base,
    kind: 'feedback',
    upstream: 'a',
    tool: 'one',
    verdict,
    need,
    anomaly,
  });
  const need = readNeed('book a flight');
  expect(outcomes(opinion(1, need), opinion(-1, need), opinion(1, []), opinion(1, need, 'rate: calls in 5 minutes'))).toEqual([
    [toolKey({ upstream: 'a', tool: 'one' }), 'succeeded'],
  ]);
});
