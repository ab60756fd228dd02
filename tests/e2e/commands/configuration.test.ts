import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { createPerson } from './person.ts';

test('the first server is added to a new file in the user’s configuration folder', async () => {
  await using person = await createPerson();
  const { code, stdout } = await person.run('add', 'time', '--', 'uvx', 'mcp-server-time==2025.9.25', '--local-timezone', 'UTC');
  expect(code).toBe(0);
  expect(stdout).toContain('+    "time": {');
  expect(JSON.parse(await person.read('~/.config/signalbox/signalbox.json'))).toEqual({
    mcpServers: { time: { command: 'uvx', args: ['mcp-server-time==2025.9.25', '--local-timezone', 'UTC'] } },
  });
});

test('adding keeps comments, copies the old file, and the copy is what was there', async () => {
  await using person = await createPerson();
  const before = '{\n  // mine\n  "mcpServers": {\n    "one": { "command": "node" }, // first\n  },\n}\n';
  await person.write('signalbox.json', before);
  const { code, ...answer } = await person.run(
    'add',
    'web',
    'https://example.com/mcp',
    '--header',
    'Authorization=Bearer ${env:TOKEN}',
    '--json',
  );
  expect(code).toBe(0);
  const { backup } = answer.json() as { backup: string };
  expect(await person.read(backup)).toBe(before);
  const after = await person.read('signalbox.json');
  expect(after).toContain('// mine');
  expect(after).toContain('// first');
  expect(after).toContain('"Authorization": "Bearer ${env:TOKEN}"');
});

test('a secret is never shown, and its place is warned of', async () => {
  await using person = await createPerson();
  const secret = 'ghp_abcdefghijklmnopqrstuvwxyz0123456789';
  const { stdout, stderr } = await person.run('add', 'github', '--env', `GITHUB_TOKEN=${secret}`, '--', 'npx', '-y', 'server-github');
  expect(stdout + stderr).not.toContain(secret);
  expect(stderr).toContain("--env 'GITHUB_TOKEN=${env:GITHUB_TOKEN}'");
  expect(stderr).toContain('"server-github" names no exact version');
});

test('a name that is taken is refused, replaced with --force, and a dry run writes nothing', async () => {
  await using person = await createPerson();
  const text = '{ "mcpServers": { "one": { "command": "node" } } }';
  await person.write('signalbox.json', text);
  expect(await person.run('add', 'one', '--', 'deno')).toMatchObject({ code: 2, stderr: expect.stringContaining('--force') });
  expect(await person.run('add', 'two', '--dry-run', '--', 'deno')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('Nothing is written'),
  });
  expect(await person.read('signalbox.json')).toBe(text);
  expect(await readdir(person.cwd)).toEqual(['signalbox.json']);
  expect((await person.run('add', 'one', '--force', '--', 'deno')).code).toBe(0);
  expect(JSON.parse(await person.read('signalbox.json'))).toEqual({ mcpServers: { one: { command: 'deno' } } });
});

test('removing takes one server out and leaves the rest; a slip is answered with the nearest name', async () => {
  await using person = await createPerson();
  await person.write(
    'signalbox.json',
    '{\n  "mcpServers": {\n    "one": { "command": "node" },\n    "two": { "command": "deno" }\n  }\n}\n',
  );
  expect(await person.run('remove', 'oen')).toMatchObject({ code: 3, stderr: expect.stringContaining('did you mean "one"?') });
  expect((await person.run('remove', 'one')).code).toBe(0);
  expect(await person.read('signalbox.json')).toBe('{\n  "mcpServers": {\n    "two": { "command": "deno" }\n  }\n}\n');
});

test('a file that is no valid configuration is never written', async () => {
  await using person = await createPerson();
  const broken = '{ "mcpServers": { "one": { "comand": "node" } } }';
  await person.write('signalbox.json', broken);
  expect(await person.run('add', 'two', '--', 'deno')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('did you mean "command"?'),
  });
  expect(await person.read('signalbox.json')).toBe(broken);
});

test('config check names every problem with line and column, and ends with 1', async () => {
  await using person = await createPerson();
  await person.write('signalbox.json', '{\n  "mcpServers": {\n    "one": { "command": "node", "tiemouts": {} },\n    "two": {}\n  }\n}\n');
  const { code, stdout } = await person.run('config', 'check');
  expect(code).toBe(1);
  expect(stdout).toContain('2 problems');
  expect(stdout).toMatch(/line 3, column \d+: mcpServers\.one\.tiemouts is not a known key; did you mean "timeouts"\?/);
  expect(stdout).toMatch(/line 4, column \d+: mcpServers\.two needs exactly one of/);
  const asJson = await person.run('config', 'check', '--json');
  expect(asJson.json()).toMatchObject({ valid: false, problems: [{ line: 3 }, { line: 4 }] });
});

test('config check says what a valid file holds, also one named on the command line', async () => {
  await using person = await createPerson();
  await person.write('other.json', { mcpServers: { one: { command: 'node' }, web: { url: 'https://example.com/mcp', disabled: true } } });
  expect(await person.run('config', 'check', 'other.json')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('2 servers (1 stdio, 1 http; 1 switched off)'),
  });
});

test('config schema is JSON Schema that describes every option', async () => {
  await using person = await createPerson();
  const { code, ...answer } = await person.run('config', 'schema');
  expect(code).toBe(0);
  expect(answer.json()).toMatchObject({
    $schema: expect.stringContaining('json-schema.org'),
    properties: { mcpServers: expect.any(Object), listen: expect.any(Object) },
  });
});

test('import shows what it found, writes only with --yes, and says how to take it back', async () => {
  await using person = await createPerson();
  const secret = 'ghp_abcdefghijklmnopqrstuvwxyz0123456789';
  await person.write('~/.cursor/mcp.json', {
    mcpServers: { github: { command: 'npx', args: ['-y', 'server-github@1.0.0'], env: { GITHUB_TOKEN: secret } } },
  });
  const before = await person.read('~/.cursor/mcp.json');
  const dry = await person.run('import', '--dry-run', '--connect');
  expect(dry).toMatchObject({ code: 0, stdout: expect.stringContaining('+ github') });
  expect(dry.stdout + dry.stderr).not.toContain(secret);
  expect(await readdir(path.join(person.home))).not.toContain('.config');

  const { code, stdout } = await person.run('import', 'cursor', '--yes', '--connect', '--secrets-as-references');
  expect(code).toBe(0);
  expect(stdout).toContain('To take it back:');
  expect(stdout).toContain('GITHUB_TOKEN');
  expect(await person.read('~/.config/signalbox/signalbox.json')).toContain('"GITHUB_TOKEN": "${env:GITHUB_TOKEN}"');
  expect(await person.read('~/.cursor/mcp.json')).toContain('http://127.0.0.1:7420/mcp');
  const backup = /cp (\S+mcp\.json\.\S+\.bak)/.exec(stdout)?.[1] ?? '';
  expect(await person.read(backup)).toBe(before);
  expect(await person.run('import', '--yes')).toMatchObject({ code: 0, stdout: expect.stringContaining('nothing to write') });
});

test('import ends with 3 where no client is', async () => {
  await using person = await createPerson();
  expect(await person.run('import', '--dry-run')).toMatchObject({ code: 3, stderr: expect.stringContaining('Claude Code') });
});

test('doctor names each fault with its mending and ends with 1', async () => {
  await using person = await createPerson();
  await person.write('signalbox.json', {
    listen: { port: 0 },
    mcpServers: {
      good: { command: 'node' },
      bad: { command: 'no-such-program' },
      secret: { command: 'node', env: { KEY: '${env:NOT_SET_ANYWHERE}' } },
    },
  });
  const { code, ...answer } = await person.run('doctor', '--json');
  expect(code).toBe(1);
  const { findings } = answer.json() as { findings: readonly { level: string; subject: string; message: string; fix?: string }[] };
  const errors = findings.filter(({ level }) => level === 'error');
  expect(errors.map(({ subject }) => subject)).toEqual(['bad', 'secret']);
  expect(errors.every(({ fix }) => fix !== undefined)).toBe(true);
  expect(errors[1]?.message).toContain('NOT_SET_ANYWHERE');
});
