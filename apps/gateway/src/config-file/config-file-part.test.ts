import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openState } from '@signalbox/control-plane';
import { createMemoryStore } from '@signalbox/storage';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createConfigFile } from './config-file-part.ts';

const owner = { by: 'local', isOwner: true };
const TEXT = `{
  // Mine.
  "servers": {
    "a": { "command": "node" }, // first
  },
}
`;

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-part-'));
  path = join(folder, 'signalbox.json');
});
afterEach(() => rm(folder, { recursive: true }));

test('a change of the file keeps its comments and other spellings, and a copy of it as it was', async () => {
  await writeFile(path, TEXT);
  const state = await openState({ store: createMemoryStore(), file: createConfigFile(path) });
  const operations = [
    { op: 'set', path: 'mcpServers.a.args', value: ['--token=very-secret'] },
    { op: 'set', path: 'mcpServers.b', value: { command: 'deno' } },
    { op: 'set', path: 'surface', value: 'search' },
  ] as const;
  const { file, diff } = await state.change({ operations, target: 'file' }, owner);
  expect(diff).toMatchObject({ added: ['b'], changed: ['a'] });
  expect(file?.diff).not.toContain('very-secret');
  const after = await readFile(path, 'utf8');
  expect(after).toContain('// Mine.');
  expect(after).toContain('// first');
  expect(after).not.toContain('mcpServers');
  expect(await readFile(file!.backup!, 'utf8')).toBe(TEXT);
  await state.rollback({ version: 1 }, owner);
  expect(await readFile(path, 'utf8')).toBe(TEXT);
});

test('a file that is not there is made by the first change, where that is allowed', async () => {
  const file = createConfigFile(path);
  await expect(openState({ store: createMemoryStore(), file })).rejects.toMatchObject({ code: 'INVALID_CONFIG' });
  const state = await openState({ store: createMemoryStore(), file, isFileOptional: true });
  await state.change({ operations: [{ op: 'set', path: 'mcpServers.a', value: { command: 'node' } }], target: 'file' }, owner);
  expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({ mcpServers: { a: { command: 'node' } } });
});

test('a file that someone has changed is read again before it is changed', async () => {
  await writeFile(path, '{ "mcpServers": {} }');
  const state = await openState({ store: createMemoryStore(), file: createConfigFile(path) });
  await writeFile(path, '{ "mcpServers": { "theirs": { "command": "x" } } }');
  await state.change({ operations: [{ op: 'set', path: 'mcpServers.mine', value: { command: 'y' } }], target: 'file' }, owner);
  expect([...state.current.upstreams.keys()]).toEqual(['theirs', 'mine']);
  const stale = { operations: [{ op: 'remove', path: 'mcpServers.mine' }], target: 'file', ifFile: '0'.repeat(64) } as const;
  await expect(state.change(stale, owner)).rejects.toMatchObject({ code: 'CONFLICT' });
});
