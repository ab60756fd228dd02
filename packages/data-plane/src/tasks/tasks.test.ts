import { describe, expect, test } from 'vitest';
import { GatewayError, type Notification } from '@signalbox/core';
import { createMemoryGateway } from '../testing/memory-gateway.ts';
import { CORE, MODERN, TaskClient, startTaskGateway } from '../testing/task-client.ts';
import { createTaskServer } from '../testing/task-server.ts';

type Json = Record<string, unknown>;

const EXTENSION = 'io.modelcontextprotocol/tasks';
const RELATED = 'io.modelcontextprotocol/related-task';

describe('between sides of one generation', () => {
  test('a task of the extension lives under an id of ours, and everything else passes as it is', async () => {
    const server = createTaskServer({ form: 'extension' });
    await using gateway = await startTaskGateway(server);
    const client = new TaskClient(gateway.handler, MODERN);
    const task = await client.begin();
    const [own] = server.ids;
    expect(task).toEqual({ ...task, resultType: 'task', status: 'working', ttlMs: 60_000, pollIntervalMs: 20, vendor: 1 });
    const taskId = task['taskId'] as string;
    expect(taskId).not.toContain(own);
    expect(await client.ask('tasks/get', { taskId })).toMatchObject({ taskId, status: 'working' });
    server.ask(own!, { name: { method: 'elicitation/create', params: { message: 'Name?' } } });
    expect(await client.ask('tasks/get', { taskId })).toMatchObject({ status: 'input_required', inputRequests: { name: {} } });
    expect(await client.ask('tasks/update', { taskId, inputResponses: { name: { action: 'cancel' } } })).toEqual({
      resultType: 'complete',
    });
    expect(server.seen.at(-1)).toMatchObject({
      method: 'tasks/update',
      params: { taskId: own, inputResponses: { name: { action: 'cancel' } } },
    });
    expect(await client.ask('tasks/cancel', { taskId })).toEqual({ resultType: 'complete' });
    expect(await client.ask('tasks/get', { taskId })).toMatchObject({ taskId, status: 'cancelled' });
  });

  test('a task of the core lives under an id of ours, and its result names it', async () => {
    const server = createTaskServer({ form: 'core' });
    await using gateway = await startTaskGateway(server);
    const client = new TaskClient(gateway.handler, CORE, { session: 's1' });
    const created = await client.ask('tools/call', { name: 'work', arguments: {}, task: { ttl: 60_000 } });
    const [own] = server.ids;
    const taskId = (created['task'] as Json)['taskId'] as string;
    expect(created).toMatchObject({ task: { status: 'working', ttl: 60_000, vendor: 1 }, vendor: 2 });
    expect(server.seen.at(-1)).toMatchObject({ params: { task: { ttl: 60_000 } } });
    const waiting = client.ask('tasks/result', { taskId });
    server.complete(own!);
    expect(await waiting).toEqual({ content: [{ type: 'text', text: 'done' }], _meta: { [RELATED]: { taskId } } });
    expect(await client.ask('tasks/get', { taskId })).toMatchObject({ taskId, status: 'completed' });
    expect(await client.send('tasks/cancel', { taskId })).toEqual({
      kind: 'error',
      error: { code: -32602, message: `Task ${taskId} is completed already` },
    });
  });

  test('each generation has its own methods, and the extension has to be declared', async () => {
    await using gateway = await startTaskGateway(createTaskServer({ form: 'core' }));
    const modern = new TaskClient(gateway.handler, MODERN);
    const silent = new TaskClient(gateway.handler, { ...MODERN, capabilities: {} });
    const core = new TaskClient(gateway.handler, CORE);
    for (const method of ['tasks/result', 'tasks/list'])
      await expect(modern.send(method, { taskId: 'x' })).rejects.toMatchObject({ code: 'METHOD_NOT_FOUND' });
    await expect(core.send('tasks/update', { taskId: 'x' })).rejects.toMatchObject({ code: 'METHOD_NOT_FOUND' });
    await expect(
      new TaskClient(gateway.handler, { ...CORE, revision: '2025-06-18' }).send('tasks/get', { taskId: 'x' }),
    ).rejects.toMatchObject({
      code: 'METHOD_NOT_FOUND',
    });
    await expect(silent.send('tasks/get', { taskId: 'x' })).rejects.toMatchObject({
      code: 'MISSING_CAPABILITY',
      data: { requiredCapabilities: { extensions: { [EXTENSION]: {} } } },
    });
    await expect(modern.send('tasks/get', {})).rejects.toMatchObject({ code: 'INVALID_PARAMS' });
  });

  test('a call that wants a task is not answered from memory, nor kept there', async () => {
    const server = createTaskServer({ form: 'core' });
    await using gateway = await startTaskGateway(server, { cache: { tools: ['*'] } });
    const [alice, bob] = ['alice', 'bob'].map((principal) => new TaskClient(gateway.handler, CORE, { principal }));
    expect((await alice!.begin())['taskId']).not.toBe((await bob!.begin())['taskId']);
    expect(server.ids).toHaveLength(2);
  });

  test('a record of a request about a task names the upstream, and nothing of the task', async () => {
    await using gateway = await startTaskGateway(createTaskServer({ form: 'extension' }));
    const client = new TaskClient(gateway.handler, MODERN);
    const { taskId } = await client.begin();
    await client.ask('tasks/get', { taskId });
    expect(gateway.records.at(-1)).toMatchObject({ method: 'tasks/get', upstream: 'up', name: undefined, status: 'ok', attempts: 1 });
  });
});

describe('whose a task is', () => {
  const refusal = async (client: TaskClient, taskId: unknown): Promise<unknown> => {
    const error = await client.send('tasks/get', { taskId }).then(
      (outcome) => outcome,
      (thrown: unknown) => thrown as GatewayError,
    );
    return error instanceof GatewayError ? { ...error.toRpc(), data: { ...error.data, callId: '' } } : error;
  };

  test("another principal's id, a changed one and a made up one are answered alike", async () => {
    const server = createTaskServer({ form: 'extension' });
    await using gateway = await startTaskGateway(server);
    const [alice, bob] = ['alice', 'bob'].map((principal) => new TaskClient(gateway.handler, MODERN, { principal }));
    const taskId = (await alice!.begin())['taskId'] as string;
    const changed = `${taskId.slice(0, -2)}${taskId.at(-2) === 'A' ? 'B' : 'A'}${taskId.at(-1)!}`;
    const unknown = await refusal(bob!, 'made-up');
    expect(unknown).toMatchObject({ code: -32602, data: { callId: '' } });
    expect(await refusal(bob!, taskId)).toEqual(unknown);
    expect(await refusal(alice!, changed)).toEqual(unknown);
    expect(await refusal(alice!, server.ids[0])).toEqual(unknown);
    for (const method of ['tasks/update', 'tasks/cancel'])
      await expect(bob!.send(method, { taskId, inputResponses: {} })).rejects.toMatchObject({ code: 'UNKNOWN_NAME' });
    expect(server.seen.filter(({ method }) => method.startsWith('tasks/'))).toEqual([]);
    expect(await alice!.ask('tasks/get', { taskId })).toMatchObject({ taskId });
  });

  test('without a credential a task belongs to its session; with one to the principal in any session', async () => {
    await using gateway = await startTaskGateway(createTaskServer({ form: 'core' }));
    const [mine, theirs] = ['s1', 's2'].map((session) => new TaskClient(gateway.handler, CORE, { session }));
    const { taskId } = await mine!.begin();
    expect(await refusal(theirs!, taskId)).toMatchObject({ code: -32602 });
    expect(await refusal(new TaskClient(gateway.handler, MODERN), taskId)).toMatchObject({ code: -32602 });
    const [first, second] = ['s3', 's4'].map((session) => new TaskClient(gateway.handler, CORE, { session, principal: 'alice' }));
    const { taskId: hers } = await first!.begin();
    expect(await second!.ask('tasks/get', { taskId: hers })).toMatchObject({ taskId: hers });
  });

  test('an id outlives the process, and works on another one with the same key', async () => {
    const server = createTaskServer({ form: 'extension' });
    let taskId: unknown;
    {
      await using gateway = await startTaskGateway(server);
      ({ taskId } = await new TaskClient(gateway.handler, MODERN).begin());
    }
    await using gateway = await startTaskGateway(server);
    expect(await new TaskClient(gateway.handler, MODERN).ask('tasks/get', { taskId })).toMatchObject({ taskId, status: 'working' });
  });

  test('a task is reached only where its upstream is shown', async () => {
    const servers = { up: createTaskServer({ form: 'extension' }), other: createTaskServer({ form: 'extension' }) };
    const more = { virtualServers: { here: { upstreams: ['up'] }, there: { upstreams: ['other'] } } };
    await using gateway = await createMemoryGateway({ servers, more });
    await gateway.list('tools/list');
    const { taskId } = await new TaskClient(gateway.at('here').handler, MODERN).begin();
    expect(await new TaskClient(gateway.handler, MODERN).ask('tasks/get', { taskId })).toMatchObject({ taskId });
    expect(await refusal(new TaskClient(gateway.at('there').handler, MODERN), taskId)).toMatchObject({ code: -32602 });
  });

  test("a task list shows the caller's own tasks of all upstreams, newest first, page by page", async () => {
    const servers = { up: createTaskServer({ form: 'core' }), ext: createTaskServer({ form: 'extension', prefix: 'ext-task-' }) };
    await using gateway = await createMemoryGateway({ servers });
    await gateway.list('tools/list');
    const [mine, theirs] = ['alice', 'bob'].map((principal) => new TaskClient(gateway.handler, CORE, { session: principal, principal }));
    const ids: unknown[] = [];
    for (let index = 0; index < 30; index++) ids.unshift((await mine!.begin(index % 2 === 0 ? 'work' : 'ext__work'))['taskId']);
    const hers = (await theirs!.begin())['taskId'];
    const first = await mine!.ask('tasks/list');
    const firstIds = (first['tasks'] as Json[]).map(({ taskId }) => taskId);
    expect(firstIds).toEqual(ids.slice(0, 25));
    await mine!.begin();
    const second = await mine!.ask('tasks/list', { cursor: first['nextCursor'] });
    expect((second['tasks'] as Json[]).map(({ taskId }) => taskId)).toEqual(ids.slice(25));
    expect(second).not.toHaveProperty('nextCursor');
    expect((await theirs!.ask('tasks/list'))['tasks']).toMatchObject([{ taskId: hers, status: 'working' }]);
    await expect(theirs!.send('tasks/list', { cursor: first['nextCursor'] })).rejects.toMatchObject({ code: 'INVALID_PARAMS' });
    await expect(mine!.send('tasks/list', { cursor: 'x' })).rejects.toMatchObject({ code: 'INVALID_PARAMS' });
  });

  test('after a restart a task is listed again once its owner has asked for it', async () => {
    const server = createTaskServer({ form: 'core' });
    const who = { session: 's1' };
    let taskId: unknown;
    {
      await using gateway = await startTaskGateway(server);
      ({ taskId } = await new TaskClient(gateway.handler, CORE, who).begin());
    }
    await using gateway = await startTaskGateway(server);
    const client = new TaskClient(gateway.handler, CORE, who);
    expect((await client.ask('tasks/list'))['tasks']).toEqual([]);
    await client.ask('tasks/get', { taskId });
    expect((await client.ask('tasks/list'))['tasks']).toMatchObject([{ taskId }]);
  });
});

describe('news of tasks', () => {
  test("what a handshake server says of a task reaches its owner's session alone, under the owner's id", async () => {
    const server = createTaskServer({ form: 'core' });
    await using gateway = await startTaskGateway(server);
    const [mine, theirs] = ['s1', 's2'].map((session) => new TaskClient(gateway.handler, CORE, { session }));
    const { taskId } = await mine!.begin();
    await theirs!.begin();
    const [own] = server.ids;
    server.notify('notifications/tasks/status', { taskId: own, status: 'completed', vendor: 3 });
    server.notify('notifications/message', { level: 'info', data: 'x', _meta: { [RELATED]: { taskId: own } } });
    server.notify('notifications/tasks/status', { taskId: 'unknown', status: 'working' });
    await mine!.ask('tasks/get', { taskId });
    expect(mine!.heard.map(({ method, params }) => [method, params?.value])).toEqual([
      ['notifications/tasks/status', { taskId, status: 'completed', vendor: 3 }],
      ['notifications/message', { level: 'info', data: 'x', _meta: { [RELATED]: { taskId } } }],
    ]);
    expect(theirs!.heard).toEqual([]);
  });

  test('what a session began without a credential is forgotten with it', async () => {
    const server = createTaskServer({ form: 'core' });
    await using gateway = await startTaskGateway(server);
    const client = new TaskClient(gateway.handler, CORE, { session: 's1' });
    await client.begin();
    client.end();
    server.notify('notifications/tasks/status', { taskId: server.ids[0], status: 'completed' });
    await client.ask('tools/call', { name: 'work', arguments: {} });
    expect(client.heard).toEqual([]);
  });

  test('a modern client that asks for it hears of its own task and of no other', async () => {
    const server = createTaskServer({ form: 'extension' });
    await using gateway = await startTaskGateway(server);
    const [alice, bob] = ['alice', 'bob'].map((principal) => new TaskClient(gateway.handler, MODERN, { principal }));
    const taskId = (await alice!.begin())['taskId'] as string;
    const heard: Notification[] = [];
    const wish = { client: MODERN, principal: 'alice', listener: (notification: Notification) => heard.push(notification) };
    expect(gateway.handler.watchTask!(taskId, { ...wish, principal: 'bob' })).toBeUndefined();
    const stop = gateway.handler.watchTask!(taskId, wish)!;
    await bob!.begin();
    const listens = server.seen.filter(({ method }) => method === 'subscriptions/listen');
    expect(listens.at(-1)?.params).toMatchObject({
      notifications: { taskIds: [server.ids[0]] },
      _meta: { 'io.modelcontextprotocol/clientCapabilities': { extensions: { [EXTENSION]: {} } } },
    });
    for (const id of server.ids) server.notify('notifications/tasks', { taskId: id, status: 'working' });
    await alice!.ask('tasks/get', { taskId });
    expect(heard.map(({ params }) => params?.value)).toEqual([{ taskId, status: 'working' }]);
    stop();
    server.notify('notifications/tasks', { taskId: server.ids[0], status: 'completed' });
    await alice!.ask('tasks/get', { taskId });
    expect(heard).toHaveLength(1);
  });

  test('progress goes on after the answer that tells of the task, until the task is over', async () => {
    const server = createTaskServer({ form: 'core' });
    await using gateway = await startTaskGateway(server);
    const [mine, theirs] = ['s1', 's2'].map((session) => new TaskClient(gateway.handler, CORE, { session }));
    const created = await mine!.ask('tools/call', { name: 'work', arguments: {}, task: {} }, { wantsProgress: true });
    await theirs!.ask('tools/call', { name: 'work', arguments: {}, task: {} }, { wantsProgress: true });
    const [own, other] = server.ids;
    server.progress(own!, 1);
    await mine!.ask('tasks/get', created['task'] as Json);
    expect(mine!.heard.map(({ method, params }) => [method, params?.object?.['progress']])).toEqual([['notifications/progress', 1]]);
    server.complete(own!);
    await mine!.ask('tasks/get', created['task'] as Json);
    server.progress(own!, 2);
    server.notify('notifications/tasks/status', { taskId: other, status: 'completed' });
    server.progress(other!, 3);
    await mine!.ask('tasks/get', created['task'] as Json);
    expect(mine!.heard).toHaveLength(1);
    expect(theirs!.heard.map(({ method }) => method)).toEqual(['notifications/tasks/status']);
  });
});
