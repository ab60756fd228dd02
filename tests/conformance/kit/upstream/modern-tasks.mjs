import { randomUUID } from 'node:crypto';
import { isObject } from '../wire/json.mjs';
import { code, RpcError, toErrorMessage } from '../wire/protocol.mjs';

/** The tasks of the tasks extension: the server decides what becomes a task, the client asks how it goes. */
export function createModernTasks() {
  const tasks = new Map();
  const listeners = new Set();
  const methods = {
    'tasks/get': (task) => describe(task),
    'tasks/update': update,
    'tasks/cancel': (task) => {
      end(task, 'cancelled', {});
      task.abort.abort(new Error('tasks/cancel'));
      return {};
    },
  };

  return {
    serves: (method) => method in methods,

    answer(method, params) {
      const task = tasks.get(params.taskId);
      if (task === undefined) throw new RpcError(code.invalidParams, 'Unknown task', { taskId: params.taskId });
      return methods[method](task, params);
    },

    /** Starts a task and returns the result that creates it. */
    start(run, context) {
      const now = new Date().toISOString();
      const task = { taskId: randomUUID(), status: 'working', createdAt: now, lastUpdatedAt: now, requests: {}, answers: {} };
      task.abort = new AbortController();
      tasks.set(task.taskId, task);
      const own = {
        ...context,
        signal: task.abort.signal,
        progress: () => undefined,
        log: () => undefined,
        ask: (_round, requests) => park(task, requests),
      };
      run(own).then(
        (result) => end(task, 'completed', { result: { resultType: 'complete', ...result } }),
        (error) => end(task, 'failed', { error: toErrorMessage(null, error).error }),
      );
      return { resultType: 'task', ...toFields(task) };
    },

    /** Returns the function that stops it. */
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };

  function update(task, { inputResponses }) {
    if (!isObject(inputResponses)) throw new RpcError(code.invalidParams, 'The parameter "inputResponses" must be an object');
    for (const [key, answer] of Object.entries(inputResponses)) {
      if (!(key in task.requests)) continue;
      const { [key]: _answered, ...rest } = task.requests;
      task.requests = rest;
      task.answers[key] = answer;
    }
    if (task.status === 'input_required' && Object.keys(task.requests).length === 0) {
      move(task, 'working');
      task.resume(task.answers);
    }
    return {};
  }

  function park(task, requests) {
    Object.assign(task, { requests, answers: {} });
    move(task, 'input_required');
    return new Promise((resolve, reject) => {
      task.resume = resolve;
      task.abort.signal.addEventListener('abort', () => reject(new Error('The task was cancelled')), { once: true });
    });
  }

  function end(task, status, outcome) {
    if (task.outcome !== undefined) return;
    task.outcome = outcome;
    move(task, status);
  }

  function move(task, status) {
    Object.assign(task, { status, statusMessage: `now ${status}`, lastUpdatedAt: new Date().toISOString() });
    for (const listener of listeners) listener(describe(task));
  }
}

function describe(task) {
  return { ...toFields(task), ...task.outcome, ...(task.status === 'input_required' ? { inputRequests: task.requests } : {}) };
}

function toFields({ taskId, status, statusMessage, createdAt, lastUpdatedAt }) {
  return { taskId, status, statusMessage, createdAt, lastUpdatedAt, ttlMs: 60_000, pollIntervalMs: 20, 'kit.test/unknown': 1 };
}
