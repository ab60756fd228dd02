import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { askAdmin, untilState } from '../support/admin.ts';
import { runSignalbox, startGateway } from '../support/gateway.ts';
import { createPerson } from './person.ts';

const TIME = { module: '@signalbox/module-time' };

test('with a running gateway changes, history, comparisons and going back are commands', async () => {
  await using gateway = await startGateway({ config: { mcpServers: { time: TIME } } });
  await untilState(gateway, 'time', 'ready');
  const place = ['--config', gateway.configFile, '--data', gateway.dataDir];
  const run = (...words: string[]) => runSignalbox(words.includes('--') ? words.toSpliced(2, 0, ...place) : [...words, ...place]);

  expect(await run('add', 'other', '--', 'node', '--version')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('"other"') as string,
  });
  const listed = await run('history', '--json');
  expect(JSON.parse(listed.stdout)).toMatchObject({
    versions: [{ version: 2, by: 'local', action: 'config.change', isFileChanged: true }, { version: 1 }],
  });
  expect(await run('config', 'diff', '2', '1')).toMatchObject({ code: 0, stdout: '- mcpServers.other\n' });
  expect(await run('config', 'diff', '1')).toMatchObject({ code: 0, stdout: '+ mcpServers.other\n' });
  expect(await run('rollback', '1', '--dry-run')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('Nothing is changed') as string,
  });
  expect(await run('rollback', '1', '--reason', 'too soon')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('Version 3 is what version 1 was') as string,
  });
  expect(JSON.parse(await readFile(gateway.configFile, 'utf8'))).toEqual({ mcpServers: { time: TIME } });
  expect(await run('history', '--action', 'config.rollback')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^ +3 .*to version 1, the file +too soon$/m) as string,
  });
  expect(await run('rollback', '9')).toMatchObject({ code: 3, stderr: expect.stringContaining('There is no version 9') as string });
  expect(await run('reload')).toMatchObject({ code: 0, stdout: expect.stringContaining('works by its file') as string });

  await askAdmin(gateway.dataDir, '/changes', 'POST', { body: { operations: [{ op: 'set', path: 'mcpServers.mine', value: TIME }] } });
  expect(await run('remove', 'mine')).toMatchObject({ code: 0, stdout: expect.stringContaining('what the API owns') as string });
});

test('without a gateway the same commands work on the file, and those that need one say so', async () => {
  await using person = await createPerson();
  await person.write('signalbox.json', { mcpServers: { time: TIME } });
  expect(await person.run('add', 'other', '--', 'node')).toMatchObject({ code: 0 });
  expect(JSON.parse(await person.read(path.join(person.cwd, 'signalbox.json')))).toMatchObject({
    mcpServers: { other: { command: 'node' } },
  });
  expect(await person.run('history', '--json')).toMatchObject({ code: 0, stdout: expect.stringContaining('"by": "file"') as string });
  for (const words of [['reload'], ['cache', 'status'], ['profile', 'cpu']]) {
    expect(await person.run(...words)).toMatchObject({ code: 3, stderr: expect.stringContaining('No gateway is running') as string });
  }
});
