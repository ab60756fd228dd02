import { randomBytes } from 'node:crypto';
import {
  GatewayError,
  RawJson,
  isObject,
  type Awaitable,
  type Clock,
  type Next,
  type Notification,
  type Outcome,
  type Params,
  type Priority,
  type Request,
} from '@signalbox/core';
import { MODERN_REVISION, type RequestHandler, type ServerProfile } from '@signalbox/protocol';
import { toListOutcome, type ListName } from '../catalog/catalog-lists.ts';
import type { Surface } from '../catalog/surface.ts';
import { readInnerParams } from '../search/call-through.ts';
import { SEARCH_TOOLS } from '../search/search-tools.ts';
import { toSurfaceCall, type SurfaceCall } from '../stages/call-stages.ts';
import type { Upstream } from '../upstreams/upstream.ts';
import type { Settled } from './settle.ts';

export interface GatewayHandlerOptions {
  /** What callers of this handler see. */
  readonly surface: Surface;
  readonly upstream: (name: string) => Upstream | undefined;
  readonly dispatch: Next<SurfaceCall>;
  readonly settled: Settled;
  readonly clock: Clock;
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

/** What clients at one address talk to: lists come from its surface, everything else becomes a call. */
export function createGatewayHandler(options: GatewayHandlerOptions): RequestHandler {
  const { surface, dispatch } = options;
  const nextId = createCallIds();
  return {
    describe: (): ServerProfile => surface.profile,
    request: (request: Request): Awaitable<Outcome> => {
      if (surface.isGone) throw gone(surface);
      const list = LISTS[request.method];
      if (list !== undefined) return answerList(options, list, request);
      const inner = surface.kind === 'search' && request.method === 'tools/call' ? readInnerParams(request.params) : undefined;
      const call = toCall(request, { id: nextId(), inner }, options);
      return inner === undefined ? dispatch(call) : callFound(options, call);
    },
    watch: (listener: (notification: Notification) => void) => surface.watch(listener),
    subscribe: (uri: string) => {
      const target = surface.view.resource(uri);
      const upstream = target === undefined ? undefined : options.upstream(target.upstream);
      if (surface.isGone || target === undefined || upstream === undefined)
        throw new GatewayError('RESOURCE_NOT_FOUND', `Cannot subscribe to "${uri}": no upstream lists it`, { data: { uri } });
      return upstream.wishes.subscribe(target.name);
    },
  };
}

interface Making {
  readonly id: string;
  readonly inner: Params | undefined;
}

// A call of `call_tool` is the call of the tool it names, from here on and for everything behind.
function callFound({ dispatch }: GatewayHandlerOptions, call: SurfaceCall): Awaitable<Outcome> {
  try {
    const outcome = dispatch(call);
    return outcome instanceof Promise ? outcome.catch(explainUnknown) : outcome;
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

function gone({ name }: Surface): GatewayError {
  return new GatewayError('NOT_FOUND', `Cannot serve this: the virtual server "${String(name)}" was taken out of the configuration`);
}

function answerList({ surface, settled }: GatewayHandlerOptions, name: ListName, request: Request): Awaitable<Outcome> {
  // Lists are given whole, so every cursor is one we did not hand out.
  if (request.params.has('cursor')) throw new GatewayError('INVALID_PARAMS', `Cannot continue ${request.method}: unknown cursor`);
  const answer = () => toListOutcome(surface.list(name), request.client.revision);
  // The tools for searching are there whatever else is.
  const wait = surface.kind === 'search' && name === 'tools' ? undefined : settled(surface);
  return wait === undefined ? answer() : wait.then(answer);
}

// With `inner` it is the call of a tool that was named to `call_tool`.
function toCall(request: Request, { id, inner }: Making, { surface, clock }: GatewayHandlerOptions): SurfaceCall {
  const meta = request.params.get('_meta')?.value;
  const wishes = isObject(meta) ? meta : undefined;
  const timeoutMs = wishes?.[TIMEOUT_KEY];
  return toSurfaceCall(request, {
    params: inner ?? request.params,
    // What was repeated outside the body are arguments of `call_tool`, which has none to repeat.
    mirrored: inner === undefined ? request.mirrored : undefined,
    id,
    surface,
    isFound: inner !== undefined,
    priority: toPriority(wishes?.[PRIORITY_KEY]),
    deadlineMs: typeof timeoutMs === 'number' && timeoutMs > 0 ? clock.monotonic() + timeoutMs : Number.POSITIVE_INFINITY,
  });
}

function toPriority(wish: unknown): Priority {
  return wish === 'interactive' || wish === 'batch' ? wish : 'normal';
}

function createCallIds(): () => string {
  const prefix = randomBytes(6).toString('base64url');
  let count = 0;
  return () => `${prefix}-${(++count).toString(36)}`;
}
