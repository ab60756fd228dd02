import { randomUUID } from 'node:crypto';
import { code, metaKey, RpcError, toErrorMessage } from '../wire/protocol.mjs';

/** The tasks of one session in the way of 2025-11-25: the client asks for a task, and fetches its result. */
export function createHandshakeTasks({ notify }) {
  const tasks = new Map();
  const methods = {
    'tasks/get': ({ params }) => toFields(find(params)),
    'tasks/list': () => ({ tasks: [...tasks.values()].map(toFields) }),
    'tasks/cancel': ({ params }) => {
      const task = find(params);
      if (task.outcome !== undefined) throw new RpcError(code.invalidParams, 'The task has ended already');
      end(task, 'cancelled', { error: toErrorMessage(null, new RpcError(code.internal, 'The task was cancelled')).error });
      task.abort.abort(new Error('tasks/cancel'));
      return toFields(task);
    },
    'tasks/result': result,
  };

  return {
    serves: (method) => method in methods,
    answer: (method, options) => methods[method](options),

    /** Starts a task and returns the result that creates it. */
    start(run, { context, asked }) {
      const now = new Date().toISOString();
      const task = { taskId: randomUUID(), status: 'working', createdAt: now, lastUpdatedAt: now, ttl: asked.ttl ?? null };
      Object.assign(task, { abort: new AbortController(), questions: [] });
      task.ended = new Promise((resolve) => (task.resolve = resolve));
      tasks.set(task.taskId, task);
      const own = { ...context, signal: task.abort.signal, ask: (_round, requests) => park(task, requests) };
      run(own).then(
        (value) => end(task, value.isError ? 'failed' : 'completed', { result: value }),
        (error) => end(task, 'failed', { error: toErrorMessage(null, error).error }),
      );
      return { task: toFields(task), _meta: { 'kit.test/result': 1 }, 'kit.test/unknown': { of: 'a task' } };
    },

    close() {
      for (const { abort } of tasks.values()) abort.abort(new Error('The session ended'));
    },
  };

  function find(params) {
    const task = tasks.get(params?.taskId);
    if (task === undefined) throw new RpcError(code.invalidParams, 'Unknown task', { taskId: params?.taskId });
    return task;
  }

  // The questions of a task travel on the stream of whoever waits for its result.
  async function result({ params, request }) {
    const task = find(params);
    while (task.outcome === undefined) {
      for (const question of task.questions.splice(0)) request(withTask(question.request, task)).then(question.resolve, question.reject);
      await Promise.race([task.ended, new Promise((resolve) => (task.wake = resolve))]);
    }
    if (task.outcome.error) throw new RpcError(task.outcome.error.code, task.outcome.error.message, task.outcome.error.data);
    return withMeta(task.outcome.result, task);
  }

  async function park(task, requests) {
    move(task, 'input_required');
    const answers = Object.entries(requests).map(
      ([key, request]) =>
        new Promise((resolve, reject) => task.questions.push({ request, resolve: (value) => resolve([key, value]), reject })),
    );
    task.wake?.();
    const found = Object.fromEntries(await Promise.all(answers));
    move(task, 'working');
    return found;
  }

  function end(task, status, outcome) {
    if (task.outcome !== undefined) return;
    task.outcome = outcome;
    move(task, status);
    task.resolve();
  }

  function move(task, status) {
    Object.assign(task, { status, statusMessage: `now ${status}`, lastUpdatedAt: new Date().toISOString() });
    notify('notifications/tasks/status', { ...toFields(task), _meta: { 'kit.test/vendor': 1 } });
  }
}

const toFields = ({ taskId, status, statusMessage, createdAt, lastUpdatedAt, ttl }) => ({
  taskId,
  status,
  statusMessage,
  createdAt,
  lastUpdatedAt,
  ttl,
  pollInterval: 20,
  'kit.test/unknown': 1,
});

const withMeta = (result, { taskId }) => ({ ...result, _meta: { ...result._meta, [metaKey.relatedTask]: { taskId } } });
const withTask = ({ method, params }, task) => ({ method, params: withMeta(params, task) });
