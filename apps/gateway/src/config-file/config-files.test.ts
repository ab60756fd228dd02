import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { defaultConfigFile, findConfigFile } from './find-config-file.ts';
import { readConfigFile } from './read-config-file.ts';
import { writeConfigFile } from './write-config-file.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-config-'));
});
afterEach(() => rm(folder, { recursive: true }));

const now = () => new Date('2026-01-02T03:04:05.678Z');

test('a file is read with its text, value and problems', async () => {
  const path = join(folder, 'signalbox.json');
  await writeFile(path, '{ "mcpServers": {} x }');
  expect(await readConfigFile(path)).toMatchObject({ path, text: '{ "mcpServers": {} x }', problems: [{ line: 1, column: 20 }] });
  await expect(readConfigFile(join(folder, 'none.json'))).rejects.toThrow(
    'there is no such file; "signalbox add" or "signalbox import" creates one',
  );
});

test('a new file is for its owner only and has no copy', async () => {
  const path = join(folder, 'deep', 'signalbox.json');
  expect(await writeConfigFile(path, '{}')).toBeUndefined();
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await readdir(join(folder, 'deep'))).toEqual(['signalbox.json']);
});

test('a file keeps its mode, and a copy of the old text stands beside it', async () => {
  const path = join(folder, 'signalbox.json');
  await writeFile(path, 'old');
  await chmod(path, 0o664);
  expect(await writeConfigFile(path, 'new', { now })).toBe(`${path}.2026-01-02T03-04-05-678Z.bak`);
  expect(await writeConfigFile(path, 'newer', { now })).toBe(`${path}.2026-01-02T03-04-05-678Z-1.bak`);
  expect((await stat(path)).mode & 0o777).toBe(0o664);
  expect((await stat(`${path}.2026-01-02T03-04-05-678Z.bak`)).mode & 0o777).toBe(0o664);
  expect(await readFile(`${path}.2026-01-02T03-04-05-678Z.bak`, 'utf8')).toBe('old');
  expect(await readFile(path, 'utf8')).toBe('newer');
  expect(await readdir(folder)).toHaveLength(3);
});

test('the same text is not written again', async () => {
  const path = join(folder, 'signalbox.json');
  await writeFile(path, 'same');
  expect(await writeConfigFile(path, 'same')).toBeUndefined();
  expect(await readdir(folder)).toEqual(['signalbox.json']);
});

test('a symbolic link stays one, and the file behind it is written', async () => {
  await mkdir(join(folder, 'dotfiles'));
  const [link, target] = [join(folder, 'signalbox.json'), join(folder, 'dotfiles', 'box.json')];
  await writeFile(target, 'old');
  await symlink(target, link);
  await writeConfigFile(link, 'new', { now });
  expect(await readFile(target, 'utf8')).toBe('new');
  expect(await readdir(folder)).toEqual(['dotfiles', 'signalbox.json']);
});

test('a file changed in the meantime is left alone', async () => {
  const path = join(folder, 'signalbox.json');
  await writeFile(path, 'theirs');
  await expect(writeConfigFile(path, 'ours', { expected: { text: 'read before' } })).rejects.toThrow('it has changed in the meantime');
  await expect(writeConfigFile(path, 'ours', { expected: { text: undefined } })).rejects.toMatchObject({ code: 'CONFLICT' });
  expect(await readFile(path, 'utf8')).toBe('theirs');
});

test('the file of the current folder comes before that of the user', async () => {
  const [cwd, home] = [join(folder, 'project'), join(folder, 'home')];
  await mkdir(cwd);
  const place = { cwd, home, env: {} };
  expect(await findConfigFile(place)).toBeUndefined();
  const ofUser = defaultConfigFile(place);
  expect(ofUser).toBe(join(home, '.config', 'signalbox', 'signalbox.json'));
  await writeConfigFile(ofUser, '{}');
  expect(await findConfigFile(place)).toBe(ofUser);
  await writeFile(join(cwd, 'signalbox.jsonc'), '{}');
  expect(await findConfigFile(place)).toBe(join(cwd, 'signalbox.jsonc'));
  await writeFile(join(cwd, 'signalbox.json'), '{}');
  expect(await findConfigFile(place)).toBe(join(cwd, 'signalbox.json'));
});

test('XDG_CONFIG_HOME counts when it is absolute', () => {
  expect(defaultConfigFile({ home: '/h', env: { XDG_CONFIG_HOME: '/x' } })).toBe('/x/signalbox/signalbox.json');
  expect(defaultConfigFile({ home: '/h', env: { XDG_CONFIG_HOME: 'x' } })).toBe('/h/.config/signalbox/signalbox.json');
});
