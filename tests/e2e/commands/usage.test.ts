import { expect, test } from 'vitest';
import { createPerson } from './person.ts';

test('without a word it shows what it can do', async () => {
  await using person = await createPerson();
  const { code, stdout } = await person.run();
  expect(code).toBe(0);
  for (const command of [
    'serve',
    'stdio',
    'add',
    'remove',
    'import',
    'list',
    'tools',
    'call',
    'status',
    'logs',
    'restart',
    'doctor',
    'config',
  ]) {
    expect(stdout).toMatch(new RegExp(`^  ${command}\\b`, 'm'));
  }
});

test('the version is one line', async () => {
  await using person = await createPerson();
  expect(await person.run('--version')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/), stderr: '' });
});

test.each([
  [['frob'], /unknown command 'frob'/],
  [['serve', '--prt', '1'], /Did you mean --port\?/],
  [['serve', '--port', '70000'], /whole number from 0 to 65535/],
  [['add', 'x', 'npx', '-y', 'server'], /Put "--" in front of the command/],
  [['add', 'x', 'https://example.com/mcp', '--env', 'A=1'], /are for commands/],
  [['call', 'echo', '{'], /Cannot read the arguments as JSON/],
  [['call', 'echo', '[1]'], /are an array/],
  [['call', 'echo', '@missing.json'], /Cannot read "missing\.json"/],
  [['import', 'emacs'], /There is no client "emacs"/],
  [['import'], /--dry-run/],
])('%j is bad usage: exit code 2, nothing on stdout, and what to do on stderr', async (words, message) => {
  await using person = await createPerson();
  expect(await person.run(...words)).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(message) });
});

test.each([
  ['list'],
  ['tools'],
  ['status'],
  ['serve'],
  ['stdio'],
  ['config check'],
  ['remove x'],
  ['config diff'],
  ['logs'],
  ['restart x'],
])('without a configuration "%s" ends with 3, says where it looked and what to do', async (words) => {
  await using person = await createPerson();
  const { code, stdout, stderr } = await person.run(...words.split(' '));
  expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
  expect(stderr).toContain(person.cwd);
  expect(stderr).toContain('.config/signalbox');
  expect(stderr).toContain('signalbox import');
});

test.each([['status'], ['restart time'], ['logs time'], ['config diff']])(
  'without a running gateway "%s" ends with 3 and says how to start one',
  async (words) => {
    await using person = await createPerson();
    await person.write('signalbox.json', { mcpServers: {} });
    expect(await person.run(...words.split(' '))).toMatchObject({
      code: 3,
      stdout: '',
      stderr: expect.stringContaining('signalbox serve'),
    });
  },
);

test('an error is one line of JSON on stderr where JSON is asked for', async () => {
  await using person = await createPerson();
  const { code, stdout, stderr } = await person.run('list', '--json');
  expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
  expect(JSON.parse(stderr)).toEqual({ error: { code: 'NOT_FOUND', message: expect.any(String), hint: expect.any(String) } });
});

test('a stack is shown only with --debug', async () => {
  await using person = await createPerson();
  expect((await person.run('list')).stderr).not.toMatch(/^ +at /m);
  expect((await person.run('list', '--debug')).stderr).toMatch(/^ +at /m);
});
