import { expect, test } from 'vitest';
import { keepExactText } from '@signalbox/core';
import { buildLists, joinHints } from './catalog-lists.ts';

const brief = { ttlMs: 0, isPublic: false };
const extras = { hint: brief, rest: '' };

function build(tools: readonly object[], hint = brief) {
  const { tools: list } = buildLists(
    { tools, prompts: [], resources: [], resourceTemplates: [] },
    { tools: { hint, rest: '' }, prompts: extras, resources: extras, resourceTemplates: extras },
  );
  return { modern: list.modern.value, handshake: list.handshake.value };
}

test('clients of the handshake revisions do not see output schemas of anything but objects', () => {
  const list = { name: 'list', inputSchema: {}, outputSchema: { type: 'array' } };
  const object = { name: 'object', inputSchema: {}, outputSchema: { type: 'object' } };
  expect(build([list, object])).toEqual({
    modern: { resultType: 'complete', tools: [list, object], ttlMs: 0, cacheScope: 'private' },
    handshake: { tools: [{ name: 'list', inputSchema: {} }, object] },
  });
});

test('numbers stay as they were written, also where an output schema is left out', () => {
  const schema = '{"minimum":1.0,"maximum":9007199254740993}';
  const text = `{"name":"list","inputSchema":${schema},"outputSchema":{"type":"array"}}`;
  const tool = JSON.parse(text) as object;
  keepExactText(tool, text);
  const { tools } = buildLists(
    { tools: [tool], prompts: [], resources: [], resourceTemplates: [] },
    { tools: extras, prompts: extras, resources: extras, resourceTemplates: extras },
  );
  expect(tools.modern.bytes.toString()).toContain(text);
  expect(tools.handshake.bytes.toString()).toBe(`{"tools":[{"name":"list","inputSchema":${schema}}]}`);
});

test('a list says how long it holds and for whom', () => {
  expect(build([], { ttlMs: 60_000, isPublic: true }).modern).toMatchObject({ ttlMs: 60_000, cacheScope: 'public' });
});

test('a list holds as long as its briefest part, and is public where all parts are', () => {
  const long = { ttlMs: 60_000, isPublic: true };
  expect(joinHints([long, { ttlMs: 5_000, isPublic: true }])).toEqual({ ttlMs: 5_000, isPublic: true });
  expect(joinHints([long, { ttlMs: 90_000, isPublic: false }])).toEqual({ ttlMs: 60_000, isPublic: false });
  expect(joinHints([long, undefined])).toEqual(brief);
  expect(joinHints([])).toEqual(brief);
});
