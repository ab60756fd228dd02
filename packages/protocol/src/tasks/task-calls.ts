import { RawJson, isObject, type ClientProfile, type Params, type ToolDefinition } from '@signalbox/core';
import { withParams } from '../messages/encode.ts';
import { changedExactly, readMember, withMember } from '../messages/members.ts';
import { isHandshake } from '../revisions/revisions.ts';
import { clientTaskForm, runsToolsAsTasks, serverTaskForm, type TaskForm, type TaskServer } from './task-support.ts';

/** A tool call that may be answered with a task, and the server it goes to. */
export interface TaskCall {
  readonly client: ClientProfile;
  readonly params: Params;
  readonly server: TaskServer;
  readonly definition: ToolDefinition | undefined;
  /** Whether the server could ask the client while it works on the call. */
  readonly isAskable: boolean;
}

/** How such a call is sent. */
export interface TaskCallPlan {
  /** The params as the server may see them: with a wish for a task only where it takes one. */
  readonly params: Params;
  /** Whether and how the client can be given a task; `undefined` when it gets its result at once. */
  readonly form: TaskForm | undefined;
  /** Whether the server must be told that a task will be taken, because the client does not say so in the server's terms. */
  readonly offersTask: boolean;
  /** Whether the server speaks of tasks in another form than the client. */
  readonly isCrossing: boolean;
}

const ANY_TASK = RawJson.fromValue({});

/** Tells whether a request is about tasks, or may be answered with one. */
export function mayBeTask(method: string, params: Params, client: ClientProfile): boolean {
  if (method === 'tools/call') return params.has('task') || (!isHandshake(client.revision) && clientTaskForm(client) !== undefined);
  return method.startsWith('tasks/');
}

/** Decides how a tool call of a client that takes tasks is sent to a server of either generation. */
export function planTaskCall({ client, params, server, definition, isAskable }: TaskCall): TaskCallPlan {
  const form = clientTaskForm(client);
  const isAsked = form === 'core' && params.has('task');
  if (isHandshake(server.revision)) {
    const takesTasks = serverTaskForm(server) === 'core' && runsToolsAsTasks(server);
    if (takesTasks && isAsked) return { params, form, offersTask: false, isCrossing: false };
    if (takesTasks && form === 'extension' && isBetterAsTask(definition, isAskable))
      return { params: withParams(params, { task: ANY_TASK }), form, offersTask: false, isCrossing: true };
    return { params: withParams(params, { task: undefined }), form: undefined, offersTask: false, isCrossing: false };
  }
  if (form === 'extension') return { params, form, offersTask: false, isCrossing: false };
  const isOffered = isAsked && serverTaskForm(server) === 'extension';
  const own = form === 'core' ? withParams(params, { task: undefined }) : params;
  return { params: own, form: isOffered ? form : undefined, offersTask: isOffered, isCrossing: isOffered };
}

/**
 * A tool as clients of 2025-11-25 see it: with what its server can do about tasks, as our own announcement speaks for all
 * servers at once. A server of the modern revision may make a task of any call.
 */
export function toCoreTool(tool: ToolDefinition, server: TaskServer): ToolDefinition {
  const isSaid = isObject(tool['execution']) && tool['execution']['taskSupport'] !== undefined;
  const form = serverTaskForm(server);
  if (form === 'extension') return isSaid ? tool : withTaskSupport(tool, 'optional');
  return form === 'core' || !isSaid ? tool : withTaskSupport(tool, 'forbidden');
}

function withTaskSupport(tool: ToolDefinition, taskSupport: 'optional' | 'forbidden'): ToolDefinition {
  const execution = isObject(tool['execution']) ? tool['execution'] : {};
  return changedExactly(tool, { ...tool, execution: { ...execution, taskSupport } }, (text) =>
    withMember(text, 'execution', withMember(readMember(text, 'execution'), 'taskSupport', RawJson.fromValue(taskSupport))),
  );
}

// A task of the core asks whoever waits for its result, which a client of the extension never does. So a tool that may ask
// runs at once where it can, and as a task that can ask nothing only where it must.
function isBetterAsTask(definition: ToolDefinition | undefined, isAskable: boolean): boolean {
  const execution = definition?.['execution'];
  const support = isObject(execution) ? execution['taskSupport'] : undefined;
  return support === 'required' || (support === 'optional' && !isAskable);
}
