import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, test } from 'vitest';
import { eventually } from '../../e2e/support/eventually.ts';
import { isAlive, processTree } from '../../e2e/support/process-tree.ts';
import { rpc } from '../../e2e/support/raw-client.ts';

// The tests of the gateway's bad days are worth as much as the servers that play them.

interface Answer {
  readonly id?: unknown;
  readonly method?: string;
  readonly result?: {
    readonly tools?: readonly { readonly name: string }[];
    readonly nextCursor?: string;
    readonly content?: readonly { text: string }[];
  };
  readonly error?: { readonly code: number };
}

describe('the stdio server', () => {
  test('behaves when no fault is asked for, in both generations', async () => {
    await using server = startServer('--era', 'both', '--tools', '3', '--prefix', 'a_');
    expect(await server.open()).toMatchObject({ result: { protocolVersion: '2025-11-25' } });
    expect((await server.ask('tools/list')).result?.tools).toHaveLength(8);
    expect(await server.call('a_echo', { text: 'hi' })).toMatchObject({ result: { content: [{ text: 'hi' }] } });
    expect(await server.call('echo')).toMatchObject({ error: { code: -32602 } });
    const modern = { _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } };
    expect(await server.ask('server/discover', modern)).toMatchObject({ result: { resultType: 'complete' } });
  });

  test('a handshake server refuses the modern opening', async () => {
    await using server = startServer('--era', 'handshake');
    expect(await server.ask('server/discover')).toMatchObject({ error: { code: -32601 } });
  });

  test('delays its handshake as long as asked', async () => {
    await using server = startServer('--init-delay', '200');
    const startedAt = performance.now();
    await server.open();
    expect(performance.now() - startedAt).toBeGreaterThan(190);
  });

  test('prints garbage around its answers', async () => {
    await using server = startServer('--mode', 'garbage');
    await server.open();
    expect(server.lines.filter((line) => !isJsonObject(line)).length).toBeGreaterThan(5);
  });

  test.each([
    ['exit-at-once', 3],
    ['exit-after-handshake', 4],
    ['crash-on-call', 5],
  ])('%s ends with its own code', async (mode, code) => {
    await using server = startServer('--mode', mode);
    server.send({ id: 1, method: 'initialize', params: {} });
    server.send({ method: 'notifications/initialized' });
    server.send({ id: 2, method: 'tools/call', params: { name: 'echo', arguments: { text: '' } } });
    expect(await server.exited).toEqual([code, null]);
  });

  test.each([
    ['silent-initialize', 'initialize'],
    ['silent-list', 'tools/list'],
    ['silent-call', 'tools/call'],
    ['silent-ping', 'ping'],
  ])('%s answers everything but %s', async (mode, silent) => {
    await using server = startServer('--mode', mode);
    server.send({ id: 'silent', method: silent, params: { name: 'echo', arguments: { text: '' } } });
    const other = silent === 'tools/list' ? 'ping' : 'tools/list';
    expect(await server.ask(other)).toHaveProperty('result');
    expect(server.answers.map(({ id }) => id)).not.toContain('silent');
  });

  test('answers twice, with wrong ids, and unasked', async () => {
    await using twice = startServer('--mode', 'answer-twice');
    await twice.ask('ping');
    await twice.until(() => twice.answers.length === 2);
    await using wrong = startServer('--mode', 'wrong-id');
    wrong.send({ id: 5, method: 'tools/call', params: { name: 'echo' } });
    await wrong.until(() => wrong.answers.length === 1);
    expect(wrong.answers[0]?.id).toBe('not-5');
    await using unasked = startServer('--mode', 'unsolicited-ids');
    await unasked.ask('ping');
    expect(unasked.answers.map(({ id }) => id)).toEqual([987_654_321, null, '7', 1]);
  });

  test('floods stdout and stderr before it answers', async () => {
    await using out = startServer('--mode', 'flood-stdout');
    await out.call('echo', { text: 'x' });
    expect(out.lines).toHaveLength(100_001);
    await using err = startServer('--mode', 'flood-stderr');
    await err.call('echo', { text: 'x' });
    expect(err.stderr().length).toBeGreaterThan(10_000_000);
  });

  test('writes a line of 100 MB, bytes that are no UTF-8, and a result nested very deeply', async () => {
    await using huge = startServer('--mode', 'huge-line');
    huge.send({ id: 1, method: 'tools/call', params: { name: 'echo' } });
    await huge.until(() => huge.lines.length === 1);
    expect(huge.lines[0]!.length).toBeGreaterThan(100 * 1024 * 1024);
    await using invalid = startServer('--mode', 'invalid-utf8');
    expect((await invalid.call('echo')).result?.content?.[0]?.text).toContain('\uFFFD');
    await using deep = startServer('--mode', 'deep-result');
    deep.send({ id: 1, method: 'tools/call', params: { name: 'echo' } });
    await deep.until(() => deep.lines.length === 1);
    expect(deep.lines[0]!.split('{"a":')).toHaveLength(100_001);
  });

  test('pages in a circle, and without end', async () => {
    await using circle = startServer('--mode', 'cursor-cycle');
    expect((await circle.ask('tools/list')).result?.nextCursor).toBe('a');
    expect((await circle.ask('tools/list', { cursor: 'a' })).result?.nextCursor).toBe('b');
    expect((await circle.ask('tools/list', { cursor: 'b' })).result?.nextCursor).toBe('a');
    await using endless = startServer('--mode', 'endless-cursors');
    const cursors = [await endless.ask('tools/list'), await endless.ask('tools/list')].map(({ result }) => result?.nextCursor);
    expect(new Set(cursors).size).toBe(2);
  });

  test('changes its list and says so', async () => {
    await using server = startServer('--mode', 'changing-list');
    const before = (await server.ask('tools/list')).result!.tools!.length;
    await server.call('echo', { text: 'x' });
    await server.until(() => server.answers.some(({ method }) => method === 'notifications/tools/list_changed'));
    expect((await server.ask('tools/list')).result?.tools).toHaveLength(before + 1);
  });

  test('a stubborn one and its child outlive SIGTERM and the end of stdin', async () => {
    await using server = startServer('--mode', 'stubborn');
    await server.open();
    const [child] = processTree(server.pid);
    const pids = JSON.parse((await server.call('pids')).result!.content![0]!.text) as number[];
    expect(pids).toEqual([server.pid, child!.pid]);
    server.end();
    for (const pid of pids) process.kill(pid, 'SIGTERM');
    await server.until(() => server.stderr().includes('ignoring SIGTERM'));
    expect(pids.every(isAlive)).toBe(true);
    process.kill(child!.pid, 'SIGKILL');
  });

  test('a daemon leaves a process that no parent leads to', async () => {
    await using server = startServer('--mode', 'daemon');
    await server.open();
    const [, daemon] = JSON.parse((await server.call('pids')).result!.content![0]!.text) as number[];
    expect(isAlive(daemon!)).toBe(true);
    // The process between the two may take a moment to end, and says nothing of it.
    await eventually('no parent leads to the daemon', () =>
      processTree(server.pid).every(({ pid }) => pid !== daemon) ? true : undefined,
    );
    process.kill(daemon!, 'SIGKILL');
  });
});

describe('the HTTP server', () => {
  const call = { name: 'echo', arguments: { text: 'hi' } };

  test('behaves when no fault is asked for, in both generations', async () => {
    await using server = await startHttpServer('--era', 'both');
    const session = await server.client.handshake();
    expect((await session.request('tools/call', call)).result).toEqual({ content: [{ type: 'text', text: 'hi' }] });
    expect((await server.client.modern().request('tools/call', call)).result).toMatchObject({ resultType: 'complete' });
    await session.close();
    expect((await session.exchange('ping')).status).toBe(404);
  });

  test.each([
    ['error-500', 500, 'text/html'],
    ['wrong-type', 200, 'text/html'],
    ['empty-stream', 200, 'text/event-stream'],
    ['sse', 200, 'text/event-stream'],
  ])('%s answers calls with %i and %s', async (mode, status, type) => {
    await using server = await startHttpServer('--mode', mode);
    const session = await server.client.handshake();
    const { status: got, headers } = await session.exchange('tools/call', call);
    expect([got, headers['content-type']]).toEqual([status, type]);
  });

  test.each(['cut-body', 'cut-stream'])('%s breaks off in the middle', async (mode) => {
    await using server = await startHttpServer('--mode', mode);
    const session = await server.client.handshake();
    await expect(session.exchange('tools/call', call)).rejects.toThrow(/aborted|hang up|ECONNRESET/);
  });

  test('hangs on calls, or on everything', async () => {
    await using calls = await startHttpServer('--mode', 'hang');
    const session = await calls.client.handshake();
    await expect(session.exchange('tools/call', call, { timeoutMs: 200 })).rejects.toThrow(/aborted|timeout/i);
    expect(await session.request('ping')).toHaveProperty('result');
    await using all = await startHttpServer('--mode', 'hang-all');
    await expect(all.client.send({}, { timeoutMs: 200 })).rejects.toThrow(/aborted|timeout/i);
  });

  test('loses all sessions once', async () => {
    await using server = await startHttpServer('--mode', 'session-lost');
    const session = await server.client.handshake();
    expect((await session.exchange('tools/call', call)).status).toBe(404);
    expect((await session.exchange('ping')).status).toBe(404);
    const again = await server.client.handshake();
    expect((await again.exchange('tools/call', call)).status).toBe(200);
  });

  test('is slow, and sends 100 MB', async () => {
    await using slow = await startHttpServer('--mode', 'slow', '--slow', '150');
    const session = await slow.client.handshake();
    const startedAt = performance.now();
    await session.request('tools/call', call);
    expect(performance.now() - startedAt).toBeGreaterThan(140);
    await using huge = await startHttpServer('--mode', 'huge');
    const large = await huge.client.handshake();
    expect((await large.exchange('tools/call', call)).body.length).toBeGreaterThan(100 * 1024 * 1024);
  });
});

function startServer(...args: string[]) {
  const child = spawn(process.execPath, [path.join(import.meta.dirname, 'stdio-server.mjs'), ...args]);
  const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  const lines: string[] = [];
  const answers: Answer[] = [];
  const waiting = new Set<() => void>();
  let stderr = '';
  let lastId = 0;
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += String(chunk);
    for (const look of waiting) look();
  });
  child.stdin.on('error', () => expect(child.exitCode).not.toBe(0));
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    if (line.length < 100_000 && isJsonObject(line)) answers.push(JSON.parse(line) as Answer);
    for (const look of waiting) look();
  });
  const until = (condition: () => boolean) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (!condition()) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
    });
  const send = (message: object) => void child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  const ask = async (method: string, params: object = {}): Promise<Answer> => {
    const id = ++lastId;
    send({ id, method, params });
    await until(() => answers.at(-1)?.id === id || answers.at(-2)?.id === id);
    return answers.find((answer) => answer.id === id)!;
  };
  return {
    pid: child.pid!,
    exited,
    lines,
    answers,
    stderr: () => stderr,
    send,
    ask,
    until,
    end: () => child.stdin.end(),
    open: () => ask('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } }),
    call: (name: string, args: object = {}) => ask('tools/call', { name, arguments: args }),
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await exited;
    },
  };
}

async function startHttpServer(...args: string[]) {
  const child = spawn(process.execPath, [path.join(import.meta.dirname, 'http-server.mjs'), ...args]);
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const { port } = JSON.parse(String(line)) as { port: number };
  return {
    client: rpc(`http://127.0.0.1:${port}/mcp`),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

function isJsonObject(line: string): boolean {
  return line.startsWith('{"jsonrpc"') && line.endsWith('}');
}
