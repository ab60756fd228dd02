import { RawJson, type Outcome, type Params, type ResultOutcome } from '@signalbox/core';
import { withParams } from '../messages/encode.ts';
import { readMember } from '../messages/members.ts';
import { HANDSHAKE_REVISIONS, MODERN_REVISION } from '../revisions/revisions.ts';
import { readText } from './task-ids.ts';
import { answerQuestions, type TaskAsker } from './task-questions.ts';
import {
  readMembers,
  toCoreTask,
  toExtensionTask,
  withoutRelatedTask,
  withRelatedTask,
  writeMembers,
  type Members,
} from './task-objects.ts';
import type { TaskForm } from './task-support.ts';

/** A request about a task whose client and server speak of tasks in different forms. Ids are those of the server. */
export interface TaskCrossing extends TaskAsker {
  readonly method: string;
  /** How the client speaks of tasks. */
  readonly form: TaskForm;
  /** Resolves after that many milliseconds. @throws GatewayError when the answer is no longer wanted. */
  readonly wait: (delayMs: number) => Promise<void>;
}

const CORE_REVISION = HANDSHAKE_REVISIONS[0];
const INVALID_PARAMS = -32602;
const METHOD_NOT_FOUND = -32601;
const CANCELLED = -32000;
const DEFAULT_POLL_MS = 1_000;
const MIN_POLL_MS = 50;
const MAX_POLL_MS = 10_000;
const OPEN = Buffer.from('[');
const COMMA = Buffer.from(',');
const CLOSE = Buffer.from(']');
const COMPLETE = RawJson.fromValue('complete');
const ACKNOWLEDGED: ResultOutcome = toExtensionResult(new Map());

/** Answers a request about a task by what its server knows, in the client's form. */
export function crossTask(crossing: TaskCrossing): Promise<Outcome> {
  const { form, method } = crossing;
  if (form === 'extension') {
    if (method === 'tasks/get') return getOfCore(crossing);
    return method === 'tasks/cancel' ? cancelCore(crossing) : updateCore(crossing);
  }
  if (method === 'tasks/get') return getOfExtension(crossing);
  return method === 'tasks/cancel' ? cancelExtension(crossing) : resultOfExtension(crossing);
}

/** The answer to a call that became a task, in the form the client speaks. */
export function crossCreatedTask({ result, resultType }: ResultOutcome, form: TaskForm): ResultOutcome {
  const members = readMembers(result);
  if (form === 'core') {
    if (resultType !== 'task') return toCoreResult(members);
    const meta = members.get('_meta');
    const created: Members = new Map([['task', writeMembers(toCoreTask(members))]]);
    if (meta !== undefined) created.set('_meta', meta);
    return toCoreResult(created);
  }
  const task = toExtensionTask(members.get('task') ?? result);
  members.delete('task');
  return toExtensionResult(new Map([...task, ...members]), 'task');
}

/** One page of `tasks/list` of the core, of tasks in that form. */
export function writeTaskList(tasks: readonly RawJson[], nextCursor: string | undefined): ResultOutcome {
  const list = tasks.flatMap(({ parts }, index) => (index === 0 ? parts : [COMMA, ...parts]));
  const members: Members = new Map([['tasks', RawJson.fromParts([OPEN, ...list, CLOSE])]]);
  if (nextCursor !== undefined) members.set('nextCursor', RawJson.fromValue(nextCursor));
  return toCoreResult(members);
}

// The core has no place for the result in the task itself, so it is asked for.
async function getOfCore({ params, send }: TaskCrossing): Promise<Outcome> {
  const seen = await send('tasks/get', about(params));
  if (seen.kind === 'error') return seen;
  const task = toExtensionTask(seen.result);
  const status = readText(seen.result, 'status');
  if (status === 'completed' || status === 'failed') {
    const final = await send('tasks/result', about(params));
    // The core calls a task failed also when its tool says so in a result; in the extension that is a task completed.
    task.set('status', RawJson.fromValue(final.kind === 'error' ? 'failed' : 'completed'));
    if (final.kind === 'error') task.set('error', RawJson.fromValue(final.error));
    else task.set('result', toInlined(final.result));
  }
  // Its questions would come to whoever waits for the result, and a client of the extension cannot be asked that way.
  if (status === 'input_required') task.set('status', RawJson.fromValue('working'));
  return toExtensionResult(task);
}

// The core refuses to cancel what is over, or does not offer it at all. The extension asks only that the wish is heard.
async function cancelCore({ params, send }: TaskCrossing): Promise<Outcome> {
  const cancelled = await send('tasks/cancel', about(params));
  if (cancelled.kind === 'result') return ACKNOWLEDGED;
  const { code } = cancelled.error;
  if (code !== INVALID_PARAMS && code !== METHOD_NOT_FOUND) return cancelled;
  const seen = await send('tasks/get', about(params));
  return seen.kind === 'error' ? cancelled : ACKNOWLEDGED;
}

// No question of such a task is ever shown, so every answer is one to a question that is not open, which is passed over.
async function updateCore({ params, send }: TaskCrossing): Promise<Outcome> {
  const seen = await send('tasks/get', about(params));
  return seen.kind === 'error' ? seen : ACKNOWLEDGED;
}

async function getOfExtension({ params, send }: TaskCrossing): Promise<Outcome> {
  const seen = await send('tasks/get', about(params));
  return seen.kind === 'error' ? seen : toCoreResult(toCoreState(seen.result));
}

async function cancelExtension({ params, send }: TaskCrossing): Promise<Outcome> {
  const before = await send('tasks/get', about(params));
  if (before.kind === 'error') return before;
  const status = readText(before.result, 'status') ?? '';
  if (status === 'completed' || status === 'failed' || status === 'cancelled')
    return { kind: 'error', error: { code: INVALID_PARAMS, message: `Cannot cancel a task that is over: it is ${status}` } };
  const cancelled = await send('tasks/cancel', about(params));
  if (cancelled.kind === 'error') return cancelled;
  const after = await send('tasks/get', about(params));
  return after.kind === 'error' ? after : toCoreResult(toCoreState(after.result));
}

// A client of the core waits for the result, and is asked meanwhile whatever the task wants to know.
async function resultOfExtension(crossing: TaskCrossing): Promise<Outcome> {
  const { params, send, wait } = crossing;
  const asked = new Set<string>();
  for (;;) {
    const seen = await send('tasks/get', about(params));
    if (seen.kind === 'error') return seen;
    const { result } = seen;
    switch (readText(result, 'status')) {
      case 'completed':
        return toFinal(readMember(result, 'result'), params);
      case 'failed':
        return { kind: 'error', error: toRpcError(readMember(result, 'error')) };
      case 'cancelled':
        return { kind: 'error', error: { code: CANCELLED, message: 'The task was cancelled' } };
      case 'input_required': {
        const refusal = await answerQuestions(crossing, { requests: readMember(result, 'inputRequests'), asked });
        if (refusal !== undefined) return refusal;
      }
    }
    await wait(pollMsOf(result));
  }
}

/** The members every request about the task has in common. */
function about(params: Params): Params {
  return params.has('inputResponses') ? withParams(params, { inputResponses: undefined }) : params;
}

function toCoreState(result: RawJson): Members {
  const members = readMembers(result);
  const isFailure = isTrue(members.get('result'), 'isError');
  const task = toCoreTask(members);
  if (isFailure) task.set('status', RawJson.fromValue('failed'));
  const meta = members.get('_meta');
  return meta === undefined ? task : task.set('_meta', meta);
}

function toFinal(result: RawJson | undefined, params: Params): ResultOutcome {
  const id = String(params.get('taskId')?.value);
  const own = result ?? RawJson.fromValue({ content: [] });
  return {
    kind: 'result',
    result: withRelatedTask(own, id),
    resultType: 'complete',
    isError: isTrue(own, 'isError'),
    revision: MODERN_REVISION,
  };
}

function toInlined(result: RawJson): RawJson {
  const members = readMembers(withoutRelatedTask(result));
  return writeMembers([['resultType', COMPLETE], ...members]);
}

function toExtensionResult(members: Members, resultType = 'complete'): ResultOutcome {
  const result = writeMembers([['resultType', RawJson.fromValue(resultType)], ...members]);
  return { kind: 'result', result, resultType, isError: false, revision: MODERN_REVISION };
}

function toCoreResult(members: Members): ResultOutcome {
  return { kind: 'result', result: writeMembers(members), resultType: 'complete', isError: false, revision: CORE_REVISION };
}

function toRpcError(error: RawJson | undefined): { readonly code: number; readonly message: string; readonly data?: unknown } {
  const { code, message, data } = error?.object ?? {};
  const known = {
    code: typeof code === 'number' ? code : -32603,
    message: typeof message === 'string' ? message : 'The task failed, and its server does not say why',
  };
  return data === undefined ? known : { ...known, data };
}

function isTrue(object: RawJson | undefined, name: string): boolean {
  return object !== undefined && readMember(object, name)?.bytes[0] === 0x74;
}

function pollMsOf(task: RawJson): number {
  const wanted = readMember(task, 'pollIntervalMs')?.value;
  return typeof wanted === 'number' && wanted > 0 ? Math.min(MAX_POLL_MS, Math.max(MIN_POLL_MS, wanted)) : DEFAULT_POLL_MS;
}
