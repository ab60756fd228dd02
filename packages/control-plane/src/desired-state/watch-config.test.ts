import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { silentLogger, type Logger } from '@signalbox/core';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadConfig } from './config-source.ts';
import { createDesiredState } from './desired-state.ts';
import { watchConfig } from './watch-config.ts';

let folder: string;
let path: string;
let stop: (() => void) | undefined;

const textOf = (...names: string[]) => JSON.stringify({ mcpServers: Object.fromEntries(names.map((name) => [name, { command: 'node' }])) });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-watch-'));
  path = join(folder, 'signalbox.json');
  await writeFile(path, textOf('a'));
});
afterEach(async () => {
  stop?.();
  stop = undefined;
  await rm(folder, { recursive: true, force: true });
});

async function start(options: { readonly usePolling?: boolean } = {}) {
  const warnings: string[] = [];
  let announce = (): void => undefined;
  const logger: Logger = {
    ...silentLogger,
    warn: (message) => {
      warnings.push(message);
      announce();
    },
  };
  const state = createDesiredState({ initial: await loadConfig(path) });
  state.watch(() => announce());
  stop = watchConfig({
    path,
    reload: async (reason) => state.apply(await loadConfig(path), { reason }),
    logger,
    debounceMs: 10,
    pollMs: 20,
    ...options,
  });
  const until = (isSo: () => boolean) =>
    new Promise<void>((resolve) => {
      announce = () => isSo() && resolve();
      announce();
    });
  const untilNames = (...names: string[]) => until(() => [...state.current.upstreams.keys()].join() === names.join());
  return { state, warnings, untilNames, untilWarnings: (count: number) => until(() => warnings.length >= count) };
}

test('an edit in place is applied', async () => {
  const { state, untilNames } = await start();
  await writeFile(path, textOf('a', 'b'));
  await untilNames('a', 'b');
  await writeFile(path, textOf('b'));
  await untilNames('b');
  expect(state.current.version).toBe(3);
});

test('a file replaced by renaming is followed, again and again', async () => {
  const { state, untilNames } = await start();
  for (const name of ['b', 'c', 'd']) {
    await writeFile(join(folder, 'new.tmp'), textOf(name));
    await rename(join(folder, 'new.tmp'), path);
    await untilNames(name);
  }
  expect(state.current.version).toBe(4);
});

test('an invalid edit changes nothing and says where it is wrong; mending it is applied', async () => {
  const { state, warnings, untilNames, untilWarnings } = await start();
  const { current } = state;
  // Put in place whole: a file seen half-written would be one more warning.
  await writeFile(join(folder, 'new.tmp'), '{\n  "mcpServers": {\n    "b": { "comand": "node" }\n  }\n}');
  await rename(join(folder, 'new.tmp'), path);
  await untilWarnings(1);
  expect(warnings[0]).toContain(`Configuration unchanged: Cannot use the configuration "${path}": line 3, column`);
  expect(state.current).toBe(current);
  await writeFile(path, textOf('b'));
  await untilNames('b');
});

test('a slow writer, who empties the file first, is waited for; a file that stays empty is told of', async () => {
  const { warnings, untilNames, untilWarnings } = await start();
  await writeFile(path, '');
  await setTimeout(40);
  await writeFile(path, textOf('a', 'b'));
  await untilNames('a', 'b');
  expect(warnings).toEqual([]);

  await writeFile(path, '');
  await untilWarnings(1);
  expect(warnings[0]).toContain('line 1, column 1');
});

test('a change made while nobody watched is found at the start', async () => {
  const state = createDesiredState({ initial: await loadConfig(path) });
  await writeFile(path, textOf('b'));
  const changed = new Promise<void>((resolve) => state.watch(() => resolve()));
  stop = watchConfig({ path, reload: async (reason) => state.apply(await loadConfig(path), { reason }), debounceMs: 1 });
  await changed;
  expect([...state.current.upstreams.keys()]).toEqual(['b']);
});

test('a file that was away, and its folder with it, is found when it is back', async () => {
  const { state, untilNames, untilWarnings } = await start();
  await rm(folder, { recursive: true });
  await untilWarnings(1);
  expect([...state.current.upstreams.keys()]).toEqual(['a']);
  await mkdir(folder);
  await writeFile(path, textOf('b'));
  await untilNames('b');
});

test('where the system reports nothing, looking from time to time finds the change', async () => {
  const { state, untilNames } = await start({ usePolling: true });
  await writeFile(path, textOf('b'));
  await untilNames('b');
  expect(state.current.version).toBe(2);
});

test.skipIf(process.platform === 'win32')('the file a link points to is followed', async () => {
  const target = await mkdtemp(join(tmpdir(), 'signalbox-target-'));
  await writeFile(join(target, 'real.json'), textOf('a'));
  await rm(path);
  await symlink(join(target, 'real.json'), path);
  const { state, untilNames } = await start();
  await writeFile(join(target, 'real.json'), textOf('b'));
  await untilNames('b');
  expect(state.current.version).toBe(2);
  await rm(target, { recursive: true });
});

test('nothing is applied after stopping', async () => {
  const { state } = await start();
  stop?.();
  const { current } = state;
  const other = createDesiredState({ initial: await loadConfig(path) });
  const seen = new Promise<void>((resolve) => other.watch(() => resolve()));
  stop = watchConfig({ path, reload: async (reason) => other.apply(await loadConfig(path), { reason }), debounceMs: 50 });
  await writeFile(path, textOf('b'));
  // The second watcher waits longer than the first would have.
  await seen;
  expect(state.current).toBe(current);
});
