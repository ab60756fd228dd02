import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { startGateway, type RunningGateway } from '../e2e/support/gateway.ts';
import { countHandles, isAlive, processTree, processesWith } from '../e2e/support/process-tree.ts';
import { rpc } from '../e2e/support/raw-client.ts';
import { callTool, eventually, statusOf, untilState, upstreamOf } from './support/observe.ts';
import { goodUpstream, startHttpUpstream, stdioUpstream } from './support/upstreams.ts';

const PROGRAM = path.resolve(import.meta.dirname, '../../apps/gateway/bin/signalbox.js');

describe('clients that come and go', () => {
  test('a hundred of them leave no process, no handle and no session behind', async () => {
    await using gateway = await startGateway({ config: { mcpServers: { good: goodUpstream() } } });
    const cycle = async () => {
      const session = await rpc(gateway.url).handshake();
      expect((await callTool(session, 'echo')).text).toBe('hi');
      await session.close();
    };
    for (let count = 0; count < 5; count++) await cycle();
    const before = await footprint(gateway);
    for (let count = 0; count < 100; count++) await cycle();
    const after = await eventually(
      () => footprint(gateway),
      ({ handles }) => Math.abs(handles - before.handles) <= 3,
    );
    expect(after.children).toEqual(before.children);
    expect(after.sessions).toEqual({ open: 0, streams: 0 });
    expect(await upstreamOf(gateway, 'good')).toMatchObject({ starts: 1, calls: 105, failures: 0, inFlight: 0 });
  });

  test('twenty over stdio each take their whole gateway with them', async () => {
    const mark = randomUUID();
    const folder = await mkdtemp(path.join(tmpdir(), 'signalbox-'));
    const config = path.join(folder, 'signalbox.json');
    await writeFile(
      config,
      JSON.stringify({ mcpServers: { marked: stdioUpstream('good', { args: ['--name', mark, '--prefix', 'm_'] }) } }),
    );
    for (let count = 0; count < 20; count++) {
      const { code, pids } = await stdioCycle(['stdio', '--config', config, '--data', path.join(folder, 'data')]);
      expect(code).toBe(0);
      expect(pids.filter(isAlive)).toEqual([]);
    }
    expect(processesWith(mark)).toEqual([]);
    await rm(folder, { recursive: true });
  });
});

describe('the end of the gateway', () => {
  const unwilling = {
    good: goodUpstream(),
    stubborn: stdioUpstream('stubborn', { args: ['--prefix', 'stubborn_'], entry: { timeouts: { stopMs: 300 } } }),
    daemon: stdioUpstream('daemon', { args: ['--prefix', 'daemon_'], entry: { timeouts: { stopMs: 300 } } }),
  };

  async function startUnwilling(): Promise<{ readonly gateway: RunningGateway; readonly pids: readonly number[] }> {
    const gateway = await startGateway({ config: { mcpServers: unwilling } });
    await Promise.all(Object.keys(unwilling).map((name) => untilState(gateway, name, 'ready')));
    const session = rpc(gateway.url).modern();
    const named = await Promise.all(['pids', 'stubborn_pids', 'daemon_pids'].map((name) => callTool(session, name, {})));
    const told = named.flatMap(({ text }) => JSON.parse(text!) as number[]);
    expect(told).toHaveLength(5);
    // The guard is a child as well, and must end like the others.
    const pids = [...new Set([...told, ...processTree(gateway.pid).map(({ pid }) => pid)])];
    expect(pids.every(isAlive)).toBe(true);
    return { gateway, pids };
  }

  test('after kill -9 no child is alive within 5 s, whatever it ignores and wherever it hides', async () => {
    const { gateway, pids } = await startUnwilling();
    expect(await gateway.stop('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' });
    await eventually(
      () => pids.filter(isAlive),
      (alive) => alive.length === 0,
      5_000,
    );
  });

  test('after SIGTERM it has ended them all when it ends itself, with code 0', async () => {
    const { gateway, pids } = await startUnwilling();
    const startedAt = performance.now();
    expect(await gateway.stop('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    expect(pids.filter(isAlive)).toEqual([]);
  });

  test('it waits for no upstream that is still on its way up', async () => {
    await using web = await startHttpUpstream('hang-all');
    const starting = {
      web: { url: web.url },
      opening: stdioUpstream('silent-initialize'),
      listing: stdioUpstream('silent-list'),
      pages: stdioUpstream('endless-cursors'),
    };
    const gateway = await startGateway({ config: { mcpServers: starting } });
    await eventually(
      () => processTree(gateway.pid).length,
      (count) => count >= 4,
    );
    const pids = processTree(gateway.pid).map(({ pid }) => pid);
    const startedAt = performance.now();
    expect(await gateway.stop('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(performance.now() - startedAt).toBeLessThan(3_000);
    expect(pids.filter(isAlive)).toEqual([]);
  });
});

describe('a child', () => {
  test('that is taken out of the configuration ends at once, also while it starts', async () => {
    const mark = randomUUID();
    const silent = stdioUpstream('silent-initialize', { args: ['--name', mark] });
    await using gateway = await startGateway({ config: { mcpServers: { silent, good: goodUpstream() } } });
    await eventually(
      () => processesWith(mark).length,
      (count) => count === 1,
    );
    await writeFile(gateway.configFile, JSON.stringify({ mcpServers: { good: goodUpstream() } }));
    await eventually(
      () => processesWith(mark).length,
      (count) => count === 0,
      5_000,
    );
    expect((await statusOf(gateway)).upstreams.map(({ name, starts }) => [name, starts])).toEqual([['good', 1]]);
  });

  test('that is killed is back at the next call', async () => {
    // Nobody kills a program ten times a second; the wait between restarts is there for those that die by themselves.
    await using gateway = await startGateway({ config: { mcpServers: { good: goodUpstream({ restart: { backoffMs: 20 } }) } } });
    const session = await rpc(gateway.url).handshake();
    expect((await callTool(session, 'echo')).text).toBe('hi');
    const handles = countHandles(gateway.pid);
    for (let round = 0; round < 20; round++) {
      const { pid } = await upstreamOf(gateway, 'good');
      process.kill(pid!, 'SIGKILL');
      // Until its parent has collected it, a last thread of it may still take a message that nobody will read.
      await eventually(
        () => existsSync(`/proc/${pid}`),
        (exists) => !exists,
      );
      const { text, error } = await callTool(session, 'echo', { text: `round ${round}` });
      expect(error).toBeUndefined();
      expect(text).toBe(`round ${round}`);
    }
    await eventually(
      () => countHandles(gateway.pid),
      (now) => Math.abs(now - handles) <= 3,
    );
    await session.close();
  });

  test('gets the environment it was promised, and nothing else of the gateway', async () => {
    const entry = {
      env: { PLAIN: 'written down', REFERENCED: { env: 'GATEWAY_TOKEN' }, INSIDE: 'Bearer ${env:GATEWAY_TOKEN}' },
      inheritEnv: ['GATEWAY_REGION'],
    };
    const env = {
      GATEWAY_TOKEN: 't0ken',
      GATEWAY_REGION: 'north',
      GATEWAY_SECRET: 'hush',
      NODE_OPTIONS: '--no-warnings',
      LD_LIBRARY_PATH: '/nowhere',
    };
    await using gateway = await startGateway({ config: { mcpServers: { good: goodUpstream(entry) } }, env });
    const { text } = await callTool(rpc(gateway.url).modern(), 'env', {});
    const { SIGNALBOX_CHILD: mark, ...seen } = JSON.parse(text!) as Record<string, string>;
    expect(mark).toMatch(/^[0-9a-f-]{36}$/);
    const short = ['HOME', 'LANG', 'LC_ALL', 'LC_CTYPE', 'LOGNAME', 'PATH', 'SHELL', 'TERM', 'TMPDIR', 'TZ', 'USER'];
    const promised = Object.fromEntries(short.filter((name) => process.env[name] !== undefined).map((name) => [name, process.env[name]]));
    expect(seen).toEqual({ ...promised, PLAIN: 'written down', REFERENCED: 't0ken', INSIDE: 'Bearer t0ken', GATEWAY_REGION: 'north' });
  });
});

async function footprint(gateway: RunningGateway) {
  const { sessions } = await statusOf(gateway);
  return { sessions, handles: countHandles(gateway.pid), children: processTree(gateway.pid).map(({ pid }) => pid) };
}

/** Connects, calls a tool and leaves, and tells which processes there were meanwhile. */
async function stdioCycle(args: readonly string[]): Promise<{ readonly code: number | null; readonly pids: readonly number[] }> {
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const closed = once(child, 'close') as Promise<[number | null]>;
  let answers = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (answers += text));
  const send = (message: object) => child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  const clientInfo = { name: 'cycle', version: '1.0.0' };
  send({ id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo } });
  send({ method: 'notifications/initialized' });
  send({ id: 2, method: 'tools/list' });
  await eventually(
    () => answers,
    (text) => text.includes('"id":2'),
  );
  send({ id: 3, method: 'tools/call', params: { name: 'm_echo', arguments: { text: 'from stdio' } } });
  await eventually(
    () => answers,
    (text) => text.includes('from stdio'),
  );
  const pids = processTree(child.pid!).map(({ pid }) => pid);
  expect(pids.length).toBeGreaterThanOrEqual(2);
  child.stdin.end();
  const [code] = await closed;
  return { code, pids };
}
