import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { isAlive, processTree } from '../support/process-tree.ts';
import { createPerson, EVERYTHING, type Person } from './person.ts';

const PROGRAM = path.resolve(import.meta.dirname, '../../../apps/gateway/bin/signalbox.js');

interface Served extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly lines: readonly string[];
  /** The first line on stdout that fits. @throws Error after ten seconds. */
  line(pattern: RegExp): Promise<string>;
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Starts a command that stays, in the person's folder. */
function start(person: Person, ...words: readonly string[]): Served {
  const child = spawn(process.execPath, [PROGRAM, ...words], {
    cwd: person.cwd,
    env: { ...process.env, ...person.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const exited = once(child, 'close');
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), 15_000);
    await exited;
    clearTimeout(timer);
    return child.exitCode;
  };
  return {
    child,
    lines,
    line: async (pattern) => {
      for (let waited = 0; waited < 10_000; waited += 20) {
        const found = lines.find((line) => pattern.test(line));
        if (found !== undefined) return found;
        await delay(20);
      }
      throw new Error(`No line fits ${String(pattern)}\nstdout: ${lines.join('\n')}\nstderr: ${stderr}`);
    },
    stop,
    [Symbol.asyncDispose]: async () => void (await stop()),
  };
}

describe('serve', () => {
  test('says first where it is, then of each server whether it is ready or why not, then how to connect', async () => {
    await using person = await createPerson();
    await person.write('signalbox.json', {
      mcpServers: { ...EVERYTHING.mcpServers, broken: { command: 'node', args: ['-e', 'console.error("no database"); process.exit(3)'] } },
    });
    await using gateway = start(person, 'serve', '--port', '0');
    await gateway.line(/signalbox import --connect/);
    expect(gateway.lines[0]).toMatch(/^Signalbox ready at http:\/\/127\.0\.0\.1:\d+\/mcp$/);
    expect(gateway.lines).toContainEqual(
      expect.stringMatching(/^✓ everything {2}ready {2}\d+ tools, \d+ resources, \d+ prompts {2}\(\d+\.\d s\)$/),
    );
    expect(gateway.lines).toContainEqual(expect.stringMatching(/^✗ broken {6}failed: .*exited with code 3/));
    expect(gateway.lines).toContainEqual(expect.stringMatching(/^ +stderr: no database$/));
    expect(gateway.lines).toContainEqual(expect.stringMatching(/^ {2}claude mcp add --transport http signalbox http:/));
  });

  test('speaks JSON lines and nothing else where that is asked for', async () => {
    await using person = await createPerson();
    await person.write('signalbox.json', EVERYTHING);
    await using gateway = start(person, 'serve', '--port', '0', '--json');
    await gateway.line(/"event":"snippets"/);
    expect(await gateway.stop('SIGINT')).toBe(0);
    const events = gateway.lines.map((line) => (JSON.parse(line) as { event: string }).event);
    expect(events[0]).toBe('ready');
    expect(events.toSorted()).toEqual(['ready', 'snippets', 'stopped', 'stopping', 'upstream', 'upstream']);
  });

  test('ends with 0 on a signal and leaves no process behind', async () => {
    await using person = await createPerson();
    await person.write('signalbox.json', EVERYTHING);
    await using gateway = start(person, 'serve', '--port', '0');
    await gateway.line(/✓ everything/);
    const children = processTree(gateway.child.pid!);
    expect(children.length).toBeGreaterThan(0);
    expect(await gateway.stop()).toBe(0);
    expect(children.filter(({ pid }) => isAlive(pid))).toEqual([]);
    expect(await person.run('status')).toMatchObject({ code: 3 });
  });

  test('names a port that is taken, and what to do', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    await using person = await createPerson();
    await person.write('signalbox.json', { listen: { port }, mcpServers: {} });
    const { code, stdout, stderr } = await person.run('serve');
    other.close();
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(`Cannot listen on port ${port}`);
    expect(stderr).toContain('--port');
  });
});

describe('with a running gateway', () => {
  test('status, list, tools, call, logs, restart, config diff and doctor speak of it', async () => {
    await using person = await createPerson();
    await person.write('signalbox.json', { ...EVERYTHING, listen: { port: 0 }, log: { file: 'gateway.log' } });
    await using gateway = start(person, 'serve');
    await gateway.line(/✓ everything/);
    await gateway.line(/✓ time/);

    const status = await person.run('status', '--json');
    expect(status.json()).toMatchObject({
      pid: gateway.child.pid,
      upstreams: [
        { name: 'everything', state: 'ready' },
        { name: 'time', state: 'ready' },
      ],
    });
    expect((await person.run('status')).stdout).toMatch(/^everything +ready +\d+ +0 +0 +0 +0/m);
    expect((await person.run('list', '--json')).json()).toMatchObject({
      running: true,
      upstreams: [{ state: 'ready' }, { state: 'ready' }],
    });

    const tools = (await person.run('tools', '--upstream', 'time', '--json')).json() as {
      tools: readonly { name: string; upstream: string; inputSchema: object }[];
    };
    expect(tools.tools.map(({ name }) => name)).toContain('get_current_time');
    expect(tools.tools.every(({ upstream, inputSchema }) => upstream === 'time' && typeof inputSchema === 'object')).toBe(true);

    expect(await person.run('call', 'echo', '{"message":"hello"}')).toMatchObject({ code: 0, stdout: 'Echo: hello\n', stderr: '' });
    expect((await person.run('status', '--json')).json()).toMatchObject({ upstreams: [{ name: 'everything', calls: 1 }, {}] });

    expect(await person.run('logs', 'everything')).toMatchObject({ code: 0, stdout: expect.stringContaining('STDIO') });
    expect((await person.run('logs', 'evrything')).stderr).toContain('did you mean "everything"?');
    expect(await person.run('config', 'diff')).toMatchObject({ code: 0, stdout: expect.stringContaining('works by') });
    expect(await person.run('doctor')).toMatchObject({ code: 0, stdout: expect.stringContaining('answers at http://127.0.0.1:') });

    const before = (status.json() as { upstreams: readonly { pid?: number }[] }).upstreams[0]?.pid;
    const restarted = await person.run('restart', 'everything', '--json');
    expect(restarted.code).toBe(0);
    expect(restarted.json()).toMatchObject({ name: 'everything', waited: true, upstream: { state: 'ready' } });
    expect((restarted.json() as { upstream: { pid: number } }).upstream.pid).not.toBe(before);
  });

  test('tools and call reach it with the token it wants, and say which variable holds it', async () => {
    await using person = await createPerson({ GATEWAY_TOKEN: 'correct-horse-battery-staple' });
    await person.write('signalbox.json', {
      mcpServers: { time: { module: '@signalbox/module-time' } },
      listen: { port: 0, token: { env: 'GATEWAY_TOKEN' } },
    });
    await using gateway = start(person, 'serve');
    await gateway.line(/✓ time/);
    await gateway.line(/Authorization: Bearer/);
    expect(await person.run('status')).toMatchObject({ code: 0 });
    expect(await person.run('tools')).toMatchObject({ code: 0, stdout: expect.stringContaining('get_current_time') });
    const url = /http:\S+/.exec(gateway.lines[0]!)![0];
    expect(await person.run('tools', '--url', url)).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('SIGNALBOX_TOKEN'),
    });
    expect(gateway.lines.join('\n')).not.toContain('correct-horse');
  });

  test('a server added to the file starts, and one taken out of it stops, while the gateway runs', async () => {
    await using person = await createPerson();
    await person.write('signalbox.json', { mcpServers: { time: { module: '@signalbox/module-time' } } });
    await using gateway = start(person, 'serve', '--port', '0');
    await gateway.line(/✓ time/);
    expect((await person.run('add', 'everything', '--', 'mcp-server-everything')).code).toBe(0);
    await gateway.line(/✓ everything/);
    expect((await person.run('remove', 'everything')).code).toBe(0);
    await gateway.line(/- everything +removed/);
  });

  test('logs --follow goes on with new lines', async () => {
    await using person = await createPerson();
    await person.write('signalbox.json', {
      mcpServers: { time: { module: '@signalbox/module-time' } },
      log: { file: 'gateway.log', level: 'info' },
    });
    await using gateway = start(person, 'serve', '--port', '0');
    await gateway.line(/✓ time/);
    await person.write('signalbox.json', { mcpServers: {}, log: { file: 'gateway.log', level: 'info' } });
    await gateway.line(/- time/);
    await using follower = start(person, 'logs', '--follow');
    await follower.line(/info/);
    const known = follower.lines.length;
    await person.write('signalbox.json', {
      mcpServers: { again: { module: '@signalbox/module-time' } },
      log: { file: 'gateway.log', level: 'info' },
    });
    await follower.line(/again/);
    expect(follower.lines.length).toBeGreaterThan(known);
    await follower.stop('SIGKILL');
  });
});

describe('without a running gateway', () => {
  test('tools and call start one for as long as they take', async () => {
    await using person = await createPerson();
    await person.write('signalbox.json', { mcpServers: { ...EVERYTHING.mcpServers, broken: { command: 'no-such-program' } } });
    const tools = await person.run('tools');
    expect(tools).toMatchObject({ code: 0, stderr: expect.stringContaining('broken failed') });
    expect(tools.stdout).toMatch(/^get_current_time +time +\S/m);
    expect(tools.stdout).toMatch(/^echo +everything +Echoes back the input string$/m);
    expect(await person.pipe('{"message":"from stdin"}', 'call', 'echo', '-')).toMatchObject({ code: 0, stdout: 'Echo: from stdin\n' });
  });

  test('a tool that fails ends with 1, one that is not there with 3, one that takes too long with 1', async () => {
    await using person = await createPerson();
    await person.write('signalbox.json', EVERYTHING);
    expect(await person.run('call', 'get-sum', '{"a":1}')).toMatchObject({ code: 1, stdout: expect.stringContaining('"b"') });
    expect(await person.run('call', 'ehco', '{"message":"x"}')).toMatchObject({
      code: 3,
      stdout: '',
      stderr: expect.stringContaining('did you mean "echo"?'),
    });
    const slow = await person.run('call', 'trigger-long-running-operation', '{"duration":20,"steps":1}', '--timeout', '300');
    expect(slow).toMatchObject({ code: 1, stderr: expect.stringContaining('gave no answer in 300 ms') });
  });

  test('progress goes to stderr and the result alone to stdout', async () => {
    await using person = await createPerson();
    await person.write('signalbox.json', EVERYTHING);
    const { stdout, stderr } = await person.run('call', 'trigger-long-running-operation', '{"duration":1,"steps":2}');
    expect(stderr).toMatch(/1\/2[\s\S]*2\/2/);
    expect(stdout).toMatch(/^Long running operation completed/);
  });

  test('--json is the whole result', async () => {
    await using person = await createPerson();
    await person.write('signalbox.json', EVERYTHING);
    await person.write('arguments.json', { message: 'x' });
    expect((await person.run('call', 'echo', '@arguments.json', '--json')).json()).toMatchObject({
      content: [{ type: 'text', text: 'Echo: x' }],
    });
  });
});

describe('stdio', () => {
  test('serves one client, writes nothing but messages to stdout, and ends with it', async () => {
    await using person = await createPerson();
    await person.write('signalbox.json', EVERYTHING);
    await using served = start(person, 'stdio');
    const send = (message: object) => served.child.stdin!.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
    send({
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
    });
    await served.line(/"id":1[,}]/);
    send({ method: 'notifications/initialized' });
    send({ id: 2, method: 'tools/call', params: { name: 'get_current_time', arguments: { timezone: 'UTC' } } });
    await served.line(/"id":2[,}]/);
    for (let id = 100, listed = ''; !listed.includes('"echo"'); id++) {
      send({ id, method: 'tools/list' });
      listed = await served.line(new RegExp(`"id":${id}[,}]`));
    }
    send({ id: 3, method: 'tools/call', params: { name: 'echo', arguments: { message: 'hi' } } });
    expect(await served.line(/"id":3[,}]/)).toContain('Echo: hi');
    const children = processTree(served.child.pid!);
    expect(children.length).toBeGreaterThan(0);
    served.child.stdin!.end();
    await once(served.child, 'close');
    expect(served.child.exitCode).toBe(0);
    for (const line of served.lines) expect(JSON.parse(line)).toMatchObject({ jsonrpc: '2.0' });
    expect(children.filter(({ pid }) => isAlive(pid))).toEqual([]);
  });
});
