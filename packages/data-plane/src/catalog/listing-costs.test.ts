import { exactJson, type TokenFigures, type ToolDefinition } from '@signalbox/core';
import { expect, test } from 'vitest';
import { SEARCH_DEFINITIONS } from '../search/search-tools.ts';
import { createTestClock } from '../testing/test-clock.ts';
import type { Catalog } from './catalog.ts';
import { createListingCosts } from './listing-costs.ts';

const definitionOf = (name: string): ToolDefinition => ({ name, description: 'x'.repeat(100), inputSchema: { type: 'object' } });

/** A catalog of one address with three tools, as far as it is read. */
function createCatalog(kind: 'all' | 'hot', hotSet: readonly string[]) {
  let listener: (() => void) | undefined;
  const names = ['a', 'b', 'c'];
  const tools = () => new Map(names.map((name) => [name, { upstream: 's', name: `own_${name}`, definition: undefined }]));
  const view = {
    get tools() {
      return tools();
    },
    definition: (name: string) => (names.includes(name) ? definitionOf(name) : undefined),
  };
  const watchUpdates = (added: () => void) => ((listener = added), () => (listener = undefined));
  const catalog = { surfaces: [{ name: undefined, kind, view, hotSet }], watchUpdates } as unknown as Catalog;
  return { catalog, names, change: () => listener?.() };
}

/** Ten tokens each, once they are wanted. */
function createFigures() {
  let texts: readonly string[] = [];
  const figures: TokenFigures = {
    setTexts: (wanted) => void (texts = [...wanted]),
    tokensOf: (text) => (texts.includes(text) ? 10 : undefined),
  };
  return { figures, count: () => texts.length };
}

test('a list costs the tokens of its definitions with each surface, counted once they are known and estimated before', () => {
  const clock = createTestClock();
  const { catalog, names, change } = createCatalog('all', []);
  const { figures, count } = createFigures();
  const costs = createListingCosts({ catalog, figures, clock });
  const estimate = Math.ceil(exactJson(definitionOf('a')).length / 4);
  expect(costs.tokensOf(definitionOf('a'))).toBe(estimate);
  expect(costs.read(() => [])[0]).toMatchObject({ tokens: { all: 3 * estimate }, isCounted: false });
  clock.advance(100);
  expect(costs.tokensOf(undefined)).toBe(0);
  const search = 10 * SEARCH_DEFINITIONS.length;
  expect(costs.read(() => ['b', 'gone'])).toMatchObject([
    {
      server: undefined,
      surface: 'all',
      tools: 3,
      tokens: { all: 30, hot: search + 10, search },
      hot: [{ upstream: 's', tool: 'own_b' }],
      bytes: 3 * exactJson(definitionOf('a')).length,
      isCounted: true,
    },
  ]);
  names.push('d');
  expect(costs.read(() => [])[0]).toMatchObject({ tools: 4, isCounted: false });
  change();
  clock.advance(100);
  expect(count()).toBe(4 + SEARCH_DEFINITIONS.length);
  costs.close();
  names.push('e');
  change();
  clock.advance(100);
  expect(count()).toBe(4 + SEARCH_DEFINITIONS.length);
});

test('what lists the tools used most costs what it lists, and without figures all is estimated', () => {
  const { catalog } = createCatalog('hot', ['a', 'c']);
  const [listing] = createListingCosts({ catalog, figures: undefined, clock: createTestClock() }).read(() => ['b']);
  expect(listing).toMatchObject({ hot: [{ tool: 'own_a' }, { tool: 'own_c' }], isCounted: false });
  expect(listing!.tokens.hot).toBe(listing!.tokens.search + 2 * Math.ceil(exactJson(definitionOf('a')).length / 4));
});
