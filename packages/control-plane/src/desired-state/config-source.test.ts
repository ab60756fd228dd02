import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toGatewayError } from '@signalbox/core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadConfig, readConfig, renderProblem, type LocatedProblem } from './config-source.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-config-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function problemsOf(text: string): { code: string; message: string; lines: string[] } {
  try {
    readConfig(text, '/etc/signalbox.json');
  } catch (cause) {
    const { code, message, data } = toGatewayError(cause);
    const problems = data?.['problems'] as LocatedProblem[] | undefined;
    return { code, message, lines: (problems ?? []).map(renderProblem) };
  }
  throw new Error('The text was accepted');
}

test('a file with comments, trailing commas and a byte order mark is read', async () => {
  const path = join(folder, 'signalbox.json');
  await writeFile(path, '\uFEFF{\n  // the address\n  "listen": { "port": 0, }, /* nothing else */\n}\n');
  expect((await loadConfig(path)).listen.port).toBe(0);
});

test('relative folders and module files start from the folder of the file, packages and addresses stay as they are', () => {
  const config = readConfig(
    `{ "mcpServers": {
      "bare": { "command": "x" }, "inner": { "command": "x", "cwd": "tools/a" }, "outer": { "command": "x", "cwd": "/srv" },
      "file": { "module": "./time.ts" }, "package": { "module": "@signalbox/module-time" }, "remote": { "url": "https://example.com/mcp" } } }`,
    '/etc/box/signalbox.json',
  );
  const { bare, inner, outer, file, package: named, remote } = config.mcpServers;
  expect([bare?.cwd, inner?.cwd, outer?.cwd]).toEqual(['/etc/box', '/etc/box/tools/a', '/srv']);
  expect([file?.module, named?.module]).toEqual(['/etc/box/time.ts', '@signalbox/module-time']);
  expect(remote?.cwd).toBeUndefined();
  expect(Object.isFrozen(config) && Object.isFrozen(config.mcpServers) && Object.isFrozen(bare)).toBe(true);
});

test.each([
  ['{\n  "listen": { "port": 1 }\n  "log": {}\n}', 'line 3, column 3: expected ",", found "\\"log\\""'],
  ['{ "listen" 1 }', 'line 1, column 12: expected ":", found "1"'],
  ['{ listen: 1 }', 'line 1, column 3: expected a value (text in double quotes, a number, true, false, null, {…} or […]), found "listen"'],
  ['{ "mcpServers": {\n', 'line 2, column 1: expected "}", found the end of the file'],
  ['', 'line 1, column 1: expected a value, found the end of the file'],
  ['{ "listen": { "host": "a\n" } }', 'line 1, column 23: expected a closing double quote on the same line, found "\\"a"'],
  ['{} {}', 'line 1, column 4: expected the end of the file, found "{"'],
])('the syntax error in %j says where it is and what was expected', (text, expected) => {
  const { code, message, lines } = problemsOf(text);
  expect(code).toBe('INVALID_CONFIG');
  expect(lines).toEqual([expected]);
  expect(message).toBe(`Cannot use the configuration "/etc/signalbox.json": ${expected}`);
});

test('every wrong setting is found in the file, also below names with dots and in lists', () => {
  const { message, lines } = problemsOf(`{
  "mcpServers": {
    "my.server": {
      "command": "x",
      "comand": "y",
      "timeouts": { "callMs": 0 },
      "args": ["ok",
        7]
    },
    "two": { "command": "x", "url": "http://localhost/" }
  },
  "lisen": {}
}`);
  expect(lines.map((line) => line.replace(/:.*/, ''))).toEqual([
    'line 8, column 9',
    'line 6, column 21',
    'line 5, column 7',
    'line 10, column 5',
    'line 12, column 3',
  ]);
  expect(lines[2]).toContain('mcpServers.my.server.comand is not a known key; did you mean "command"?');
  expect(message).toMatch(/\(and 4 more\)$/);
});

test('a setting in the spelling of another host is found there', () => {
  const { lines } = problemsOf('{\n  "servers": {\n    "a": { "comand": "x" }\n  }\n}');
  expect(lines.every((line) => line.startsWith('line 3, column '))).toBe(true);
});

test('a name given twice is refused, as one of the two would be silently lost', () => {
  const { lines } = problemsOf('{\n  "mcpServers": {\n    "a": { "command": "x" },\n    "a": { "command": "y" }\n  }\n}');
  expect(lines).toEqual(['line 4, column 5: mcpServers.a is given twice; the first is in line 3']);
});

test('a "__proto__" key is an unknown key like any other', () => {
  const { lines } = problemsOf('{ "listen": { "__proto__": { "port": 1 } } }');
  expect(lines[0]).toContain('__proto__');
});

test('a missing file says so', async () => {
  const path = join(folder, 'gone.json');
  await expect(loadConfig(path)).rejects.toMatchObject({
    code: 'INVALID_CONFIG',
    message: expect.stringContaining(`Cannot use the configuration "${path}": cannot be read: ENOENT`) as string,
  });
});

test('${configDir} stands for the folder of the file, at any depth', () => {
  const text = JSON.stringify({
    mcpServers: {
      a: { command: '${configDir}/run', args: ['${configDir}/x'], env: { FILE: '${configDir}/f' } },
      b: { module: 'm', config: { deep: ['${configDir}'] } },
    },
  });
  const { a, b } = readConfig(text, '/etc/box/signalbox.json').mcpServers;
  expect(a).toMatchObject({ command: '/etc/box/run', args: ['/etc/box/x'], env: { FILE: '/etc/box/f' } });
  expect(b).toMatchObject({ config: { deep: ['/etc/box'] } });
});
