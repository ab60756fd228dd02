import { randomBytes } from 'node:crypto';
import {
  Cancellation,
  GatewayError,
  RawJson,
  isObject,
  wholly,
  type Answer,
  type Awaitable,
  type CallerSession,
  type Clock,
  type Next,
  type Notification,
  type Outcome,
  type Params,
  type Priority,
  type Question,
  type Request,
  type Seal,
} from '@signalbox/core';
import {
  MODERN_REVISION,
  canBeAsked,
  splitParams,
  type Caller,
  type ChangeListening,
  type RequestHandler,
  type ServerProfile,
  type TaskWish,
} from '@signalbox/protocol';
import { toListOutcome, type ListName } from '../catalog/catalog-lists.ts';
import type { Surface } from '../catalog/surface.ts';
import { readInnerParams } from '../search/call-through.ts';
import { SEARCH_TOOLS } from '../search/search-tools.ts';
import { isNotificationBeyond } from '../stages/beyond.ts';
import type { SurfaceCall, Whole } from '../stages/call-stages.ts';
import type { Tasks } from '../tasks/tasks.ts';
import type { Upstream } from '../upstreams/upstream.ts';
import { listTasks, type ListTasksOptions } from './list-tasks.ts';
import type { Settled } from './settle.ts';

export interface GatewayHandlerOptions {
  /** What callers of this handler see. */
  readonly surface: Surface;
  readonly upstream: (name: string) => Upstream | undefined;
  readonly dispatch: Next<SurfaceCall>;
  readonly settled: Settled;
  readonly tasks: Tasks;
  readonly seal: Seal;
  /** Tells servers what the client of a session told us. */
  readonly notify: (notification: Notification, session: CallerSession) => void;
  readonly clock: Clock;
}

const LISTS: ReadonlyMap<string, ListName> = new Map([
  ['tools/list', 'tools'],
  ['prompts/list', 'prompts'],
  ['resources/list', 'resources'],
  ['resources/templates/list', 'resourceTemplates'],
]);

/** Members of `_meta` a caller may set to steer its call through the gateway. */
const PRIORITY_KEY = 'signalbox.dev/priority';
const TIMEOUT_KEY = 'signalbox.dev/timeoutMs';

/** Longest wait for what one server says of a task in a list, in milliseconds. */
const TASK_LIST_MS = 30_000;

/** What clients at one address talk to: lists come from its surface, everything else becomes a call. */
export function createGatewayHandler(options: GatewayHandlerOptions): RequestHandler {
  const { surface, dispatch } = options;
  const nextId = createCallIds();
  const ask = wholly(dispatch);
  const tasks: ListTasksOptions = {
    table: options.tasks.table,
    seal: options.seal,
    ask: (request) =>
      ask({
        ...toCall(request, { id: nextId(), inner: undefined, isNotification: false }, options),
        deadlineMs: options.clock.monotonic() + TASK_LIST_MS,
      }),
  };
  return {
    describe: (): ServerProfile => surface.profile,
    request: (request: Request): Awaitable<Answer> => {
      if (surface.isGone) throw gone(surface);
      const list = LISTS.get(request.method);
      if (list !== undefined) return answerList(options, list, request);
      if (request.method === 'tasks/list') return listTasks(tasks, request);
      const inner = surface.isSearched && request.method === 'tools/call' ? readInnerParams(request.params) : undefined;
      const call = toCall(request, { id: nextId(), inner, isNotification: false }, options);
      return inner === undefined ? dispatch(call) : callFound(options, call);
    },
    watchTask: (taskId: string, wish: TaskWish) => (surface.isGone ? undefined : options.tasks.news.watch(taskId, wish)),
    watch: (listener: ChangeListening) => surface.watch(listener),
    notify: (notification: Notification, caller: Caller) => {
      if (surface.isGone) return;
      if (isNotificationBeyond(notification.method)) tellUpstream(options, toRequest(notification, caller), nextId());
      else if (caller.session !== undefined) options.notify(notification, caller.session);
    },
    subscribe: (uri: string, session?: CallerSession) => {
      const target = surface.viewFor(session).resource(uri);
      const upstream = target === undefined ? undefined : options.upstream(target.upstream);
      if (surface.isGone || target === undefined || upstream === undefined)
        throw new GatewayError('RESOURCE_NOT_FOUND', `Cannot subscribe to "${uri}": no upstream lists it`, { data: { uri } });
      const end = upstream.wishes.subscribe(target.name);
      if (session === undefined) return end;
      const endOwn = upstream.isolated.sessions.subscribe(target.name, session);
      return () => {
        endOwn();
        end();
      };
    },
  };
}

function gone({ name }: Surface): GatewayError {
  return new GatewayError('NOT_FOUND', `Cannot serve this: the virtual server "${String(name)}" was taken out of the configuration`);
}

interface Making {
  readonly id: string;
  /** The params of the call of a tool that was named to `call_tool`. */
  readonly inner: Params | undefined;
  readonly isNotification: boolean;
}

// It goes the way of the calls of its client, so also over a connection of its own where that has one.
function toRequest({ method, params }: Notification, { client, principal, session }: Caller): Request {
  return {
    method,
    params: splitParams(params),
    client,
    principal,
    session,
    ask: canBeAsked(client.capabilities) ? (question) => session?.ask(question) ?? refuseQuestion(question) : undefined,
    cancellation: new Cancellation(),
    emit: undefined,
    wantsProgress: false,
  };
}

function refuseQuestion({ method }: Question): Promise<Outcome> {
  return Promise.reject(new GatewayError('MISSING_CAPABILITY', `Cannot ask a client "${method}" on behalf of a notification`));
}

// Nobody waits for an answer, and what became of it stands in its record.
function tellUpstream(options: GatewayHandlerOptions, request: Request, id: string): void {
  const call = toCall(request, { id, inner: undefined, isNotification: true }, options);
  void (async () => options.dispatch(call))().catch(() => undefined);
}

// A call of `call_tool` is the call of the tool it names, from here on and for everything behind.
function callFound({ dispatch }: GatewayHandlerOptions, call: SurfaceCall): Awaitable<Answer> {
  try {
    const answer = dispatch(call);
    return answer instanceof Promise ? answer.catch(explainUnknown) : answer;
  } catch (error) {
    return explainUnknown(error);
  }
}

// For `call_tool` the name is an argument, and a wrong argument is told to the model rather than to its host.
function explainUnknown(error: unknown): Outcome {
  if (!(error instanceof GatewayError) || error.code !== 'UNKNOWN_NAME') throw error;
  const text = `${error.message}\nFind tools with ${SEARCH_TOOLS}.`;
  return {
    kind: 'result',
    result: RawJson.fromValue({ resultType: 'complete', content: [{ type: 'text', text }], isError: true }),
    resultType: 'complete',
    isError: true,
    revision: MODERN_REVISION,
  };
}

function answerList({ surface, settled }: GatewayHandlerOptions, name: ListName, request: Request): Awaitable<Outcome> {
  // Lists are given whole, so every cursor is one we did not hand out.
  if (request.params.has('cursor')) throw new GatewayError('INVALID_PARAMS', `Cannot continue ${request.method}: unknown cursor`);
  const answer = () => toListOutcome(surface.list(name, request.session), request.client.revision);
  // The tools for searching are there whatever else is.
  const wait = surface.kind === 'search' && name === 'tools' ? undefined : settled(surface);
  return wait === undefined ? answer() : wait.then(answer);
}

function toCall(request: Request, { id, inner, isNotification }: Making, { surface, clock }: GatewayHandlerOptions): Whole<SurfaceCall> {
  const meta = request.params.get('_meta')?.value;
  const wishes = isObject(meta) ? meta : undefined;
  const timeoutMs = wishes?.[TIMEOUT_KEY];
  return {
    method: request.method,
    params: inner ?? request.params,
    client: request.client,
    principal: request.principal,
    session: request.session,
    ask: request.ask,
    cancellation: request.cancellation,
    emit: request.emit,
    wantsProgress: request.wantsProgress,
    // What was repeated outside the body are arguments of `call_tool`, which has none to repeat.
    mirrored: inner === undefined ? request.mirrored : undefined,
    sink: request.sink,
    id,
    surface,
    isFound: inner !== undefined,
    isNotification,
    isAhead: false,
    priority: toPriority(wishes?.[PRIORITY_KEY]),
    deadlineMs: typeof timeoutMs === 'number' && timeoutMs > 0 ? clock.monotonic() + timeoutMs : Number.POSITIVE_INFINITY,
  };
}

function toPriority(wish: unknown): Priority {
  return wish === 'interactive' || wish === 'batch' ? wish : 'normal';
}

function createCallIds(): () => string {
  const prefix = randomBytes(6).toString('base64url');
  let count = 0;
  return () => `${prefix}-${(++count).toString(36)}`;
}
