import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { CallToolResultSchema, ElicitRequestSchema, TaskStatusNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startFixture } from '../conformance/through-gateway.mjs';
import { eventually } from './support/eventually.ts';
import { startGateway, type RunningGateway } from './support/gateway.ts';
import { rpc } from './support/raw-client.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const EVERYTHING = createRequire(import.meta.url).resolve('@modelcontextprotocol/server-everything/dist/index.js');
const EXTENSION = { extensions: { 'io.modelcontextprotocol/tasks': {} } };
const RELATED = 'io.modelcontextprotocol/related-task';

let fixture: Awaited<ReturnType<typeof startFixture>>;
let gateway: RunningGateway;
let home: string;
beforeAll(async () => {
  home = await mkdtemp(path.join(tmpdir(), 'signalbox-tasks-'));
  fixture = await startFixture({ era: 'modern' });
  gateway = await startGateway({ config: toConfig() });
  await eventually('both servers', async () => {
    const { result } = await rpc(gateway.url).modern().request('tools/list');
    const names = new Set((result!['tools'] as { name: string }[]).map(({ name }) => name));
    return names.has('simulate-research-query') && names.has('slow_compute') ? true : undefined;
  });
});
afterAll(async () => {
  await gateway.stop();
  await fixture.stop();
  await rm(home, { recursive: true, force: true });
});

// One server has tasks as the experimental core of 2025-11-25, the other as the extension of 2026-07-28.
function toConfig() {
  return {
    mcpServers: { everything: { command: process.execPath, args: [EVERYTHING] }, fixture: { url: fixture.url } },
    virtualServers: { find: { surface: 'search' } },
  };
}

async function connect(capabilities: object = {}, where = '/mcp') {
  const client = new Client({ name: 'tasks', version: '1.0.0' }, { capabilities });
  const statuses: unknown[] = [];
  client.setNotificationHandler(TaskStatusNotificationSchema, ({ params }) => void statuses.push(params));
  await client.connect(new StreamableHTTPClientTransport(new URL(where, gateway.url)) as Parameters<Client['connect']>[0]);
  await client.listTools();
  return { client, statuses, [Symbol.asyncDispose]: () => client.close() };
}

/** Everything the official client says of a call that becomes a task, in order. */
async function follow(client: Client, name: string, args: Record<string, unknown>, task?: { ttl?: number }) {
  const messages = [];
  const stream = client.experimental.tasks.callToolStream(
    { name, arguments: args },
    CallToolResultSchema,
    task === undefined ? {} : { task },
  );
  for await (const message of stream) messages.push(message);
  const created = messages.find((message) => message.type === 'taskCreated');
  const last = messages.at(-1);
  return { types: messages.map(({ type }) => type), taskId: created?.task.taskId, result: last?.type === 'result' ? last.result : last };
}

describe('the official client of 2025-11-25', () => {
  test('follows a task of a tool that it called by another', async () => {
    await using it = await connect({}, '/mcp/find');
    const call = { name: 'simulate-research-query', arguments: { topic: 'tea' } };
    const { types, taskId, result } = await follow(it.client, 'call_tool', call, { ttl: 60_000 });
    expect([types[0], types.at(-1)]).toEqual(['taskCreated', 'result']);
    expect(JSON.stringify(result)).toContain('Research Report: tea');
    expect((await it.client.experimental.tasks.listTasks()).tasks.map((task) => task.taskId)).toContain(taskId);
    // What makes no task answers at once, whatever its caller would have liked.
    expect(
      (await it.client.callTool({ name: 'call_tool', arguments: { name: 'echo', arguments: { message: 'hi' } } })).content,
    ).toMatchObject([{ text: 'Echo: hi' }]);
  });

  test('follows a task of a server of its generation, hears of it, and lists it', async () => {
    await using it = await connect();
    const { types, taskId, result } = await follow(it.client, 'simulate-research-query', { topic: 'tea' });
    expect([types[0], types.at(-1)]).toEqual(['taskCreated', 'result']);
    expect(types.slice(1, -1).every((type) => type === 'taskStatus')).toBe(true);
    expect(JSON.stringify(result)).toContain('Research Report: tea');
    expect(result).toMatchObject({ _meta: { [RELATED]: { taskId } } });
    await eventually('the last status', () => it.statuses.find((status) => (status as { status: string }).status === 'completed'));
    expect(new Set(it.statuses.map((status) => (status as { taskId: string }).taskId))).toEqual(new Set([taskId]));
    expect((await it.client.experimental.tasks.listTasks()).tasks).toMatchObject([{ taskId, status: 'completed' }]);
  });

  test('is asked what a task of its own wants to know', async () => {
    await using it = await connect({ elicitation: {} });
    const asked: unknown[] = [];
    it.client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
      asked.push(params._meta);
      return { action: 'accept', content: { interpretation: 'technical' } };
    });
    const { taskId, result } = await follow(it.client, 'simulate-research-query', { topic: 'tea', ambiguous: true });
    expect(JSON.stringify(result)).toContain('Clarification**: technical');
    expect(asked).toMatchObject([{ [RELATED]: { taskId } }]);
  });

  test('follows a task of a modern server in its own words, and gets what was answered at once as one', async () => {
    await using it = await connect();
    const slow = await follow(it.client, 'slow_compute', { seconds: 0.3, label: 'tea' }, { ttl: 60_000 });
    expect([slow.types[0], slow.types.at(-1)]).toEqual(['taskCreated', 'result']);
    expect(slow.result).toMatchObject({ content: [{ text: 'Computed tea' }], _meta: { [RELATED]: { taskId: slow.taskId } } });
    const prompt = await follow(it.client, 'greet', { name: 'Ada' }, {});
    expect(prompt.result).toMatchObject({ content: [{ text: 'Hello, Ada!' }], _meta: { [RELATED]: { taskId: prompt.taskId } } });
  });

  test('cancels its task, and cannot touch that of another client', async () => {
    await using mine = await connect();
    await using theirs = await connect();
    const stream = mine.client.experimental.tasks.callToolStream({ name: 'simulate-research-query', arguments: { topic: 'tea' } });
    const first = await stream.next();
    const { taskId } = (first.value as { task: { taskId: string } }).task;
    const random = await theirs.client.experimental.tasks
      .getTask('random')
      .catch((error: unknown) => error as { code: number; message: string });
    const tasks = theirs.client.experimental.tasks;
    const attempts = [() => tasks.getTask(taskId), () => tasks.cancelTask(taskId), () => tasks.getTaskResult(taskId, CallToolResultSchema)];
    for (const attempt of attempts)
      await expect(attempt()).rejects.toMatchObject({ code: -32602, message: (random as { message: string }).message });
    expect((await theirs.client.experimental.tasks.listTasks()).tasks).toEqual([]);
    expect(await mine.client.experimental.tasks.cancelTask(taskId)).toMatchObject({ taskId, status: 'cancelled' });
    await stream.return(undefined);
  });
});

describe.each(['legacy', 'modern'])('the inspector in its era "%s"', (era) => {
  const call = async (name: string, args: object) => {
    const program = path.join(ROOT, 'node_modules/.bin/mcp-inspector');
    const words = [
      '--cli',
      gateway.url,
      '--protocol-era',
      era,
      '--format',
      'json',
      '--quiet',
      '--method',
      'tools/call',
      '--tool-name',
      name,
    ];
    const { stdout } = await promisify(execFile)(program, [...words, '--tool-args-json', JSON.stringify(args)], {
      env: { ...process.env, HOME: home },
      timeout: 30_000,
    });
    return stdout;
  };

  test('calls tools of both servers that run as tasks', async () => {
    expect(await call('simulate-research-query', { topic: 'coffee' })).toContain('Research Report: coffee');
    expect(await call('slow_compute', { seconds: 0.2, label: 'coffee' })).toContain('Computed coffee');
  });
});

test('a task outlives the gateway: its id opens in the next process', async () => {
  const dataDir = path.join(home, 'data');
  let taskId: unknown;
  {
    await using first = await startGateway({ config: toConfig(), dataDir });
    const client = rpc(first.url).modern({ capabilities: EXTENSION });
    const created = await eventually('the task', async () => {
      const { result } = await client.request('tools/call', { name: 'slow_compute', arguments: { seconds: 60 } });
      return result?.['resultType'] === 'task' ? result : undefined;
    });
    ({ taskId } = created);
  }
  await using second = await startGateway({ config: toConfig(), dataDir });
  const client = rpc(second.url).modern({ capabilities: EXTENSION });
  const about = (method: string) => client.request(method, { taskId }, { headers: { 'mcp-name': String(taskId) } });
  expect(await about('tasks/get')).toMatchObject({ result: { taskId, status: 'working' } });
  expect(await about('tasks/cancel')).toMatchObject({ result: { resultType: 'complete' } });
  expect(await about('tasks/get')).toMatchObject({ result: { taskId, status: 'cancelled' } });
});
