import { expect, test } from 'vitest';
import { RawJson, parseGatewayConfig, type CallerSession, type Notification } from '@signalbox/core';
import type { Manifest } from '../upstreams/manifest.ts';
import { OwnLists } from '../upstreams/own-lists.ts';
import { FULL_EXPOSURE } from './exposure.ts';
import { Surface } from './surface.ts';

const config = parseGatewayConfig({ mcpServers: { up: { command: 'server', tools: { deny: ['hidden'] } } } }).mcpServers['up']!;
const info = { name: 'gateway', version: '1' };
const wish = { kind: 'all', upstreams: ['up', 'other'], exposure: FULL_EXPOSURE, info, experimental: {}, instructions: undefined } as const;

const toTools = (names: readonly string[]) => names.map((name) => ({ name, inputSchema: { type: 'object' } }));
const toManifest = (...names: string[]): Manifest => ({
  revision: '2025-11-25',
  server: info,
  instructions: undefined,
  capabilities: { tools: {}, resources: {} },
  tools: toTools(names),
  prompts: [],
  resources: [],
  templates: [],
});
const toOwn = (...names: string[]) => new OwnLists({ tools: { items: toTools(names), hint: undefined, rest: '' } });

function start() {
  const surface = new Surface(undefined, undefined, info);
  const heard: { readonly method: string; readonly isExcepted: boolean }[] = [];
  const told: Notification[] = [];
  const session = { id: 's', notify: (notification: Notification) => told.push(notification) } as unknown as CallerSession;
  surface.watch(({ method }, except) => heard.push({ method, isExcepted: except?.has(session) === true }));
  const show = (up: Manifest, other = toManifest()) =>
    surface.update(
      wish,
      new Map([up, other].map((manifest, index) => [wish.upstreams[index]!, { upstream: wish.upstreams[index]!, config, manifest }])),
    );
  const namesFor = (caller?: CallerSession) => [...surface.viewFor(caller).tools.keys()];
  return { surface, heard, told, session, show, namesFor };
}

test('a change that reaches both connections is told once, whichever tells first', () => {
  const it = start();
  it.show(toManifest('a'));
  it.heard.splice(0);

  it.surface.takeOwn(it.session, 'up', toOwn('a', 'b'));
  expect(it.told).toHaveLength(1);
  it.show(toManifest('a', 'b'));
  expect(it.told).toHaveLength(1);
  expect(it.heard.splice(0)).toEqual([{ method: 'notifications/tools/list_changed', isExcepted: true }]);

  it.show(toManifest('a', 'b', 'c'));
  it.surface.takeOwn(it.session, 'up', toOwn('a', 'b', 'c'));
  expect(it.told).toHaveLength(2);
  expect(it.surface.viewFor(it.session)).toBe(it.surface.view);
});

test('what a session has of its own stands beside what all have, until it is gone', () => {
  const it = start();
  it.show(toManifest('a'), toManifest('x'));
  it.surface.takeOwn(it.session, 'up', toOwn('b', 'hidden'));
  expect([it.namesFor(it.session), it.namesFor()]).toEqual([
    ['b', 'x'],
    ['a', 'x'],
  ]);

  it.show(toManifest('a'), toManifest('x', 'b'));
  expect([it.namesFor(it.session), it.namesFor()]).toEqual([
    ['b', 'x', 'other__b'],
    ['a', 'x', 'other__b'],
  ]);
  expect(it.told).toHaveLength(2);

  it.surface.takeOwn(it.session, 'up', undefined);
  expect(it.namesFor(it.session)).toEqual(['a', 'x', 'other__b']);
  expect(it.told).toHaveLength(3);
});

test('a list of its own that changes after the common ones did is told of', () => {
  const it = start();
  it.show(toManifest('a'));
  it.surface.takeOwn(it.session, 'up', toOwn('b'));
  it.show(toManifest('a'), toManifest('x'));
  expect(it.told).toHaveLength(2);
  it.surface.takeOwn(it.session, 'up', toOwn('b', 'c'));
  expect(it.told).toHaveLength(3);
  expect(it.namesFor(it.session)).toEqual(['b', 'c', 'x']);
});

test('a session is told of a resource of its own server under the name it knows', () => {
  const it = start();
  const resources = [{ uri: 'note://one', name: 'one' }];
  it.show({ ...toManifest('a'), resources }, { ...toManifest('x'), resources });
  it.surface.tellUpdated(it.session, 'other', RawJson.fromValue({ uri: 'note://one', more: 1 }));
  expect(it.told.map(({ params }) => params?.value)).toEqual([{ uri: 'other+note://one', more: 1 }]);
});
