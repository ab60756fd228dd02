import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { openStore } from '@signalbox/storage';
import { expect, test } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import { createPerson, type Person } from './person.ts';

const dataOf = (person: Person) => path.join(person.cwd, 'data');

/** Puts one value more into the store of a person, and says how many there are. */
async function fill(person: Person): Promise<number> {
  const store = await openStore({ url: 'sqlite:', namespace: 'signalbox', dataDir: dataOf(person) });
  await store.commit([{ kind: 'append', log: 'log', values: [Buffer.from('x')] }]);
  const { last } = await store.span('log');
  await store.close();
  return last;
}

test('a backup is put back in the place of the store, which is set aside', async () => {
  await using person = await createPerson();
  await person.write('signalbox.json', { mcpServers: {} });
  await fill(person);
  const made = await person.run('backup', 'safe', '--data', 'data');
  expect(made).toMatchObject({ code: 0, stdout: expect.stringContaining('signalbox restore') });
  expect((await stat(path.join(person.cwd, 'safe', 'store.db'))).mode & 0o777).toBe(0o600);
  expect(await fill(person)).toBe(2);
  expect(await person.run('backup', 'safe', '--data', 'data')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('something already'),
  });
  const { code, ...restored } = await person.run('restore', 'safe', '--data', 'data', '--json');
  expect(code).toBe(0);
  expect(restored.json()['aside']).toContain('store.db.before-');
  expect(await fill(person)).toBe(2);
});

test('an export fills an empty store, and another one only to replace what is there', async () => {
  await using person = await createPerson();
  await person.write('signalbox.json', { mcpServers: {} });
  await fill(person);
  const exported = await person.run('export', 'all.export', '--data', 'data', '--json');
  expect(exported.json()).toMatchObject({ entries: 0, logEntries: 1 });
  expect(await person.run('import-data', 'all.export', '--data', 'data')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('--replace'),
  });
  expect(await person.run('import-data', 'all.export', '--data', 'data', '--replace')).toMatchObject({ code: 0 });
  expect(await person.run('import-data', 'all.export', '--data', 'other')).toMatchObject({ code: 0 });
  expect(await fill(person)).toBe(2);
  expect((await readdir(person.cwd)).toSorted()).toEqual(['all.export', 'data', 'other', 'signalbox.json']);
});

test('what is not there is said, and nothing is made in its place', async () => {
  await using person = await createPerson();
  await person.write('signalbox.json', { mcpServers: {} });
  expect(await person.run('backup', '--data', 'data')).toMatchObject({ code: 3, stderr: expect.stringContaining('There is no store') });
  expect(await person.run('restore', 'none', '--data', 'data')).toMatchObject({ code: 3 });
  expect(await person.run('import-data', 'none', '--data', 'data')).toMatchObject({ code: 3 });
  await person.write('signalbox.json', { mcpServers: {}, storage: { url: 'memory:' } });
  expect(await person.run('export', 'all.export', '--data', 'data')).toMatchObject({ code: 3, stderr: expect.stringContaining('memory:') });
  expect(await readdir(person.cwd)).toEqual(['signalbox.json']);
});

test('beside a running gateway a backup is made, and nothing is restored or imported', async () => {
  await using person = await createPerson();
  await person.write('signalbox.json', { mcpServers: {} });
  await fill(person);
  await using gateway = await startGateway({ config: { mcpServers: {} }, dataDir: dataOf(person) });
  const where = ['--config', gateway.configFile, '--data', gateway.dataDir];
  expect(await person.run('backup', 'safe', ...where)).toMatchObject({ code: 0 });
  expect(await person.run('export', 'all.export', ...where)).toMatchObject({ code: 0 });
  const refusal = { code: 1, stderr: expect.stringMatching(/while a gateway uses the store[^]*Stop it/) };
  expect(await person.run('restore', 'safe', ...where)).toMatchObject(refusal);
  expect(await person.run('import-data', 'all.export', '--replace', ...where)).toMatchObject(refusal);
});
