import { expect, test } from 'vitest';
import type { CallInteraction, SearchInteraction } from '../interaction.ts';
import { createCall } from '../testing/create-call.ts';
import { createClientSurfaces } from './client-surfaces.ts';

const MINUTE_MS = 60_000;
const call = (minute: number, tool: string, more: Partial<CallInteraction> = {}) => createCall({ atMs: minute * MINUTE_MS, tool, ...more });

function search(minute: number, shown: readonly string[], more: Partial<SearchInteraction> = {}): SearchInteraction {
  const { sequence, atMs, tenant, principal, session, client, policyVersion, arms } = createCall({ atMs: minute * MINUTE_MS });
  return {
    kind: 'search',
    sequence,
    atMs,
    tenant,
    principal,
    session,
    client,
    policyVersion,
    arms,
    needs: [[minute]],
    answerBytes: 100,
    shown: shown.map((tool, index) => ({ upstream: 'files', tool, staticRank: index + 1, propensity: 1 })),
    ...more,
  };
}

test('a client has the tools that its conversations used, each once, and what its searches came to', () => {
  const model = createClientSurfaces();
  for (const fact of [
    search(1, ['read', 'list']),
    call(2, 'read'),
    call(3, 'read'),
    // Of another tool, in other words, and for nothing.
    search(4, ['stat'], { needs: [[1, 2]] }),
    search(5, ['find', 'stat'], { needs: [[3, 4]] }),
    call(6, 'find', { ending: 'toolError' }),
    call(7, 'find'),
    call(8, 'known'),
    search(9, ['read'], { needs: [[5, 6]] }),
    call(9, 'read'),
  ])
    model.observe(fact);
  expect(model.reports(9)).toEqual([
    {
      client: 'test',
      conversations: 1,
      tools: 3,
      found: 2,
      searches: 4,
      succeeded: 3,
      repeated: 1,
      answerBytes: 400,
      uses: ['read', 'find', 'known'].map((tool) => ({ upstream: 'files', tool, conversations: 1 })),
    },
  ]);
});

test('several needs in one search are one search', () => {
  const model = createClientSurfaces();
  for (const fact of [
    search(1, ['read']),
    search(1, ['list'], { needs: [[7]] }),
    call(2, 'read'),
    call(2, 'list'),
    search(3, ['stat']),
    search(3, ['find'], { needs: [[8]] }),
    search(4, ['stat'], { needs: [[9]] }),
  ])
    model.observe(fact);
  expect(model.reports(1)).toMatchObject([{ searches: 3, succeeded: 1, repeated: 1, found: 2, answerBytes: 500 }]);
});

test('after half an hour of silence it is another conversation, and so is that of another caller or session', () => {
  const model = createClientSurfaces();
  for (const fact of [call(1, 'read'), call(30, 'read'), call(61, 'read'), call(62, 'read', { session: 's2' })]) model.observe(fact);
  model.observe(call(63, 'read', { client: 'other\0one' }));
  expect(model.reports(9)).toMatchObject([
    { client: 'test', conversations: 3, tools: 3, uses: [{ tool: 'read', conversations: 3 }] },
    { client: 'other one', conversations: 1 },
  ]);
  expect(model.reports(1)).toHaveLength(1);
});

test('what was kept goes on as if nothing had been, and cancelled calls and opinions are nothing', () => {
  const [model, again] = [createClientSurfaces(), createClientSurfaces()];
  for (const fact of [search(1, ['read']), call(2, 'read')]) model.observe(fact);
  again.load(model.save());
  for (const each of [model, again])
    for (const fact of [call(3, 'read'), call(4, 'list'), call(90, 'stat', { ending: 'cancelled' })]) each.observe(fact);
  expect(again.reports(9)).toEqual(model.reports(9));
  expect(again.reports(9)).toMatchObject([{ conversations: 1, tools: 2, found: 1 }]);
});

test('clients that give themselves ever new names push out one another, not those with many conversations', () => {
  const model = createClientSurfaces();
  for (let index = 0; index < 5; index++) model.observe(call(1, 'read', { session: `s${index}` }));
  for (let index = 0; index < 3_000; index++) model.observe(call(2, 'read', { client: `c${index}` }));
  expect(model.reports(1)).toMatchObject([{ client: 'test', conversations: 5 }]);
  expect(model.reports(5_000).length).toBeLessThanOrEqual(500);
});
