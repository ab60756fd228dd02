import { GatewayError, isObject, type ClientProfile } from '@signalbox/core';
import { HANDSHAKE_REVISIONS, MODERN_REVISION, isHandshake } from '../revisions/revisions.ts';

/** The extension by which client and server of the modern revision agree on tasks. */
export const TASKS_EXTENSION = 'io.modelcontextprotocol/tasks';

/**
 * How someone speaks of tasks: as the extension of the modern revision, where the server decides what becomes a task, or
 * as the experimental core of 2025-11-25, where the client does.
 */
export type TaskForm = 'extension' | 'core';

/** What is known of a server: the revision it speaks, and what it announced. */
export interface TaskServer {
  readonly revision: string;
  readonly capabilities: Readonly<Record<string, unknown>>;
}

const CORE_REVISION = HANDSHAKE_REVISIONS[0];
const CORE_CAPABILITY = { list: {}, cancel: {}, requests: { tools: { call: {} } } };
const METHODS: Readonly<Record<TaskForm, ReadonlySet<string>>> = {
  extension: new Set(['tasks/get', 'tasks/update', 'tasks/cancel']),
  core: new Set(['tasks/get', 'tasks/result', 'tasks/list', 'tasks/cancel']),
};

/** How a client speaks of tasks; `undefined` when it does not. */
export function clientTaskForm({ revision, capabilities }: ClientProfile): TaskForm | undefined {
  if (revision === MODERN_REVISION) return declaresTasks(capabilities) ? 'extension' : undefined;
  return revision === CORE_REVISION ? 'core' : undefined;
}

/** How a server speaks of tasks; `undefined` when it does not. */
export function serverTaskForm({ revision, capabilities }: TaskServer): TaskForm | undefined {
  if (!isHandshake(revision)) return declaresTasks(capabilities) ? 'extension' : undefined;
  return isObject(capabilities['tasks']) ? 'core' : undefined;
}

/** Tells whether a server runs tools as tasks when it is asked to. */
export function runsToolsAsTasks({ capabilities }: TaskServer): boolean {
  const { tasks } = capabilities;
  const requests = isObject(tasks) ? tasks['requests'] : undefined;
  const tools = isObject(requests) ? requests['tools'] : undefined;
  return isObject(tools) && isObject(tools['call']);
}

/** Tells whether capabilities name the extension. */
export function declaresTasks(capabilities: Readonly<Record<string, unknown>>): boolean {
  const { extensions } = capabilities;
  return isObject(extensions) && isObject(extensions[TASKS_EXTENSION]);
}

/**
 * Makes sure that a client may use a method about tasks.
 * @throws GatewayError `METHOD_NOT_FOUND` when its revision has no such method; `MISSING_CAPABILITY` when it has not
 * declared the extension.
 */
export function checkTaskMethod(method: string, client: ClientProfile): void {
  const form = client.revision === MODERN_REVISION ? 'extension' : clientTaskForm(client);
  if (form === undefined || !METHODS[form].has(method))
    throw new GatewayError('METHOD_NOT_FOUND', `Cannot answer "${method}": revision ${client.revision} has no such method`);
  if (clientTaskForm(client) === undefined) throw missingExtension(`Cannot answer "${method}"`);
}

/** The refusal of what needs the extension, for a client that did not declare it. */
export function missingExtension(what: string): GatewayError {
  return new GatewayError('MISSING_CAPABILITY', `${what}: the client did not declare the extension "${TASKS_EXTENSION}"`, {
    data: { requiredCapabilities: { extensions: { [TASKS_EXTENSION]: {} } } },
  });
}

/** Capabilities in inner form as a client of a handshake revision reads them: with tasks where that revision has its own. */
export function toHandshakeCapabilities(
  capabilities: Readonly<Record<string, unknown>>,
  revision: string,
): Readonly<Record<string, unknown>> {
  if (!declaresTasks(capabilities)) return capabilities;
  const { [TASKS_EXTENSION]: _tasks, ...extensions } = capabilities['extensions'] as Record<string, unknown>;
  const { extensions: _extensions, ...rest } = capabilities;
  return {
    ...rest,
    ...(Object.keys(extensions).length === 0 ? {} : { extensions }),
    ...(revision === CORE_REVISION ? { tasks: CORE_CAPABILITY } : {}),
  };
}
