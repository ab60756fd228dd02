import type { Clock, Store } from '@signalbox/core';
import { expect, test } from 'vitest';
import { createBreakingStore } from '../testing/breaking-store.ts';
import { createMemoryFile, type MemoryFile } from '../testing/memory-file.ts';
import { createMemoryStore } from '../testing/memory-store.ts';
import { openState } from './open-state.ts';
import type { ChangeRequest } from './recorded-state.ts';

const owner = { by: 'local', isOwner: true };
const operator = { by: 'ops', isOwner: false };
const server = (extra: Record<string, unknown> = {}) => ({ command: 'node', ...extra });
const textOf = (mcpServers: Record<string, unknown>, extra: Record<string, unknown> = {}) => JSON.stringify({ mcpServers, ...extra });
const set = (path: string, value: unknown): ChangeRequest => ({ operations: [{ op: 'set', path, value }] });

async function setUp(text: string | undefined = textOf({ a: server() }), store: Store = createMemoryStore()) {
  const file = createMemoryFile(text);
  const timers: (() => void)[] = [];
  const clock: Clock = { now: () => 1000, monotonic: () => 0, after: (_, run) => (timers.push(run), () => undefined) };
  const state = await openState({ store, file, clock });
  const names = () => [...state.current.upstreams.keys()];
  return { state, file, store, names, timers };
}

test('the first version is the file, and a second start with the same file adds none', async () => {
  const { state, store, file } = await setUp();
  expect(state.current.version).toBe(1);
  const again = await openState({ store, file });
  expect(again.current.version).toBe(1);
  file.text = textOf({ b: server() });
  const third = await openState({ store, file });
  expect([third.current.version, [...third.current.upstreams.keys()]]).toEqual([2, ['b']]);
});

test('what the API adds stands behind what the file says, and is there after a restart', async () => {
  const { state, store, file, names } = await setUp();
  const before = state.current.upstreams.get('a');
  const result = await state.change({ ...set('mcpServers.b', server()), reason: 'needed' }, owner);
  expect(result).toMatchObject({ version: 2, isDryRun: false, diff: { added: ['b'] }, problems: [] });
  expect(names()).toEqual(['a', 'b']);
  expect(state.current.upstreams.get('a')).toBe(before);
  const again = await openState({ store, file });
  expect([again.current.version, [...again.current.upstreams.keys()]]).toEqual([2, ['a', 'b']]);
  expect(again.owned().map(({ path, owner: by }) => [path.join('.'), by])).toEqual([
    ['mcpServers.a', 'file'],
    ['mcpServers.b', 'api'],
  ]);
});

test('what the file defines is changed there, also through the API', async () => {
  const { state, file } = await setUp('{\n  "mcpServers": {\n    "a": { "command": "node" }\n  }\n}');
  await expect(state.change(set('mcpServers.a.disabled', true), owner)).rejects.toMatchObject({
    code: 'CONFLICT',
    message:
      'Cannot change "mcpServers.a" through the API: it is owned by the file "/etc/signalbox.json", line 3; change it there, or send "target": "file"',
  });
  await expect(state.change(set('listen.port', 1), owner)).rejects.toMatchObject({ code: 'CONFLICT' });
  expect(state.current.version).toBe(1);
  const result = await state.change({ ...set('mcpServers.a.disabled', true), target: 'file' }, owner);
  expect(result).toMatchObject({ version: 2, diff: { changed: ['a'] }, file: { path: file.path, backup: '/etc/signalbox.json.bak' } });
  expect(JSON.parse(file.text!)).toEqual({ mcpServers: { a: { command: 'node', disabled: true } } });
  // Whoever watches the file finds nothing new in it.
  expect((await state.reload('file changed')).changed).toEqual([]);
  expect(state.current.version).toBe(2);
});

test('what the file defines later shadows what the API owns until it is taken out', async () => {
  const { state, file } = await setUp();
  await state.change(set('mcpServers.b', server({ args: ['api'] })), owner);
  file.text = textOf({ a: server(), b: server({ args: ['file'] }) });
  await state.reload('file changed');
  expect(state.current.config.mcpServers['b']?.args).toEqual(['file']);
  expect(state.owned().find(({ owner: by }) => by === 'api')).toMatchObject({ state: 'shadowed', reason: 'the file defines it, too' });
  file.text = textOf({ a: server() });
  await state.reload('file changed');
  expect(state.current.config.mcpServers['b']?.args).toEqual(['api']);
});

test('an entry of the API that does not go together with the file is set aside, and the file applies', async () => {
  const { state, file } = await setUp();
  await state.change(set('virtualServers.work', { upstreams: ['a'] }), owner);
  expect(Object.keys(state.current.config.virtualServers)).toEqual(['work']);
  file.text = textOf({ b: server() });
  await state.reload('file changed');
  expect(state.current.config).toMatchObject({ mcpServers: { b: {} }, virtualServers: {} });
  expect(state.owned().at(-1)).toMatchObject({ path: ['virtualServers', 'work'], state: 'unfit' });
  file.text = textOf({ a: server() });
  await state.reload('file changed');
  expect(Object.keys(state.current.config.virtualServers)).toEqual(['work']);
});

test('a dry run says what would be, also what is wrong with it, and changes nothing', async () => {
  const { state, file } = await setUp();
  const { text } = file;
  const good = await state.change({ ...set('mcpServers.a.args', ['x']), target: 'file', dryRun: true }, owner);
  expect(good).toMatchObject({ version: 1, isDryRun: true, diff: { changed: ['a'] }, problems: [] });
  const boot = await state.change({ ...set('listen.port', 9000), target: 'file', dryRun: true }, owner);
  expect(boot.diff.needsRestart).toEqual(['listen.port']);
  const bad = await state.change({ ...set('mcpServers.b', { comand: 'x' }), dryRun: true }, owner);
  expect(bad.problems).toContainEqual(expect.objectContaining({ path: 'mcpServers.b.comand' }));
  const inFile = await state.change({ ...set('mcpServers.a.tiemouts', {}), target: 'file', dryRun: true }, owner);
  expect(inFile.problems).toMatchObject([{ path: 'mcpServers.a.tiemouts', line: expect.any(Number) as number }]);
  expect([state.current.version, file.text]).toEqual([1, text]);
  await expect(state.change(set('mcpServers.b', { comand: 'x' }), owner)).rejects.toMatchObject({ code: 'INVALID_CONFIG' });
  expect(state.current.version).toBe(1);
});

test('a restart is an event like any other', async () => {
  const { state, store, file } = await setUp();
  expect(await state.restart('a', operator)).toBe(1);
  expect(await state.restart('a', operator)).toBe(2);
  expect((await openState({ store, file })).current.upstreams.get('a')?.generation).toBe(2);
  await expect(state.restart('b', operator)).rejects.toMatchObject({ code: 'UNKNOWN_NAME' });
  await expect(state.restart('a', operator, { ifVersion: 1 })).rejects.toMatchObject({ code: 'STALE' });
});

test('the history tells who did what and why, and what it changed', async () => {
  const { state } = await setUp();
  await state.change({ ...set('mcpServers.b', server()), reason: 'for the team' }, operator);
  await state.restart('b', owner);
  await state.change({ operations: [{ op: 'remove', path: 'mcpServers.b' }] }, owner);
  const { events, next } = await state.history.list({ limit: 2 });
  expect(events.map(({ version, by, action }) => [version, by, action])).toEqual([
    [4, 'local', 'config.change'],
    [3, 'local', 'upstream.restart'],
  ]);
  expect(next).toBe(3);
  const rest = await state.history.list({ limit: 2, before: next });
  expect([rest.events.map(({ version }) => version), rest.next]).toEqual([[2, 1], undefined]);
  expect((await state.history.list({ limit: 9, by: 'ops' })).events).toMatchObject([{ version: 2, reason: 'for the team' }]);
  expect((await state.history.get(2)).diff.added).toEqual(['b']);
  expect((await state.history.diff(1, 4)).added).toEqual([]);
  await expect(state.history.get(5)).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('going back restores what the API owned and the text of the file, as a new version', async () => {
  const { state, file, names } = await setUp();
  const { text } = file;
  await state.change(set('mcpServers.b', server()), owner);
  await state.change({ ...set('mcpServers.c', server()), target: 'file' }, owner);
  await state.change({ operations: [{ op: 'remove', path: 'mcpServers.b' }] }, owner);
  expect(names()).toEqual(['a', 'c']);
  expect(await state.rollback({ version: 2 }, owner)).toMatchObject({ version: 5, diff: { added: ['b'], removed: ['c'] } });
  expect([names(), file.text]).toEqual([['a', 'b'], text]);
  expect((await state.history.list({ limit: 1 })).events).toMatchObject([{ action: 'config.rollback', target: 2 }]);
  expect(await state.verify()).toMatchObject({ isSound: true, version: 5 });
});

test('where the file cannot be written, what the API owns can still go back', async () => {
  const { state, file, names } = await setUp();
  await state.change(set('mcpServers.b', server()), owner);
  await state.change({ operations: [{ op: 'remove', path: 'mcpServers.b' }] }, owner);
  file.text = textOf({ z: server() });
  await state.reload('file changed');
  file.isReadOnly = true;
  await expect(state.rollback({ version: 2 }, owner)).rejects.toMatchObject({
    code: 'CONFLICT',
    message: expect.stringContaining('"scope": "api"') as string,
  });
  expect(state.current.version).toBe(4);
  await state.rollback({ version: 2, scope: 'api' }, owner);
  expect(names()).toEqual(['z', 'b']);
});

test('who may steer the gateway is changed by owners alone, also by going back', async () => {
  const { state } = await setUp();
  const access = { access: { eve: { role: 'owner', token: { env: 'EVE' } } } };
  await expect(state.change(set('admin', access), operator)).rejects.toMatchObject({ code: 'FORBIDDEN' });
  await expect(state.change({ ...set('listen.port', 1), target: 'file' }, operator)).rejects.toMatchObject({ code: 'FORBIDDEN' });
  await state.change(set('admin', access), owner);
  await expect(state.rollback({ version: 1 }, operator)).rejects.toMatchObject({ code: 'FORBIDDEN' });
  expect(state.current.version).toBe(2);
});

test('while the store is away changes are refused, a changed file applies, and is recorded once it is back', async () => {
  const store = createBreakingStore(createMemoryStore());
  const { state, file, names, timers } = await setUp(undefined, store);
  store.isAway = true;
  await expect(state.change(set('mcpServers.b', server()), owner)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  await expect(state.change({ ...set('mcpServers.b', server()), target: 'file' }, owner)).rejects.toMatchObject({
    code: 'STORE_UNAVAILABLE',
  });
  expect(file.text).toBe(textOf({ a: server() }));
  await expect(state.restart('a', owner)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  expect(state.current.version).toBe(1);
  file.text = textOf({ c: server() });
  await state.reload('file changed');
  expect([state.current.version, names()]).toEqual([2, ['c']]);
  store.isAway = false;
  for (const run of timers) run();
  expect(await state.verify()).toEqual({ isSound: true, version: 2, events: 2, problems: [] });
});

test('a gateway that starts without its store follows the file, and finds what the API owns later', async () => {
  const inner = createMemoryStore();
  await (await setUp(undefined, inner)).state.change(set('mcpServers.b', server()), owner);
  const store = createBreakingStore(inner);
  store.isAway = true;
  const { state, names, timers } = await setUp(undefined, store);
  expect(names()).toEqual(['a']);
  store.isAway = false;
  for (const run of timers) run();
  expect(await state.verify()).toMatchObject({ isSound: true });
  expect([state.current.version, names()]).toEqual([2, ['a', 'b']]);
});

test('what does not add up is found, and the document can be made anew', async () => {
  const { state, store } = await setUp();
  await state.change(set('mcpServers.b', server()), owner);
  await store.commit([{ kind: 'put', collection: 'state', key: 'current', value: Buffer.from('{"version":2}') }]);
  expect(await state.verify()).toMatchObject({ isSound: false, problems: ['the document is not what the events add up to'] });
  expect(await state.rebuild()).toMatchObject({ isSound: true });
});

test('names with dots are found, and paths that lead nowhere are refused', async () => {
  const { state, names } = await setUp(textOf({}));
  await state.change(set('mcpServers.my.server', server()), owner);
  await state.change(set('mcpServers.my.server.args', ['x']), owner);
  expect([names(), state.current.config.mcpServers['my.server']?.args]).toEqual([['my.server'], ['x']]);
  for (const path of ['', 'mcpServers', 'nothing', 'mcpServers.', 'version']) {
    await expect(state.change(set(path, {}), owner)).rejects.toMatchObject({ code: 'INVALID_PARAMS' });
  }
  await expect(state.change({ operations: [{ op: 'remove', path: 'mcpServers.my.sever' }] }, owner)).rejects.toMatchObject({
    code: 'UNKNOWN_NAME',
    message: expect.stringContaining('did you mean "mcpServers.my.server"?') as string,
  });
});

function fileOf(file: MemoryFile): string {
  return file.text ?? '';
}

test('of two gateways on one store each sees what the other does', async () => {
  const store = createMemoryStore();
  const first = await setUp(undefined, store);
  const second = await setUp(undefined, store);
  await first.state.change(set('mcpServers.b', server()), owner);
  await second.state.change(set('mcpServers.c', server()), owner);
  await first.state.verify();
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  await first.state.verify();
  expect([first.names(), second.names()]).toEqual([
    ['a', 'b', 'c'],
    ['a', 'b', 'c'],
  ]);
  expect(fileOf(first.file)).toBe(fileOf(second.file));
});

test('the file stands by itself: one that leans on what the API owns is refused', async () => {
  const { state, file } = await setUp();
  await state.change(set('mcpServers.b', server()), owner);
  file.text = textOf({ a: server() }, { virtualServers: { work: { upstreams: ['b'] } } });
  await expect(state.reload('file changed')).rejects.toMatchObject({ code: 'INVALID_CONFIG' });
  expect(state.current.version).toBe(2);
});

test('where names begin alike, only the entry that is wrong is set aside', async () => {
  const { state, file } = await setUp(textOf({ a: server(), b: server() }));
  const operations = [
    { op: 'set', path: ['virtualServers', 'w'], value: { upstreams: ['a'] } },
    { op: 'set', path: ['virtualServers', 'w.b'], value: { upstreams: ['b'] } },
  ] as const;
  await state.change({ operations }, owner);
  file.text = textOf({ a: server() });
  await state.reload('file changed');
  const ofApi = state.owned().filter(({ owner: by }) => by === 'api');
  expect(ofApi.map(({ path, state: how }) => [path.at(-1), how])).toEqual([
    ['w', 'applied'],
    ['w.b', 'unfit'],
  ]);
});

test('what another entry of the API needs is not taken away', async () => {
  const { state } = await setUp();
  await state.change(set('mcpServers.b', server()), owner);
  await state.change(set('virtualServers.w', { upstreams: ['b'] }), owner);
  const removal: ChangeRequest = { operations: [{ op: 'remove', path: 'mcpServers.b' }] };
  await expect(state.change(removal, owner)).rejects.toMatchObject({
    code: 'INVALID_CONFIG',
    data: { problems: [{ path: expect.stringMatching(/^virtualServers\.w/) as string }] },
  });
  await state.change({ operations: [...removal.operations, { op: 'remove', path: 'virtualServers.w' }] }, owner);
  expect(state.current.version).toBe(4);
});

test('each change is in the audit with its lines, and an audit that fails stops nothing', async () => {
  const records: unknown[] = [];
  const store = createMemoryStore();
  const file = createMemoryFile(textOf({ a: server() }));
  const state = await openState({ store, file, audit: { change: async (record) => void records.push(record) } });
  await state.change({ ...set('mcpServers.a.env', { KEY: 'very-secret' }), target: 'file', reason: 'why' }, operator);
  await state.restart('a', operator);
  expect(records).toMatchObject([
    { by: 'file', action: 'config.reload', reason: 'start', stateVersion: 1, lines: ['+ mcpServers.a'] },
    { by: 'ops', action: 'config.change', reason: 'why', stateVersion: 2, lines: ['~ mcpServers.a.env.KEY: (not set) → "***"'] },
    { by: 'ops', action: 'upstream.restart', stateVersion: 3, lines: ['restart mcpServers.a'] },
  ]);
  file.text = textOf({ a: server(), z: server() });
  await openState({ store, file, audit: { change: async (record) => void records.push(record) } });
  expect(records.at(-1)).toMatchObject({ by: 'file', stateVersion: 4, lines: expect.arrayContaining(['+ mcpServers.z']) as string[] });
  const failing = await openState({ store, file, audit: { change: () => Promise.reject(new Error('full')) } });
  expect(await failing.restart('a', operator)).toBe(2);
});
