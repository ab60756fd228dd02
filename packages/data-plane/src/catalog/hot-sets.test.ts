import { silentLogger, systemClock, type DocumentStore, type ToolDefinition, type ToolUsage } from '@signalbox/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CatalogView } from './catalog-view.ts';
import { createAdviceGuard } from '../advice-guard.ts';
import { Catalog } from './catalog.ts';
import { chooseHotSet as choose, createHotSets, type Choice } from './hot-sets.ts';
import type { TokensOf } from './listing-costs.ts';

const NAMES = ['a', 'b', 'c', 'd', 'e', 'f'];
const description = 'x'.repeat(350);
const targets = new Map(NAMES.map((name) => [`public_${name}`, { upstream: 's', name, definition: undefined }]));
// What `chooseHotSet` reads of a view.
const view = {
  tools: targets,
  toolOf: (_upstream: string, tool: string) => targets.get(`public_${tool}`),
  definition: (name: string): ToolDefinition => ({ name, description, inputSchema: { type: 'object' } }),
} as unknown as CatalogView;
const config = { maxTools: 3, maxTokens: 4_000 };
const tokensOf: TokensOf = (definition) => JSON.stringify(definition).length / 4;
const chooseHotSet = (choice: Omit<Choice, 'tokensOf'>) => choose({ ...choice, tokensOf });
const used = (weights: Readonly<Record<string, number>>): ToolUsage[] =>
  Object.entries(weights).map(([tool, weight]) => ({ upstream: 's', tool, weight }));

test('the most used tools are listed, as far as they have shown that they are used and are offered here', () => {
  const usage = used({ a: 9, b: 100, c: 4, gone: 500 });
  expect(chooseHotSet({ usage, before: [], view, config })).toEqual(['public_b', 'public_a']);
});

test('the tokens of their definitions are bounded', () => {
  const usage = used({ a: 60, b: 50, c: 40 });
  const tokens = Math.ceil(JSON.stringify(view.definition('public_a')).length / 4);
  expect(chooseHotSet({ usage, before: [], view, config: { maxTools: 3, maxTokens: 2 * tokens } })).toEqual(['public_a', 'public_b']);
});

test('what is listed stays until another is used half as much again, in the order it had', () => {
  const before = ['public_a', 'public_b', 'public_c'];
  expect(chooseHotSet({ usage: used({ d: 14, c: 30, b: 20, a: 10 }), before, view, config })).toEqual(before);
  expect(chooseHotSet({ usage: used({ d: 16, c: 30, b: 20, a: 10 }), before, view, config })).toEqual(['public_b', 'public_c', 'public_d']);
});

test('whatever is used, a choice made again is the same', () => {
  const usage = fc.array(fc.record({ tool: fc.constantFrom(...NAMES), weight: fc.nat(50) }), { maxLength: 6 });
  fc.assert(
    fc.property(usage, fc.shuffledSubarray([...targets.keys()]), (some, before) => {
      const weights = used(Object.fromEntries(some.map(({ tool, weight }) => [tool, weight])));
      const chosen = chooseHotSet({ usage: weights, before, view, config });
      expect(chooseHotSet({ usage: weights, before: chosen, view, config })).toEqual(chosen);
      expect(chosen.length).toBeLessThanOrEqual(config.maxTools);
    }),
  );
});

test('what was decided in an earlier run is told to the processes that are led', async () => {
  const kept = { '': { names: ['a'], decidedAtMs: 1 }, broken: { names: 'a' } };
  const written: unknown[] = [];
  const documents: DocumentStore = {
    read: async () => kept,
    write: async (_key, document) => void written.push(document),
    remove: async () => undefined,
  };
  const advice = createAdviceGuard(undefined, { clock: systemClock, logger: silentLogger });
  const catalog = new Catalog(undefined, { info: { name: 'test', version: '1' }, experimental: {} });
  const parts = { catalog, advice, config: { ...config, epochHours: 1 }, tokensOf, documents, clock: systemClock, logger: silentLogger };
  const hotSets = createHotSets({ ...parts, lead: undefined });
  await hotSets.start();
  hotSets.close();
  expect(written).toEqual([{ '': kept[''] }]);
});
