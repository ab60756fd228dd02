import { randomBytes } from 'node:crypto';
import {
  GatewayError,
  isObject,
  type Answer,
  type Awaitable,
  type Call,
  type Clock,
  type Dispatch,
  type Implementation,
  type Notification,
  type Outcome,
  type Priority,
  type Request,
  type State,
} from '@signalbox/core';
import type { RequestHandler, ServerProfile } from '@signalbox/protocol';
import { toListOutcome, type ListName } from '../catalog/catalog-lists.ts';
import type { Supervisor } from '../upstreams/supervisor.ts';

export interface GatewayHandlerOptions {
  readonly supervisor: Supervisor;
  readonly dispatch: Dispatch;
  readonly settled: () => Promise<void> | undefined;
  readonly state: State;
  readonly clock: Clock;
  readonly info: Implementation;
}

const LISTS: Readonly<Record<string, ListName>> = {
  'tools/list': 'tools',
  'prompts/list': 'prompts',
  'resources/list': 'resources',
  'resources/templates/list': 'resourceTemplates',
};

/** Members of `_meta` a caller may set to steer its call through the gateway. */
const PRIORITY_KEY = 'signalbox.dev/priority';
const TIMEOUT_KEY = 'signalbox.dev/timeoutMs';

// Upstreams come and go while a client's picture of us is frozen, so everything we can do is announced always.
const CAPABILITIES = {
  tools: { listChanged: true },
  prompts: { listChanged: true },
  resources: { listChanged: true, subscribe: true },
  completions: {},
  logging: {},
};

/** What clients talk to: lists come from the catalog, everything else becomes a call. */
export function createGatewayHandler(options: GatewayHandlerOptions): RequestHandler {
  const { supervisor, dispatch, state, clock, info } = options;
  const nextId = createCallIds();
  return {
    describe: (): ServerProfile => ({
      info,
      capabilities: CAPABILITIES,
      instructions:
        [state.current.config.instructions, supervisor.catalog.instructions].filter((text) => text !== undefined).join('\n\n') || undefined,
    }),
    request: (request: Request): Awaitable<Answer> => {
      const list = LISTS[request.method];
      return list === undefined ? dispatch(toCall(request, nextId(), clock)) : answerList(options, list, request);
    },
    watch: (listener: (notification: Notification) => void) => supervisor.watch(listener),
    subscribe: (uri: string) => {
      const target = supervisor.catalog.resource(uri);
      const upstream = target === undefined ? undefined : supervisor.get(target.upstream);
      if (target === undefined || upstream === undefined)
        throw new GatewayError('RESOURCE_NOT_FOUND', `Cannot subscribe to "${uri}": no upstream lists it`, { data: { uri } });
      return upstream.wishes.subscribe(target.name);
    },
  };
}

function answerList(options: GatewayHandlerOptions, name: ListName, request: Request): Awaitable<Outcome> {
  // Lists are given whole, so every cursor is one we did not hand out.
  if (request.params.has('cursor')) throw new GatewayError('INVALID_PARAMS', `Cannot continue ${request.method}: unknown cursor`);
  const answer = () => toListOutcome(options.supervisor.catalog.list(name), request.client.revision);
  const settled = options.settled();
  return settled === undefined ? answer() : settled.then(answer);
}

function toCall(request: Request, id: string, clock: Clock): Call {
  const meta = request.params.get('_meta')?.value;
  const wishes = isObject(meta) ? meta : undefined;
  const timeoutMs = wishes?.[TIMEOUT_KEY];
  return {
    ...request,
    id,
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
