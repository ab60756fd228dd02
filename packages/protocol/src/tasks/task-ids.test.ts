import { expect, test } from 'vitest';
import { RawJson, type Outcome, type Question } from '@signalbox/core';
import {
  changeTaskId,
  changeTaskIdAround,
  changeTaskIdIn,
  readCreatedTask,
  readTask,
  readTaskNotification,
  taskOfMessage,
} from './task-ids.ts';

const RELATED = '"io.modelcontextprotocol/related-task"';
const ids = { from: 'upstream-1', to: 'ours-1' };
const raw = (text: string) => RawJson.fromBytes(Buffer.from(text));
const outcome = (text: string, resultType = 'complete'): Outcome => ({
  kind: 'result',
  result: raw(text),
  resultType,
  isError: false,
  revision: '2025-11-25',
  modernMembers: [1, 2],
});
const changed = (method: string, text: string, resultType?: string) => {
  const next = changeTaskId(method, outcome(text, resultType), ids);
  return next.kind === 'result' ? next.result.bytes.toString() : next.error.message;
};

test('an id is changed where each kind of answer has it, and all other bytes stay', () => {
  expect(changed('tools/call', '{ "n": 1.0, "taskId":"upstream-1", "task":{"taskId":"upstream-1"} }', 'task')).toBe(
    '{ "n": 1.0, "taskId":"ours-1", "task":{"taskId":"upstream-1"} }',
  );
  expect(changed('tools/call', '{"task":{"taskId":"upstream-1","n":1.0},"taskId":"upstream-1"}')).toBe(
    '{"task":{"taskId":"ours-1","n":1.0},"taskId":"upstream-1"}',
  );
  expect(changed('tasks/get', '{"taskId":"upstream-1","result":{"taskId":"upstream-1"}}')).toBe(
    '{"taskId":"ours-1","result":{"taskId":"upstream-1"}}',
  );
  expect(changed('tasks/get', `{"taskId":"upstream-1","result":{"_meta":{${RELATED}:{"taskId":"upstream-1"}}}}`)).toBe(
    `{"taskId":"ours-1","result":{"_meta":{${RELATED}:{"taskId":"ours-1"}}}}`,
  );
  expect(changed('tasks/result', `{"taskId":"upstream-1","_meta":{"a":1,${RELATED}:{"taskId":"upstream-1"}}}`)).toBe(
    `{"taskId":"upstream-1","_meta":{"a":1,${RELATED}:{"taskId":"ours-1"}}}`,
  );
});

test('what names no task, or another one, is the same object', () => {
  for (const text of ['{}', '{"taskId":"another"}', '{"taskId":7}', '[]', '{"task":"upstream-1"}']) {
    const before = outcome(text);
    expect(changeTaskId('tasks/get', before, ids)).toBe(before);
  }
});

test('where the members of a result lie is forgotten once its bytes have changed', () => {
  expect(changeTaskId('tasks/get', outcome('{"taskId":"upstream-1"}'), ids)).toMatchObject({ modernMembers: undefined });
});

test('a refusal speaks of the task by the id its reader knows, unless the id is too short to tell', () => {
  const refusal = (message: string): Outcome => ({ kind: 'error', error: { code: -32602, message } });
  expect(changeTaskId('tasks/get', refusal('no upstream-1 here'), ids)).toEqual(refusal('no ours-1 here'));
  expect(changeTaskId('tasks/get', refusal('1 of 1'), { from: '1', to: 'ours' })).toEqual(refusal('1 of 1'));
});

test('notifications, and questions with their answers, speak of the task by the right id on each side', async () => {
  const name = (id: string) => `ours of ${id}`;
  const status = { method: 'notifications/tasks/status', params: raw('{"taskId":"t","status":"working"}') };
  expect(changeTaskIdIn(status, name).params?.value).toEqual({ taskId: 'ours of t', status: 'working' });
  const log = { method: 'notifications/message', params: raw(`{"data":1,"_meta":{${RELATED}:{"taskId":"t"}}}`) };
  expect(changeTaskIdIn(log, name).params?.bytes.toString()).toBe(`{"data":1,"_meta":{${RELATED}:{"taskId":"ours of t"}}}`);
  expect([status, log, { method: 'notifications/message', params: raw('{"data":1}') }].map(taskOfMessage)).toEqual(['t', 't', undefined]);

  const heard: unknown[] = [];
  const ask = changeTaskIdAround(({ params }: Question) => {
    heard.push(params?.value);
    return Promise.resolve(outcome(`{"action":"cancel","_meta":{${RELATED}:{"taskId":"ours of t"}}}`));
  }, name);
  const question = { method: 'elicitation/create', params: log.params, cancellation: undefined as never };
  const answer = await ask(question);
  expect(heard).toEqual([{ data: 1, _meta: { 'io.modelcontextprotocol/related-task': { taskId: 'ours of t' } } }]);
  expect(answer).toMatchObject({ result: raw(`{"action":"cancel","_meta":{${RELATED}:{"taskId":"t"}}}`) });
});

test('a task is read in both forms, from what each kind of message says', () => {
  expect(readCreatedTask(outcome('{"taskId":"a","status":"working","ttlMs":5}', 'task'))).toEqual({ id: 'a', isOver: false, ttlMs: 5 });
  expect(readCreatedTask(outcome('{"task":{"taskId":"a","status":"failed","ttl":null}}'))).toEqual({
    id: 'a',
    isOver: true,
    ttlMs: undefined,
  });
  expect(readCreatedTask(outcome('{"content":[]}'))).toBeUndefined();
  expect(readCreatedTask({ kind: 'error', error: { code: 1, message: '' } })).toBeUndefined();
  expect(readTask(raw('{"status":"completed","taskId":"\\u0061"}'))).toEqual({ id: 'a', isOver: true, ttlMs: undefined });
  expect([raw('{"taskId":"a"}'), raw('[]'), raw('{"taskId":1,"status":"working"}')].map(readTask)).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  const news = { method: 'notifications/tasks', params: raw('{"taskId":"a","status":"cancelled"}') };
  expect(readTaskNotification(news)).toMatchObject({ id: 'a', isOver: true });
  expect(readTaskNotification({ ...news, method: 'notifications/message' })).toBeUndefined();
});
