import { expect, test } from 'vitest';
import type { Target } from '@signalbox/core';
import { createMeaningRanker } from './meaning-ranker.ts';
import { meaningTextOf } from './meaning-text.ts';

const targetOf = (name: string, more: object = {}): Target => ({ upstream: 's', name, definition: { name, inputSchema: {}, ...more } });
const tools = new Map(['north', 'northeast', 'east', 'west'].map((name) => [name, targetOf(name)]));
const vectors = new Map<string, Float32Array>([
  ['north', Float32Array.of(0, 1)],
  ['northeast', Float32Array.of(0.6, 0.8)],
  ['east', Float32Array.of(1, 0)],
  ['west', Float32Array.of(-1, 0)],
]);
const embedder = { weight: 1, version: 1, setTools: () => undefined, vectorOf: (text: string) => vectors.get(text), embed: () => [] };

test('tools stand in the order of their nearness, without those that hardly stand out', () => {
  const rank = createMeaningRanker(tools, embedder);
  expect(rank(Float32Array.of(0, 1), 10).map(({ name }) => name)).toEqual(['north', 'northeast']);
  expect(rank(Float32Array.of(1, 0), 1).map(({ name }) => name)).toEqual(['east']);
  expect(rank(Float32Array.of(0, 1), 10)[0]!.score).toBe(1);
});

test('vectors of another length, and none at all, rank nothing', () => {
  const rank = createMeaningRanker(tools, embedder);
  expect(rank(Float32Array.of(0, 1, 0), 10)).toEqual([]);
  expect(createMeaningRanker(tools, { ...embedder, vectorOf: () => undefined })(Float32Array.of(0, 1), 10)).toEqual([]);
});

test('vectors that come later count as soon as they are there', () => {
  const growing = { ...embedder, version: 1, vectorOf: (text: string) => (growing.version === 1 ? undefined : vectors.get(text)) };
  const rank = createMeaningRanker(tools, growing);
  expect(rank(Float32Array.of(0, 1), 10)).toEqual([]);
  growing.version = 2;
  expect(rank(Float32Array.of(0, 1), 1).map(({ name }) => name)).toEqual(['north']);
});

test('the text of a tool is its name, its description and the names of its parameters, within bounds', () => {
  const inputSchema = { type: 'object', properties: { city: { type: 'string', description: 'Not said' }, days: {} } };
  expect(meaningTextOf(targetOf('get_forecast', { description: 'Weather of a city', inputSchema }))).toBe(
    'get forecast: Weather of a city\ncity days',
  );
  const properties = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`parameter_${index}`, {}]));
  const long = targetOf('long', { description: 'x'.repeat(100_000), inputSchema: { type: 'object', properties } });
  expect(meaningTextOf(long)).toHaveLength(1_500);
});
