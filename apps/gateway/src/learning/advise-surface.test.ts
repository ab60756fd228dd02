import type { ListingCost } from '@signalbox/data-plane';
import type { ClientReport } from '@signalbox/learning';
import { expect, test } from 'vitest';
import { adviseSurface, readSearching } from './advise-surface.ts';

/** A hundred tools of 100 tokens and 400 bytes each, five of them hot. */
function listingOf(more: Partial<ListingCost> = {}): ListingCost {
  const hot = Array.from({ length: 5 }, (_, index) => ({ upstream: 's', tool: `t${index}` }));
  return {
    server: undefined,
    surface: 'all',
    tools: 100,
    tokens: { all: 10_000, hot: 1_500, search: 1_000 },
    bytes: 40_000,
    hot,
    offers: (upstream) => upstream === 's',
    isCounted: true,
    ...more,
  };
}

/** Fifty conversations that use as many tools each as is said, `t0` among them, and search twice for each. */
function reportOf(toolsEach: number, more: Partial<ClientReport> = {}): ClientReport {
  const tools = 50 * toolsEach;
  const uses = Array.from({ length: toolsEach }, (_, index) => ({ upstream: 's', tool: `t${10 * index}`, conversations: 50 }));
  const searched = { searches: 2 * tools, succeeded: 1.5 * tools, found: tools, answerBytes: 2 * tools * 800 };
  return { client: 'agent', conversations: 50, tools, repeated: 0, uses, ...searched, ...more };
}

const NOBODY = { searches: 0, succeeded: 0, found: 0, answerBytes: 0 };
const advise = (report: ClientReport, listing = listingOf(), others = readSearching(reportOf(2))) =>
  adviseSurface(report, { listing, others });

test('what a conversation costs is its list and, where tools are searched for, what finds those that it uses', () => {
  // Two searches of 200 tokens and a description of 100 for each tool; one of two tools is hot.
  expect(advise(reportOf(2))).toMatchObject({ tokens: { all: 10_000, hot: 1_500 + 500, search: 1_000 + 1_000 }, surface: 'all' });
});

test.each([
  ['few tools, one of them hot', reportOf(1), 'hot'],
  ['few tools, none of them hot', reportOf(1, { uses: [{ upstream: 's', tool: 't99', conversations: 50 }] }), 'search'],
  ['many tools', reportOf(40), 'all'],
])('who uses %s is advised the surface that costs it least', (_, report, advised) => {
  expect(advise(report)!.advised).toBe(advised);
});

test('where no other surface saves a fifth, it stays as it is', () => {
  const listing = listingOf({ surface: 'search' });
  expect(advise(reportOf(2), listing)).toMatchObject({ advised: 'search', reason: 'no other saves 20 %' });
  expect(advise(reportOf(2))!.reason).toBe('saves 80 % of the tokens of a conversation that uses 2.0 tools, as it searches');
});

test('tokens saved are worth nothing where searches do not serve', () => {
  const bad = advise(reportOf(2, { succeeded: 100 }), listingOf({ surface: 'search' }));
  expect(bad).toMatchObject({ advised: 'all', reason: expect.stringContaining('50 % led to a call that went well') as string });
  expect(advise(reportOf(2, NOBODY), listingOf(), readSearching(reportOf(2, { succeeded: 60 })))).toMatchObject({ advised: 'all' });
});

test('too little is known of few conversations, and of searching where nobody has; what others found out counts for who has not', () => {
  expect(advise(reportOf(2, { conversations: 19 }))).toMatchObject({ advised: undefined, reason: '19 of 20 conversations are known' });
  const alone = adviseSurface(reportOf(2, NOBODY), { listing: listingOf(), others: undefined });
  expect(alone).toMatchObject({ advised: undefined, tokens: { all: 10_000 } });
  expect(alone!.tokens).not.toHaveProperty('search');
  expect(advise(reportOf(2, NOBODY))!.reason).toContain('as others search');
});

test('an address that does not have what a client uses is none to advise it on', () => {
  expect(advise(reportOf(2), listingOf({ offers: () => false }))).toBeUndefined();
  expect(advise(reportOf(2), listingOf({ offers: (_, tool) => tool === 't0' }))).toBeDefined();
});

test('the share that is served has the interval of Wilson', () => {
  expect(readSearching({ searches: 19, succeeded: 19, found: 9, answerBytes: 1 })).toBeUndefined();
  const { served } = readSearching({ searches: 100, succeeded: 80, found: 50, answerBytes: 100 })!;
  expect(served.share).toBe(0.8);
  expect(served.low).toBeCloseTo(0.711, 3);
  expect(served.high).toBeCloseTo(0.867, 3);
});
