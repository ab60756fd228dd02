import { expect, test } from 'vitest';
import { createTestClock } from '../testing/test-clock.ts';
import { ListRefresh } from './list-refresh.ts';
import type { Manifest } from './manifest.ts';

function start() {
  const clock = createTestClock();
  const fetched: string[][] = [];
  const lists = new ListRefresh({ clock, refresh: (kinds) => fetched.push([...kinds]) });
  return { clock, fetched, lists };
}

const manifest = (hints: Manifest['hints'], capabilities: object = {}): Manifest => ({
  revision: '2026-07-28',
  server: { name: 's', version: '1' },
  instructions: undefined,
  capabilities: { ...capabilities },
  tools: [],
  prompts: [],
  resources: [],
  templates: [],
  ...(hints && { hints }),
});

test('lists that changed close together are fetched once', () => {
  const { clock, fetched, lists } = start();
  expect(lists.take('notifications/tools/list_changed')).toBe(true);
  lists.take('notifications/tools/list_changed');
  lists.take('notifications/resources/list_changed');
  expect(lists.take('notifications/message')).toBe(false);
  clock.advance(100);
  expect(fetched).toEqual([['tools', 'resources', 'templates']]);
});

test('a list whose server tells of no changes is fetched again when its time is over, and not more often than every ten seconds', () => {
  const { clock, fetched, lists } = start();
  lists.follow(manifest({ tools: { ttlMs: 60_000, isPublic: true }, prompts: { ttlMs: 1, isPublic: true } }));
  clock.advance(10_100);
  expect(fetched).toEqual([['prompts']]);
  clock.advance(50_000);
  expect(fetched).toEqual([['prompts'], ['tools']]);
});

test('a list is left alone where its server tells of changes, or says that it holds for no time at all', () => {
  const { clock, fetched, lists } = start();
  const hints = { tools: { ttlMs: 60_000, isPublic: true }, prompts: { ttlMs: 0, isPublic: true } };
  lists.follow(manifest(hints, { tools: { listChanged: true }, prompts: {} }));
  clock.advance(1_000_000);
  expect(fetched).toEqual([]);
});

test('after the end nothing is fetched', () => {
  const { clock, fetched, lists } = start();
  lists.follow(manifest({ tools: { ttlMs: 60_000, isPublic: true } }));
  lists.take('notifications/tools/list_changed');
  lists.stop();
  clock.advance(1_000_000);
  expect(fetched).toEqual([]);
});
