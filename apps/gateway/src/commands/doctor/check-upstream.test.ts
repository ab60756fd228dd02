import { createServer } from 'node:net';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseGatewayConfig } from '@signalbox/core';
import { expect, test } from 'vitest';
import { checkUpstream, findProgram } from './check-upstream.ts';

const check = (entry: Record<string, unknown>, env: Record<string, string> = { PATH: process.env['PATH'] ?? '' }) =>
  checkUpstream({
    name: 'it',
    config: parseGatewayConfig({ mcpServers: { it: entry } }).mcpServers['it']!,
    configPath: join(tmpdir(), 'signalbox.json'),
    env,
  });

test('a program that is there is in order, and the finding says which one runs', async () => {
  expect(await check({ command: 'node', cwd: tmpdir() })).toEqual([
    { level: 'ok', subject: 'it', message: expect.stringMatching(/^runs \/.*node$/) },
  ]);
});

test('a program that is missing, its folder that is missing, and a variable that is not set are errors', async () => {
  expect(await check({ command: 'no-such-program', cwd: tmpdir() })).toMatchObject([
    { level: 'error', message: 'there is no program "no-such-program" on PATH' },
  ]);
  expect(await check({ command: 'node', cwd: '/no/such/folder' })).toMatchObject([
    { level: 'error', message: 'its folder "/no/such/folder" does not exist' },
  ]);
  expect(await check({ command: 'node', cwd: tmpdir(), env: { A: '${env:NOT_SET}' } })).toMatchObject([
    { level: 'error', message: 'the environment variable "NOT_SET" is not set' },
  ]);
});

test('a secret written out and a package without a version are warnings, and the secret is not shown', async () => {
  const secret = 'ghp_abcdefghijklmnopqrstuvwxyz0123456789';
  const findings = await check({ command: 'npx', args: ['-y', 'server'], cwd: tmpdir(), env: { API_KEY: secret } });
  expect(findings.map(({ level }) => level)).toEqual(['warn', 'warn']);
  expect(JSON.stringify(findings)).not.toContain(secret);
});

test('an address is in order when something listens there', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  for (const scheme of ['http', 'ws']) expect(await check({ url: `${scheme}://127.0.0.1:${port}/mcp` })).toMatchObject([{ level: 'ok' }]);
  server.close();
  await once(server, 'close');
  expect(await check({ url: `http://127.0.0.1:${port}/mcp` })).toMatchObject([
    { level: 'error', message: expect.stringContaining('cannot be reached') },
  ]);
});

test('a module that cannot be found is an error', async () => {
  expect(await check({ module: '@signalbox/no-such-module' })).toMatchObject([
    { level: 'error', message: expect.stringContaining('cannot be loaded') },
  ]);
});

test('what is switched off is not looked at', async () => {
  expect(await check({ command: 'no-such-program', disabled: true })).toMatchObject([{ level: 'ok', message: 'is switched off' }]);
});

test('a file that is not executable is no program', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-doctor-'));
  await writeFile(join(folder, 'tool'), '', { mode: 0o644 });
  expect(await findProgram('tool', { folder: '/', path: folder })).toBeUndefined();
  await rm(folder, { recursive: true });
});
