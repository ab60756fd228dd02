import { RawJson, type Ask, type ErrorOutcome, type Notification, type Outcome, type Question } from '@signalbox/core';
import { readMember } from '../messages/members.ts';
import { Scanner } from '../messages/scan.ts';

/** The key of `_meta` that names the task a message of 2025-11-25 belongs to. */
export const RELATED_TASK = 'io.modelcontextprotocol/related-task';

/** What a message said of a task. */
export interface TaskState {
  readonly id: string;
  /** Completed, failed or cancelled: nothing more will happen to it. */
  readonly isOver: boolean;
  /** How long its server keeps it, in milliseconds; `undefined` when it does not say, or for good. */
  readonly ttlMs: number | undefined;
}

/** One id in place of another. */
export interface IdChange {
  readonly from: string;
  readonly to: string;
}

const STATUS_NOTIFICATIONS = new Set(['notifications/tasks', 'notifications/tasks/status']);
const OVER = new Set(['completed', 'failed', 'cancelled']);
const ID_PATH = ['taskId'];
const CREATED_PATH = ['task', 'taskId'];
const META_PATH = ['_meta', RELATED_TASK, 'taskId'];
const RESULT_META_PATH = ['result', ...META_PATH];
// Anything shorter may stand in a sentence by chance.
const MIN_TELLING_LENGTH = 8;
const MAX_DIGITS = 20;

/** The task that a call was answered with, if it was answered with one. */
export function readCreatedTask(outcome: Outcome): TaskState | undefined {
  if (outcome.kind === 'error') return undefined;
  if (outcome.resultType === 'task') return readTask(outcome.result);
  const task = readMember(outcome.result, 'task');
  return task === undefined ? undefined : readTask(task);
}

/** What a task object says; `undefined` for what is none. */
export function readTask({ bytes }: RawJson): TaskState | undefined {
  if (bytes[0] !== 0x7b) return undefined;
  const scanner = new Scanner(bytes);
  let id: string | undefined;
  let status: string | undefined;
  let ttl = Number.NaN;
  // A finished task may hold a large result, so it is walked once.
  scanner.scanObject(0, (name, start) => {
    const end = scanner.skipValue(start);
    if (name === 'taskId') id = toText(bytes.subarray(start, end));
    else if (name === 'status') status = toText(bytes.subarray(start, end));
    else if (name === 'ttlMs' || name === 'ttl') ttl = Number(bytes.toString('latin1', start, Math.min(end, start + MAX_DIGITS)));
    return end;
  });
  if (id === undefined || status === undefined) return undefined;
  return { id, isOver: OVER.has(status), ttlMs: ttl > 0 ? ttl : undefined };
}

/** What a notification says of the task it is about; `undefined` for every other notification. */
export function readTaskNotification({ method, params }: Notification): TaskState | undefined {
  return STATUS_NOTIFICATIONS.has(method) && params !== undefined ? readTask(params) : undefined;
}

/** A text member of an object; `undefined` when there is none. */
export function readText(object: RawJson, name: string): string | undefined {
  const member = readMember(object, name);
  return member === undefined ? undefined : toText(member.bytes);
}

/** The answer to a request about a task, or to the call that became one, with the task's id changed wherever it stands. */
export function changeTaskId(method: string, outcome: Outcome, ids: IdChange): Outcome {
  if (outcome.kind === 'error') return changeInMessage(outcome, ids);
  const { result, resultType } = outcome;
  const path = method === 'tasks/result' ? META_PATH : method === 'tools/call' && resultType !== 'task' ? CREATED_PATH : ID_PATH;
  const changed = changeRelated(changeText(result, path, ids), ids);
  // Where its members lie is known only of the bytes it had.
  return changed === result ? outcome : { ...outcome, result: changed, modernMembers: undefined };
}

/** The task that a message of the core says it belongs to, or tells of. */
export function taskOfMessage({ method, params }: Pick<Notification, 'method' | 'params'>): string | undefined {
  if (params === undefined) return undefined;
  if (STATUS_NOTIFICATIONS.has(method)) return readText(params, 'taskId');
  if (!params.bytes.includes(RELATED_TASK)) return undefined;
  const meta = readMember(params, '_meta');
  const related = meta && readMember(meta, RELATED_TASK);
  return related && readText(related, 'taskId');
}

/** A notification with its task's id changed to what `name` makes of it, wherever it stands. */
export function changeTaskIdIn(notification: Notification, name: (id: string) => string): Notification {
  const { method, params } = notification;
  const from = taskOfMessage(notification);
  if (params === undefined || from === undefined) return notification;
  const ids = { from, to: name(from) };
  return { method, params: changeRelated(STATUS_NOTIFICATIONS.has(method) ? changeText(params, ID_PATH, ids) : params, ids) };
}

/** Asks with the task's id changed in the question to what `name` makes of it, and back in the answer. */
export function changeTaskIdAround(ask: Ask, name: (id: string) => string): Ask {
  return async (question: Question) => {
    const from = taskOfMessage(question);
    if (from === undefined) return ask(question);
    const to = name(from);
    const answer = await ask({ ...question, params: question.params && changeRelated(question.params, { from, to }) });
    if (answer.kind === 'error') return answer;
    const result = changeRelated(answer.result, { from: to, to: from });
    return result === answer.result ? answer : { ...answer, result, modernMembers: undefined };
  };
}

// Servers say in words which task they do not know, and their name for it means nothing to our client.
function changeInMessage(outcome: ErrorOutcome, { from, to }: IdChange): ErrorOutcome {
  const { error } = outcome;
  if (from.length < MIN_TELLING_LENGTH || !error.message.includes(from)) return outcome;
  return { kind: 'error', error: { ...error, message: error.message.replaceAll(from, to) } };
}

function changeRelated(object: RawJson, ids: IdChange): RawJson {
  if (!object.bytes.includes(RELATED_TASK)) return object;
  return changeText(changeText(object, META_PATH, ids), RESULT_META_PATH, ids);
}

// Gives back the same object when there is nothing to change. All other bytes are kept.
function changeText(object: RawJson, path: readonly string[], ids: IdChange): RawJson {
  const [name, ...rest] = path;
  const { bytes } = object;
  if (bytes[0] !== 0x7b) return object;
  const scanner = new Scanner(bytes);
  let from = -1;
  let to = -1;
  scanner.scanObject(0, (found, start) => {
    const end = scanner.skipValue(start);
    if (found === name) [from, to] = [start, end];
    return end;
  });
  if (from < 0) return object;
  const member = RawJson.fromBytes(bytes.subarray(from, to));
  const next = rest.length > 0 ? changeText(member, rest, ids) : toText(member.bytes) === ids.from ? RawJson.fromValue(ids.to) : member;
  return next === member ? object : RawJson.fromParts([bytes.subarray(0, from), ...next.parts, bytes.subarray(to)]);
}

function toText(bytes: Buffer): string | undefined {
  if (bytes[0] !== 0x22) return undefined;
  const text = bytes.toString('utf8');
  return text.includes('\\') ? String(JSON.parse(text)) : text.slice(1, -1);
}
