import { describe, expect, test } from 'vitest';
import { Cancellation, type Question } from '@signalbox/core';
import { CORE, MODERN, TaskClient, startTaskGateway } from '../testing/task-client.ts';
import { createTaskServer } from '../testing/task-server.ts';

type Json = Record<string, unknown>;

const RELATED = 'io.modelcontextprotocol/related-task';
const methodsOf = ({ seen }: { readonly seen: readonly { readonly method: string }[] }) => seen.map(({ method }) => method);

describe('a client of the extension and a server of the core', () => {
  const start = async (support = 'optional', config: object = {}) => {
    const server = createTaskServer({ form: 'core', support });
    const gateway = await startTaskGateway(server, config);
    return { server, gateway, client: new TaskClient(gateway.handler, MODERN), [Symbol.asyncDispose]: () => gateway.close() };
  };

  test('a tool that can be a task becomes one, and its result comes with its state', async () => {
    await using it = await start();
    const created = await it.client.ask('tools/call', { name: 'work', arguments: {} });
    const [own] = it.server.ids;
    expect(it.server.seen.at(-1)?.params['task']).toEqual({});
    const { taskId } = created;
    expect(created).toEqual({ ...created, resultType: 'task', status: 'working', ttlMs: 60_000, pollIntervalMs: 20, vendor: 2 });
    expect(Object.keys(created)).not.toEqual(expect.arrayContaining(['ttl']));
    expect(await it.client.ask('tasks/get', { taskId })).toMatchObject({ resultType: 'complete', taskId, status: 'working' });
    it.server.complete(own!, { content: [], structuredContent: { n: 1 }, _meta: { vendor: true } });
    expect(await it.client.ask('tasks/get', { taskId })).toMatchObject({
      taskId,
      status: 'completed',
      result: { resultType: 'complete', content: [], structuredContent: { n: 1 }, _meta: { vendor: true } },
    });
    expect(JSON.stringify(await it.client.ask('tasks/get', { taskId }))).not.toContain(RELATED);
  });

  test('a tool that failed is a task completed, and a refusal a task failed', async () => {
    await using it = await start();
    const [first, second] = [await it.client.begin(), await it.client.begin()];
    it.server.complete(it.server.ids[0]!, { content: [], isError: true });
    it.server.fail(it.server.ids[1]!, { code: -32603, message: 'crashed' });
    expect(await it.client.ask('tasks/get', first)).toMatchObject({ status: 'completed', result: { isError: true } });
    const failed = await it.client.ask('tasks/get', second);
    expect(failed).toMatchObject({ status: 'failed', error: { code: -32603, message: 'crashed' } });
    expect(failed).not.toHaveProperty('result');
  });

  test('a task can be cancelled more than once, also when it is over, but not one that is unknown', async () => {
    await using it = await start();
    const { taskId } = await it.client.begin();
    for (let time = 0; time < 2; time++) expect(await it.client.ask('tasks/cancel', { taskId })).toEqual({ resultType: 'complete' });
    expect(await it.client.ask('tasks/get', { taskId })).toMatchObject({ status: 'cancelled' });
    expect(await it.client.ask('tasks/update', { taskId, inputResponses: {} })).toEqual({ resultType: 'complete' });
    await expect(it.client.send('tasks/cancel', { taskId: 'x' })).rejects.toMatchObject({ code: 'UNKNOWN_NAME' });
  });

  test('a tool that could ask runs at once where it can, and as a task that cannot ask where it must', async () => {
    for (const support of ['optional', 'required']) {
      await using it = await start(support);
      it.client.answer = () => ({ action: 'cancel' });
      const result = await it.client.ask('tools/call', { name: 'work', arguments: {} });
      expect(result['resultType']).toBe(support === 'required' ? 'task' : undefined);
      expect(it.server.seen.at(-1)?.params['task']).toEqual(support === 'required' ? {} : undefined);
    }
  });

  test('a task that waits for an answer nobody here can give is one that works', async () => {
    await using it = await start();
    const { taskId } = await it.client.begin();
    it.server.ask(it.server.ids[0]!, { name: {} });
    const seen = await it.client.ask('tasks/get', { taskId });
    expect(seen['status']).toBe('working');
    expect(seen).not.toHaveProperty('inputRequests');
  });

  test('other tools, and other clients, get no task even if they wish for one in the words of the core', async () => {
    await using it = await start('forbidden');
    const undeclared = new TaskClient(it.gateway.handler, { ...MODERN, capabilities: {} });
    for (const client of [it.client, undeclared]) {
      expect(await client.ask('tools/call', { name: 'work', arguments: {}, task: {} })).toMatchObject({ content: [{ text: 'at once' }] });
      expect(it.server.seen.at(-1)?.params).not.toHaveProperty('task');
    }
  });
});

describe('a client of the core and a server of the extension', () => {
  const start = async (options: { isPrompt?: boolean } = {}, config: object = {}) => {
    const server = createTaskServer({ form: 'extension', ...options });
    const gateway = await startTaskGateway(server, config);
    const client = new TaskClient(gateway.handler, CORE, { session: 's1' });
    return { server, gateway, client, [Symbol.asyncDispose]: () => gateway.close() };
  };

  test('a call that wants a task gets one, in the words of the core', async () => {
    await using it = await start();
    const created = await it.client.ask('tools/call', { name: 'work', arguments: {}, task: { ttl: 1 } });
    expect(it.server.seen.at(-1)?.params).not.toHaveProperty('task');
    expect(created).toMatchObject({ task: { status: 'working', ttl: 60_000, pollInterval: 20, vendor: 1 } });
    const task = created['task'] as Json;
    expect(Object.keys(task).filter((name) => /Ms$|resultType/.test(name))).toEqual([]);
    expect(await it.client.ask('tasks/get', task)).toMatchObject({ taskId: task['taskId'], status: 'working', ttl: 60_000 });
  });

  test('its result is waited for, and names the task', async () => {
    await using it = await start();
    const { taskId } = await it.client.begin();
    const waiting = it.client.ask('tasks/result', { taskId });
    await it.client.ask('tasks/get', { taskId });
    it.server.complete(it.server.ids[0]!, { resultType: 'complete', content: [], _meta: { vendor: true } });
    expect(await waiting).toMatchObject({ content: [], _meta: { vendor: true, [RELATED]: { taskId } } });
    expect(await it.client.ask('tasks/get', { taskId })).toEqual({
      ...(await it.client.ask('tasks/get', { taskId })),
      taskId,
      status: 'completed',
    });
  });

  test('a task whose tool failed is failed, and its result is what the tool said', async () => {
    await using it = await start();
    const { taskId } = await it.client.begin();
    it.server.complete(it.server.ids[0]!, { content: [], isError: true });
    expect(await it.client.ask('tasks/get', { taskId })).toMatchObject({ status: 'failed' });
    expect(await it.client.send('tasks/result', { taskId })).toMatchObject({ kind: 'result', isError: true });
    expect(await it.client.send('tasks/cancel', { taskId })).toMatchObject({ error: { code: -32602 } });
  });

  test('a refusal is passed on as it is, and a cancelled task has no result', async () => {
    await using it = await start();
    const [first, second] = [await it.client.begin(), await it.client.begin()];
    it.server.fail(it.server.ids[0]!, { code: -32603, message: 'crashed', data: { why: 1 } });
    expect(await it.client.send('tasks/result', first)).toEqual({
      kind: 'error',
      error: { code: -32603, message: 'crashed', data: { why: 1 } },
    });
    expect(await it.client.ask('tasks/cancel', second)).toMatchObject({ taskId: second['taskId'], status: 'cancelled', ttl: 60_000 });
    expect(await it.client.send('tasks/result', second)).toMatchObject({ kind: 'error', error: { message: 'The task was cancelled' } });
  });

  test('who waits for the result is asked what the task wants to know, each thing once', async () => {
    await using it = await start();
    const asked: Question[] = [];
    it.client.answer = (question) => {
      asked.push(question);
      return { action: 'accept', content: { name: 'Ada' } };
    };
    const { taskId } = await it.client.begin();
    const [own] = it.server.ids;
    it.server.ask(own!, { name: { method: 'elicitation/create', params: { message: 'Name?' } } });
    expect(await it.client.ask('tasks/get', { taskId })).toMatchObject({ status: 'input_required' });
    const waiting = it.client.ask('tasks/result', { taskId });
    while (!methodsOf(it.server).includes('tasks/update')) await it.client.ask('tasks/get', { taskId });
    it.server.complete(own!);
    await waiting;
    expect(asked.map(({ method, params }) => [method, params?.value])).toEqual([
      ['elicitation/create', { message: 'Name?', _meta: { [RELATED]: { taskId } } }],
    ]);
    expect(it.server.seen.find(({ method }) => method === 'tasks/update')?.params).toMatchObject({
      taskId: own,
      inputResponses: { name: { action: 'accept', content: { name: 'Ada' } } },
    });
  });

  test('a call that is answered at once is a task that is over, for its own session and for a while', async () => {
    await using it = await start({ isPrompt: true });
    const { taskId, ...created } = await it.client.begin();
    expect(created).toMatchObject({ status: 'working', ttl: 60_000 });
    expect(await it.client.ask('tasks/get', { taskId })).toMatchObject({ taskId, status: 'completed', ttl: 60_000 });
    expect(await it.client.ask('tasks/result', { taskId })).toMatchObject({
      content: [{ text: 'at once' }],
      _meta: { [RELATED]: { taskId } },
    });
    await expect(it.client.send('tasks/cancel', { taskId })).rejects.toMatchObject({ code: 'INVALID_PARAMS' });
    expect((await it.client.ask('tasks/list'))['tasks']).toMatchObject([{ taskId, status: 'completed' }]);
    const other = new TaskClient(it.gateway.handler, CORE, { session: 's2' });
    await expect(other.send('tasks/result', { taskId })).rejects.toMatchObject({ code: 'UNKNOWN_NAME' });
    expect(methodsOf(it.server).filter((method) => method.startsWith('tasks/'))).toEqual([]);
  });

  test('waiting for a result ends with its caller', async () => {
    await using it = await start();
    const { taskId } = await it.client.begin();
    const cancellation = new Cancellation();
    const waiting = it.client.send('tasks/result', { taskId }, { cancellation }).catch((error: unknown) => error);
    await it.client.ask('tasks/get', { taskId });
    cancellation.cancel('no longer');
    expect(await waiting).toMatchObject({ code: 'CANCELLED' });
  });

  test('waiting for a result ends with the time a call may take', async () => {
    await using it = await start({}, { timeouts: { callMs: 250 } });
    const { taskId } = await it.client.begin();
    await expect(it.client.send('tasks/result', { taskId })).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED', data: { phase: 'task' } });
  });
});

describe('where there are no tasks', () => {
  test('a wish for one does not reach a server that does not announce them, and the call just takes its time', async () => {
    for (const form of ['core', 'extension'] as const) {
      const server = createTaskServer({ form, capabilities: {}, support: 'optional' });
      await using gateway = await startTaskGateway(server);
      const client = new TaskClient(gateway.handler, CORE, { session: 's1' });
      const result = await client.ask('tools/call', { name: 'work', arguments: {}, task: {} });
      expect(result).toMatchObject({ content: [{ text: 'at once' }] });
      expect(server.seen.at(-1)?.params).not.toHaveProperty('task');
      expect(JSON.stringify(server.seen.at(-1)?.params)).not.toContain('modelcontextprotocol/tasks');
    }
  });

  test('clients of the core see which tools can be tasks here', async () => {
    const supportOf = async (options: Parameters<typeof createTaskServer>[0]) => {
      await using gateway = await startTaskGateway(createTaskServer(options));
      const tools = (await new TaskClient(gateway.handler, CORE).ask('tools/list'))['tools'] as { execution?: { taskSupport?: string } }[];
      const modern = (await new TaskClient(gateway.handler, MODERN).ask('tools/list'))['tools'] as {
        execution?: { taskSupport?: string };
      }[];
      return [tools[0]?.execution?.taskSupport, modern[0]?.execution?.taskSupport];
    };
    expect(await supportOf({ form: 'core', support: 'required' })).toEqual(['required', 'required']);
    expect(await supportOf({ form: 'extension' })).toEqual(['optional', undefined]);
    expect(await supportOf({ form: 'core', support: 'optional', capabilities: {} })).toEqual(['forbidden', 'optional']);
  });
});

test('a result that is waited for longer than a call may take does not speak against its server', async () => {
  const server = createTaskServer({ form: 'core' });
  await using gateway = await startTaskGateway(server, { timeouts: { callMs: 250 }, breaker: { failures: 1 } });
  const client = new TaskClient(gateway.handler, CORE, { session: 's1' });
  const { taskId } = await client.begin();
  await expect(client.send('tasks/result', { taskId })).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  expect(await client.ask('tasks/get', { taskId })).toMatchObject({ status: 'working' });
});

test('who waits for a result does not stand in the way of who cancels, also where calls go one by one', async () => {
  const server = createTaskServer({ form: 'core' });
  await using gateway = await startTaskGateway(server, { sequential: true });
  const client = new TaskClient(gateway.handler, CORE, { session: 's1' });
  const { taskId } = await client.begin();
  const waiting = client.send('tasks/result', { taskId });
  expect(await client.ask('tasks/cancel', { taskId })).toMatchObject({ status: 'cancelled' });
  await waiting;
});
