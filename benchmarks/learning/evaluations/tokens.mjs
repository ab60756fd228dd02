// What a search saves a model to read: definitions of the ten tools that are shown against those of the whole catalogue, in tokens.
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { createRandom, createStaticRanker, DEPTH, readSets, scoreOf, shuffled } from '../search-sets.mjs';

const NEEDS = 300;
/** In a smaller catalogue ten tools are too large a part for the goal to mean anything. */
const MANY_TOOLS = 500;
const GOAL = 0.97;
/** A definition may hold what looks like a mark of the tokenizer; it is text like any other. */
const PLAIN = { disallowedSpecial: new Set() };

export async function evaluate({ data, quick, log }) {
  const metrics = [];
  for (const { set, tools, files } of readSets(data)) {
    if (files.length === 0) continue;
    const rank = createStaticRanker(tools);
    const sizes = new Map(
      tools.map(({ id, name, description, inputSchema }) => [id, countTokens(JSON.stringify({ name, description, inputSchema }), PLAIN)]),
    );
    const all = [...sizes.values()].reduce((sum, size) => sum + size, 0);
    const needs = shuffled(
      files.flatMap(({ queries }) => queries),
      createRandom(1),
    ).slice(0, quick ? 50 : NEEDS);
    let shown = 0;
    let recall = 0;
    for (const { text, relevant } of needs) {
      const keys = rank([text], DEPTH)[0].map(({ key }) => key);
      shown += keys.reduce((sum, key) => sum + sizes.get(key), 0) / needs.length;
      recall += scoreOf(keys, relevant).recall / needs.length;
    }
    const value = 1 - shown / all;
    const note = `${Math.round(shown)} of ${all}, R@10 ${recall.toFixed(3)}`;
    metrics.push({ capability: 'tokens', set, metric: 'tokens saved', value, note, ...(tools.length >= MANY_TOOLS && { goal: GOAL }) });
    log(`${set}: ${note}`);
  }
  return metrics;
}
