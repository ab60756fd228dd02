import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { findTree } from '../../guard/process-tree.js';
import { createChildGuard } from './child-guard.ts';
import { startChild, type ChildChannel, type ChildOptions } from './stdio-child.ts';

const fixture = (name: string) => fileURLToPath(new URL(`../../fixtures/${name}`, import.meta.url));
const bad = (mode: string, ...extra: string[]): Partial<ChildOptions> => ({ args: [fixture('bad-server.mjs'), mode, ...extra] });

function start(options: Partial<ChildOptions>): Promise<ChildChannel> {
  return startChild({
    upstream: 'files',
    command: process.execPath,
    args: [],
    env: {},
    cwd: '/',
    stopMs: 300,
    maxMessageBytes: 1_000_000,
    ...options,
  });
}

/** What a channel receives, and why it closed. */
function listen(channel: ChildChannel) {
  const messages: string[] = [];
  channel.onMessage = (message) => messages.push(message.toString());
  const closed = new Promise<string>((resolve) => (channel.onClose = resolve));
  return { messages, closed };
}

// A process that has ended stays in the table until its parent asks, and in a container perhaps nobody does.
function isAlive(pid: number): boolean {
  if (!existsSync(`/proc/${pid}/stat`)) return false;
  return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
}

async function until(holds: () => boolean, what: string): Promise<void> {
  const end = performance.now() + 8_000;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`Waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('a program that does not exist is named together with the PATH that was searched', async () => {
  await expect(start({ command: 'no-such-program', env: { PATH: '/usr/bin:/opt/x' } })).rejects.toMatchObject({
    code: 'UPSTREAM_UNAVAILABLE',
    message: 'Cannot start upstream "files": there is no program "no-such-program" in PATH "/usr/bin:/opt/x"',
    data: { upstream: 'files', phase: 'spawn', sent: false },
  });
  await expect(start({ command: '/no/such/program' })).rejects.toThrow('there is no program "/no/such/program"');
});

test('groups that are not a child’s own are never looked at', async () => {
  for (const pid of [0, 1, -1, Number.NaN]) expect(await findTree({ pid, startedAt: undefined, mark: 'SIGNALBOX_CHILD=x' })).toEqual([]);
  const stranger = { pid: process.pid, startedAt: 'another time', mark: 'SIGNALBOX_CHILD=none' };
  expect(await findTree(stranger)).toEqual([]);
});

test('a missing folder and a file that is no program are told apart from a missing program', async () => {
  await expect(start({ cwd: '/no/such/folder' })).rejects.toThrow('its folder "/no/such/folder" does not exist');
  await expect(start({ command: fixture('bad-server.mjs') })).rejects.toThrow('is not an executable file');
  await expect(start({ args: ['a\0b'] })).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', data: { phase: 'spawn' } });
});

test('the program gets exactly the environment that is asked for', async () => {
  const code = 'process.stdout.write(JSON.stringify(process.env) + "\\n"); process.stdin.resume()';
  const child = await start({ args: ['-e', code], env: { A: '1' } });
  const { messages } = listen(child);
  await until(() => messages.length === 1, 'the environment');
  expect(Object.keys(JSON.parse(messages[0]!) as object).toSorted()).toEqual(['A', 'SIGNALBOX_CHILD']);
  await child.close();
});

test('large messages are offered first, and kept only when nobody takes them', async () => {
  const child = await start({ args: ['-e', 'process.stdin.pipe(process.stdout)'] });
  const { messages } = listen(child);
  const offered: number[] = [];
  child.onLargeMessage = (message) => offered.push(message.length) > 1;
  const large = `{"a":"${'x'.repeat(200_000)}"}`;
  child.send(Buffer.from(large));
  child.send(Buffer.from('{"a":"small"}'));
  child.send(Buffer.from(large));
  child.send(Buffer.from('{"a":"last"}'));
  await until(() => messages.length === 3, 'what nobody took');
  expect(offered).toEqual([large.length, large.length]);
  expect(messages[0] === large).toBe(true);
  expect(messages.slice(1)).toEqual(['{"a":"small"}', '{"a":"last"}']);
  await child.close();
});

test('a message stays on one line, whatever line ends it came with', async () => {
  const child = await start({ args: ['-e', 'process.stdin.pipe(process.stdout)'] });
  const { messages } = listen(child);
  const hidden = '{"jsonrpc":"2.0","id":2,"method":"tools/call"}';
  child.send(Buffer.from(`{"id":1,\r"params":{"a":\n${hidden}\r\n}}`));
  child.send(Buffer.from('{"text":"a\\nb"}'));
  await until(() => messages.length === 2, 'both messages');
  expect(messages).toEqual([`{"id":1, "params":{"a": ${hidden}  }}`, '{"text":"a\\nb"}']);
  await child.close();
});

test.each([
  ['ends a little later', 'setTimeout(() => process.exit(3), 300)', 'the process exited with code 3'],
  ['goes on', 'setInterval(() => undefined, 1_000)', 'it closed its stdout'],
])('a process that closes its stdout and %s is told by what it does', async (_, then, reason) => {
  const child = await start({ args: ['-e', `require('node:fs').closeSync(1); ${then}`] });
  expect(await listen(child).closed).toBe(reason);
  await child.close();
  expect(isAlive(child.pid)).toBe(false);
});

test('the end of the process closes the channel with its code, and its last words can be read', async () => {
  const child = await start(bad('exit'));
  const { closed } = listen(child);
  expect(await closed).toBe('the process exited with code 4');
  expect(child.stderr()).toEqual(['cannot find the licence']);
  expect(await child.exited).toEqual({ code: 4, signal: null });
});

test('lines that are no messages are passed over, counted and shown', async () => {
  const shown: string[] = [];
  const child = await start({ ...bad('garbage', '20'), onGarbage: (preview) => shown.push(preview) });
  const { messages } = listen(child);
  child.send(Buffer.from('{}'));
  await until(() => messages.length === 1, 'the message after the garbage');
  expect(child.garbage).toBe(20);
  expect(shown).toHaveLength(10);
  expect(shown[0]).toBe('"progress bar 0"');
  await child.close();
});

test('a program that writes nothing but garbage is given up', async () => {
  const child = await start(bad('garbage', '101'));
  const { closed } = listen(child);
  expect(await closed).toContain('more than 100 lines in a row on its stdout are no MCP messages; the last begins with "progress bar 100"');
  await child.close();
  expect(isAlive(child.pid)).toBe(false);
});

test('a line beyond the bound closes the channel and ends the process', async () => {
  const child = await start(bad('huge-line'));
  const { closed } = listen(child);
  expect(await closed).toBe('it sent a message of more than 1000000 bytes');
  await child.exited;
});

test('a flood on stderr is read slowly and leaves its last lines', async () => {
  let lines = 0;
  const child = await start({ ...bad('flood-stderr'), onStderr: () => lines++ });
  listen(child);
  await until(() => lines > 0, 'the flood');
  await new Promise((resolve) => setTimeout(resolve, 500));
  // At most five chunks of 64 KiB are read per window of 100 ms, and of each at most the lines that are kept.
  expect(lines).toBeLessThan(8 * 5 * 100);
  expect(child.stderr().length).toBeLessThanOrEqual(101);
  expect(child.stderr().at(-2)).toBe('noise '.repeat(20).trim());
  await child.close();
  expect(isAlive(child.pid)).toBe(false);
});

test('a program that does not read is noticed by its broken pipe', async () => {
  const child = await start(bad('deaf'));
  const { closed } = listen(child);
  const timer = setInterval(() => child.send(Buffer.from('{}')), 20);
  expect(await closed).toMatch(/it no longer reads its stdin|reads its stdin/);
  clearInterval(timer);
  await child.close();
});

test('a program that ignores the request to end is killed after the grace', async () => {
  const child = await start(bad('ignore-term'));
  const { messages } = listen(child);
  await until(() => messages.length === 1, 'the start');
  const before = performance.now();
  await child.close();
  expect(performance.now() - before).toBeGreaterThan(300);
  expect(await child.exited).toEqual({ code: null, signal: 'SIGKILL' });
});

test('a program that ends with its input is not made to wait', async () => {
  const child = await start({ args: ['-e', 'process.stdin.resume()'], stopMs: 5_000 });
  listen(child);
  const before = performance.now();
  await child.close();
  expect(await child.exited).toEqual({ code: 0, signal: null });
  expect(performance.now() - before).toBeLessThan(2_000);
});

test.each([
  ['stay', 'closed by the gateway'],
  ['leave', 'the process exited with code 0'],
])('descendants that left the group and hold the pipe open are ended too (%s)', async (mode, reason) => {
  const child = await start(bad('daemon', mode));
  const { messages, closed } = listen(child);
  await until(() => messages.length === 1, 'the descendants');
  const { pids } = JSON.parse(messages[0]!) as { pids: number[] };
  if (mode === 'leave') await closed;
  await child.close();
  expect(await closed).toBe(reason);
  expect(pids.filter(isAlive)).toEqual([]);
});

test('no child survives a gateway that is killed', { timeout: 20_000 }, async () => {
  const parent = spawn(process.execPath, [fixture('guarded-parent.mjs')], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  const pids = JSON.parse(line.toString()) as number[];
  expect(pids).toHaveLength(6);
  expect(pids.every(isAlive)).toBe(true);
  parent.kill('SIGKILL');
  await until(() => !pids.some(isAlive), `still there: ${pids.filter(isAlive).join(', ')}`);
});

test('a guard that dies is replaced and knows the children of before', { timeout: 20_000 }, async () => {
  const guard = createChildGuard();
  const child = await start({ ...bad('ignore-term'), guard });
  const { messages, closed } = listen(child);
  await until(() => messages.length === 1, 'the start');
  const first = guard.pid!;
  process.kill(first, 'SIGKILL');
  await until(() => guard.pid !== undefined && guard.pid !== first, 'a second guard');
  await guard.close();
  expect(await closed).toBe('the process was ended by SIGKILL');
});

test('a child that ended in order is taken off the guard’s list', async () => {
  const guard = createChildGuard();
  const child = await start({ args: ['-e', 'process.stdin.resume()'], guard });
  listen(child);
  const bystander = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  await child.close();
  await guard.close();
  expect(isAlive(bystander.pid!)).toBe(true);
  bystander.kill();
});

test('messages to a program that is gone already are told to be undelivered, those before it are not', async () => {
  const child = await start({ args: ['-e', 'process.stdin.resume()'] });
  const closed = new Promise<readonly [string, number | undefined]>((resolve) => {
    child.onClose = (reason, undelivered) => resolve([reason, undelivered]);
  });
  child.send(Buffer.from('{"arrives":true}'));
  await new Promise((resolve) => setImmediate(resolve));
  process.kill(child.pid, 'SIGKILL');
  // Without returning to the event loop, so that nobody here has heard of its end. Its last thread closes its files.
  const end = performance.now() + 8_000;
  while (isAlive(child.pid) || readdirSync(`/proc/${child.pid}/task`).length > 1)
    if (performance.now() > end) throw new Error('It does not die');
  for (let count = 0; count < 3; count++) child.send(Buffer.from('{"arrives":false}'));
  expect(await closed).toEqual(['the process was ended by SIGKILL', 3]);
});
