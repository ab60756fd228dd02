import { isObject, type Notification } from '@signalbox/core';
import { openChannel, type TaskForm } from '@signalbox/protocol';
import { createChannelPair } from '@signalbox/protocol/testing';
import type { Opened } from '../upstreams/open-connection.ts';

type Json = Record<string, unknown>;

/** A request as the server got it. */
export interface SeenRequest {
  readonly method: string;
  readonly params: Json;
}

interface Task {
  readonly taskId: string;
  status: string;
  result: Json | undefined;
  error: Json | undefined;
  questions: Json;
  readonly token: unknown;
  /** Ends the requests for its result that wait. */
  readonly waiting: (() => void)[];
}

/** A server that speaks of tasks in one form, message by message. What becomes of its tasks is the test's to say. */
export interface TaskServer {
  readonly seen: SeenRequest[];
  /** Ids of its tasks, oldest first. */
  readonly ids: string[];
  open(onNotification: (notification: Notification) => void): Promise<Opened>;
  complete(id: string, result?: Json): void;
  fail(id: string, error: Json): void;
  /** What the server wants to know before it goes on. */
  ask(id: string, questions: Json): void;
  /** Sends progress with the token of the call that became the task. */
  progress(id: string, progress: number): void;
  notify(method: string, params: Json): void;
}

export interface TaskServerOptions {
  readonly form: TaskForm;
  /** What the list says of its one tool `work`. Default: `optional` in the core, nothing in the extension. */
  readonly support?: string | undefined;
  /** Announced beside tools. Default: tasks in its form. */
  readonly capabilities?: Json;
  /** Set it to have calls answered at once. */
  readonly isPrompt?: boolean;
  /** In front of each of its own task ids. */
  readonly prefix?: string;
}

const TIMES = { createdAt: '2026-11-25T10:00:00Z', lastUpdatedAt: '2026-11-25T10:00:00Z' };
const CAPABILITIES: Readonly<Record<TaskForm, Json>> = {
  core: { tasks: { list: {}, cancel: {}, requests: { tools: { call: {} } } } },
  extension: { extensions: { 'io.modelcontextprotocol/tasks': {} } },
};

export function createTaskServer(options: TaskServerOptions): TaskServer {
  const { form, capabilities = CAPABILITIES[form], isPrompt = false, prefix = 'upstream-task-' } = options;
  const { support = form === 'core' ? 'optional' : undefined } = options;
  const tasks = new Map<string, Task>();
  const seen: SeenRequest[] = [];
  let send = (_message: Json): void => undefined;

  const describe = ({ taskId, status }: Task): Json =>
    form === 'core'
      ? { taskId, status, ...TIMES, ttl: 60_000, pollInterval: 20, vendor: 1 }
      : { taskId, status, ...TIMES, ttlMs: 60_000, pollIntervalMs: 20, vendor: 1 };
  const detail = (task: Task): Json => ({
    ...describe(task),
    ...(form === 'extension' && task.result !== undefined && { result: task.result }),
    ...(form === 'extension' && task.error !== undefined && { error: task.error }),
    ...(task.status === 'input_required' && form === 'extension' && { inputRequests: task.questions }),
  });
  const find = (params: Json): Task => {
    const task = tasks.get(String(params['taskId']));
    if (task === undefined) throw new Refusal(-32602, `There is no task ${String(params['taskId'])} here`);
    return task;
  };
  const end = (id: string, change: Partial<Task>): void => {
    const task = tasks.get(id)!;
    Object.assign(task, change);
    for (const proceed of task.waiting.splice(0)) proceed();
  };

  const call = (params: Json): Json => {
    const isWanted = form === 'core' ? params['task'] !== undefined : declares(params);
    if (!isWanted || isPrompt) return { content: [{ type: 'text', text: 'at once' }] };
    const taskId = `${prefix}${tasks.size + 1}`;
    const meta = isObject(params['_meta']) ? params['_meta'] : {};
    const task: Task = {
      taskId,
      status: 'working',
      result: undefined,
      error: undefined,
      questions: {},
      token: meta['progressToken'],
      waiting: [],
    };
    tasks.set(taskId, task);
    return form === 'core' ? { task: describe(task), vendor: 2 } : { resultType: 'task', ...describe(task) };
  };
  const resultOf = async (params: Json): Promise<Json> => {
    const task = find(params);
    if (!isOver(task)) await new Promise<void>((resolve) => task.waiting.push(resolve));
    if (task.error !== undefined) throw new Refusal(Number(task.error['code']), String(task.error['message']));
    const related = { 'io.modelcontextprotocol/related-task': { taskId: task.taskId } };
    return { ...task.result, _meta: { ...(task.result?.['_meta'] as Json), ...related } };
  };
  const cancel = (params: Json): Json => {
    const task = find(params);
    if (isOver(task) && form === 'core') throw new Refusal(-32602, `Task ${task.taskId} is ${task.status} already`);
    if (!isOver(task)) end(task.taskId, { status: 'cancelled' });
    return form === 'core' ? describe(task) : {};
  };
  const update = (params: Json): Json => {
    const task = find(params);
    for (const key of Object.keys(params['inputResponses'] as Json)) delete task.questions[key];
    if (Object.keys(task.questions).length === 0) task.status = 'working';
    return {};
  };
  const answer = (method: string, params: Json): Json | Promise<Json> => {
    switch (method) {
      case 'initialize':
        return { protocolVersion: '2025-11-25', capabilities: { tools: {}, ...capabilities }, serverInfo: { name: 'tasks', version: '1' } };
      case 'server/discover':
        return { supportedVersions: ['2026-07-28'], capabilities: { tools: {}, ...capabilities } };
      case 'tools/list':
        return { tools: [{ name: 'work', inputSchema: { type: 'object' }, ...(support && { execution: { taskSupport: support } }) }] };
      case 'tools/call':
        return call(params);
      case 'tasks/get':
        return detail(find(params));
      case 'tasks/cancel':
        return cancel(params);
      default:
        if (method === 'tasks/result' && form === 'core') return resultOf(params);
        if (method === 'tasks/update' && form === 'extension') return update(params);
        throw new Refusal(-32601, `No method ${method}`);
    }
  };
  const receive = async ({ id, method, params = {} }: { id?: unknown; method?: string; params?: Json }): Promise<void> => {
    if (method === undefined || id === undefined || method === 'subscriptions/listen')
      return void (method && seen.push({ method, params }));
    seen.push({ method, params });
    try {
      send({ jsonrpc: '2.0', id, result: { ...(form === 'extension' && { resultType: 'complete' }), ...(await answer(method, params)) } });
    } catch (error) {
      const { code, message } = error as Refusal;
      send({ jsonrpc: '2.0', id, error: { code, message } });
    }
  };

  return {
    seen,
    get ids() {
      return [...tasks.keys()];
    },
    open: async (onNotification) => {
      const { left, right } = createChannelPair();
      send = (message) => right.send(Buffer.from(JSON.stringify(message)));
      right.onMessage = (bytes) => void receive(JSON.parse(bytes.toString('utf8')) as Json);
      const connection = await openChannel(left, {
        upstream: 'tasks',
        client: { name: 'gateway', version: '1' },
        revision: form === 'core' ? 'handshake' : 'modern',
        handshakeMs: 5_000,
        maxMessageBytes: 1_000_000,
        onNotification,
      });
      return { connection, pid: undefined, stderr: () => [] };
    },
    complete: (id, result = { content: [{ type: 'text', text: 'done' }] }) =>
      end(id, { status: form === 'core' && result['isError'] === true ? 'failed' : 'completed', result }),
    fail: (id, error) => end(id, { status: 'failed', error }),
    ask: (id, questions) => end(id, { status: 'input_required', questions }),
    progress: (id, progress) =>
      send({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: tasks.get(id)!.token, progress } }),
    notify: (method, params) => send({ jsonrpc: '2.0', method, params }),
  };
}

class Refusal extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

function isOver({ status }: Task): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled';
}

function declares(params: Json): boolean {
  const meta = isObject(params['_meta']) ? params['_meta'] : {};
  const client = meta['io.modelcontextprotocol/clientCapabilities'];
  const extensions = isObject(client) ? client['extensions'] : undefined;
  return isObject(extensions) && extensions['io.modelcontextprotocol/tasks'] !== undefined;
}
