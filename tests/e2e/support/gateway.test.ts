import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { expect, test } from 'vitest';
import { runSignalbox, startGateway } from './gateway.ts';
import { countHandles, isAlive, processesWith, processTree, residentBytes } from './process-tree.ts';
import { rpc } from './raw-client.ts';

const SERVER = path.resolve(import.meta.dirname, '../../faults/servers/stdio-server.mjs');

test('a started gateway answers both generations and leaves nothing behind', async () => {
  const marker = `marker-${randomUUID()}`;
  const config = { mcpServers: { good: { command: process.execPath, args: [SERVER, '--name', marker] } } };
  let pids: number[];
  {
    await using gateway = await startGateway({ config });
    const session = await rpc(gateway.url).handshake();
    const call = { name: 'echo', arguments: { text: 'hi' } };
    expect(await session.request('tools/call', call)).toMatchObject({ result: { content: [{ text: 'hi' }] } });
    expect(await rpc(gateway.url).modern().request('tools/call', call)).toMatchObject({ result: { resultType: 'complete' } });
    expect(gateway.stdout()).toContain(gateway.url);
    expect(processesWith(marker)).toHaveLength(1);
    pids = [gateway.pid, ...processTree(gateway.pid).map(({ pid }) => pid)];
    await session.close();
  }
  expect(pids.length).toBeGreaterThan(1);
  expect(pids.filter(isAlive)).toEqual([]);
  expect(processesWith(marker)).toEqual([]);
});

test('a gateway that refuses to start fails with what it wrote', async () => {
  await expect(startGateway({ config: '{ "mcpServers": ' })).rejects.toThrow(/did not get ready[\s\S]*signalbox\.json/);
});

test('clients that come and go leave no handles and little memory', async () => {
  const config = { mcpServers: { good: { command: process.execPath, args: [SERVER] } } };
  await using gateway = await startGateway({ config });
  const comeAndGo = async () => {
    const session = await rpc(gateway.url).handshake();
    await session.request('tools/list');
    await session.close();
  };
  for (let round = 0; round < 50; round++) await comeAndGo();
  const [handles, bytes] = [countHandles(gateway.pid), residentBytes(gateway.pid)];
  for (let round = 0; round < 200; round++) await comeAndGo();
  expect(countHandles(gateway.pid)).toBeLessThan(handles + 10);
  expect(residentBytes(gateway.pid) - bytes).toBeLessThan(30 * 1024 * 1024);
});

test('a command runs to its end', async () => {
  expect(await runSignalbox(['--version'])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/), stderr: '' });
});
