import { GatewayError, RawJson, isObject, nearestOf, type Stage, type Target } from '@signalbox/core';
import { checkTaskMethod, withParams } from '@signalbox/protocol';
import type { CatalogView } from '../catalog/catalog-view.ts';
import type { Surface } from '../catalog/surface.ts';
import type { Settled } from '../downstream/settle.ts';
import { CALL_TOOL, SEARCH_TOOLS, SEARCH_TOOL_NAMES } from '../search/search-tools.ts';
import { unknownTask } from '../tasks/kept-tasks.ts';
import type { Tasks } from '../tasks/tasks.ts';
import { isBuiltIn } from '../upstreams/built-in.ts';
import type { Upstream } from '../upstreams/upstream.ts';
import { isBeyond, isNotificationBeyond } from './beyond.ts';
import type { ObservedCall, TargetedCall, Whole } from './call-stages.ts';

export interface ResolveOptions {
  readonly upstream: (name: string) => Upstream | undefined;
  readonly tasks: Pick<Tasks, 'ids'>;
  readonly settled: Settled;
  /** Those behind an address of which nobody knows yet what they offer. */
  readonly unlisted: (surface: Surface) => readonly Upstream[];
}

interface Resolution {
  readonly target: Target;
  readonly task?: TargetedCall['task'];
  /** The params with our names replaced by the upstream's. */
  readonly params: ObservedCall['params'];
}

/** Finds who is really asked, and asks in that server's own names. */
export function resolve(options: ResolveOptions): Stage<ObservedCall, TargetedCall> {
  return (call, next) => {
    const pass = (resolution: Resolution) => {
      call.trace.upstream = resolution.target.upstream;
      // Of a task only its owner knows the id.
      if (resolution.task === undefined) call.trace.upstreamName = resolution.target.name;
      return next(withTarget(call, resolution, fallbacksFor(options, call, resolution.target)));
    };
    const resolution = call.isNotification ? beyond(call) : call.method.startsWith('tasks/') ? findTask(options, call) : find(call);
    if (resolution !== undefined) return pass(resolution);
    const settled = options.settled(call.surface);
    if (settled === undefined) throw notFound(options, call);
    return settled.then(() => {
      const late = find(call);
      if (late === undefined) throw notFound(options, call);
      return pass(late);
    });
  };
}

function withTarget(call: ObservedCall, { target, params, task }: Resolution, fallbacks: readonly Target[]): Whole<TargetedCall> {
  return {
    method: call.method,
    params,
    client: call.client,
    principal: call.principal,
    session: call.session,
    ask: call.ask,
    cancellation: call.cancellation,
    emit: call.emit,
    wantsProgress: call.wantsProgress,
    mirrored: call.mirrored,
    sink: call.sink,
    offersTask: undefined,
    taskEnd: undefined,
    task,
    id: call.id,
    priority: call.priority,
    deadlineMs: call.deadlineMs,
    surface: call.surface,
    isFound: call.isFound,
    isNotification: call.isNotification,
    isAhead: call.isAhead,
    trace: call.trace,
    target,
    fallbacks,
  };
}

function find(call: ObservedCall): Resolution | undefined {
  const view = call.surface.viewFor(call.session);
  switch (call.method) {
    case 'tools/call':
      return named(call, 'name', (name) => call.surface.tool(name, call));
    case 'prompts/get':
      return named(call, 'name', (name) => view.prompt(name));
    case 'resources/read':
      return named(call, 'uri', (uri) => view.resource(uri));
    case 'completion/complete':
      return completion(view, call);
    default:
      return beyond(call);
  }
}

// Methods beyond the specification name nobody, so they can be passed on only where there is one single server to mean.
function beyond(call: ObservedCall): Resolution {
  const isPassable = call.isNotification ? isNotificationBeyond : isBeyond;
  if (!isPassable(call.method))
    throw new GatewayError('METHOD_NOT_FOUND', `Cannot answer ${JSON.stringify(call.method.slice(0, 100))}: no such method here`);
  const [only, ...others] = call.surface.upstreams.filter((name) => !isBuiltIn(name));
  const why =
    only === undefined ? 'no such method here' : 'it is no method of the specification, and with several servers here it names none';
  const what = call.isNotification ? 'Cannot pass on' : 'Cannot answer';
  if (only === undefined || others.length > 0) throw new GatewayError('METHOD_NOT_FOUND', `${what} "${call.method}": ${why}`);
  call.trace.name = call.method;
  return { target: { upstream: only, name: call.method, definition: undefined }, params: call.params };
}

// Whose a task is and where it runs stands in its id, and an id that does not open for this caller is not there.
function findTask({ tasks, upstream }: ResolveOptions, call: ObservedCall): Resolution {
  checkTaskMethod(call.method, call.client);
  const publicId = call.params.get('taskId')?.value;
  if (typeof publicId !== 'string')
    throw new GatewayError('INVALID_PARAMS', `Cannot make a ${call.method} call without "taskId" as text in its params`);
  const ref = tasks.ids.find(publicId, call);
  if (ref === undefined || !call.surface.upstreams.includes(ref.upstream) || upstream(ref.upstream) === undefined) throw unknownTask();
  return {
    target: { upstream: ref.upstream, name: ref.id, definition: undefined },
    task: { ref, publicId },
    params: withParams(call.params, { taskId: RawJson.fromValue(ref.id) }),
  };
}

function named(call: ObservedCall, member: 'name' | 'uri', lookUp: (name: string) => Target | undefined): Resolution | undefined {
  const name = call.params.get(member)?.value;
  if (typeof name !== 'string' || name === '')
    throw new GatewayError('INVALID_PARAMS', `Cannot make a ${call.method} call without "${member}" as text in its params`);
  call.trace.name = name;
  const target = lookUp(name);
  if (target === undefined) return undefined;
  return { target, params: target.name === name ? call.params : withParams(call.params, { [member]: RawJson.fromValue(target.name) }) };
}

function completion(view: CatalogView, call: ObservedCall): Resolution | undefined {
  const reference = call.params.get('ref')?.value;
  if (!isObject(reference)) throw new GatewayError('INVALID_PARAMS', 'Cannot complete without "ref" as an object in its params');
  const isPrompt = reference['type'] === 'ref/prompt';
  const member = isPrompt ? 'name' : 'uri';
  const name = reference[member];
  if (typeof name !== 'string') throw new GatewayError('INVALID_PARAMS', `Cannot complete without "ref.${member}" as text in its params`);
  call.trace.name = name;
  const target = isPrompt ? view.prompt(name) : (view.template(name) ?? view.resource(name));
  if (target === undefined) return undefined;
  return {
    target,
    params:
      target.name === name ? call.params : withParams(call.params, { ref: RawJson.fromValue({ ...reference, [member]: target.name }) }),
  };
}

/** Upstreams an error tells of, so that it stays readable. */
const MAX_SHOWN = 3;

const NO_FALLBACKS: readonly Target[] = [];

// An equivalent counts only where it is shown: who may not call it here does not reach it by detour.
function fallbacksFor(options: ResolveOptions, { method, surface, session, isAhead }: ObservedCall, target: Target): readonly Target[] {
  const names = options.upstream(target.upstream)?.desired.config.fallback;
  // What another one answers is not kept, so to ask it before anybody wants to know would be in vain.
  if (method !== 'tools/call' || isAhead || names === undefined || names.length === 0) return NO_FALLBACKS;
  const view = surface.viewFor(session);
  return names.map((name) => view.toolOf(name, target.name)).filter((fallback) => fallback !== undefined);
}

function notFound(options: ResolveOptions, call: ObservedCall): GatewayError {
  const name = call.trace.name ?? '';
  if (call.method === 'resources/read')
    return new GatewayError('RESOURCE_NOT_FOUND', `Cannot find resource "${name}": no upstream lists it`, { data: { uri: name } });
  const { surface } = call;
  const isTool = call.method === 'tools/call';
  if (isTool && surface.isSearched && (!call.isFound || SEARCH_TOOL_NAMES.has(name))) return notThisWay(name, call.isFound);
  const noun = isTool ? 'tool' : call.method === 'prompts/get' ? 'prompt' : 'reference';
  const owner = ownerOf(options, call, isTool ? 'tools' : 'prompts');
  const upstream = owner === undefined ? undefined : options.upstream(owner);
  if (upstream !== undefined && upstream.manifest === undefined) {
    return new GatewayError(
      'UPSTREAM_UNAVAILABLE',
      `Cannot use ${noun} "${name}": its upstream "${upstream.name}" is ${upstream.state}: ${upstream.reason}`,
      {
        data: { upstream: upstream.name, state: upstream.state, sent: false },
      },
    );
  }
  const why = owner === undefined ? 'nobody offers it' : `"${owner}" does not offer it any more`;
  const view = surface.viewFor(call.session);
  const nearest = nearestOf(name, isTool ? view.tools.keys() : view.promptNames());
  const unlisted = options.unlisted(surface);
  return new GatewayError(
    'UNKNOWN_NAME',
    `Unknown ${noun} "${name}": ${why}${describeUnlisted(unlisted)}${nearest === undefined ? '' : `; did you mean "${nearest}"?`}`,
    {
      data: {
        name,
        ...(nearest === undefined ? {} : { nearest }),
        ...(unlisted.length === 0 ? {} : { unlisted: unlisted.map((upstream) => upstream.name) }),
      },
    },
  );
}

function notThisWay(name: string, isFound: boolean): GatewayError {
  const way = isFound
    ? `it is called by itself and not with ${CALL_TOOL}`
    : `here tools are found with ${SEARCH_TOOLS} and called with ${CALL_TOOL}, for example ${JSON.stringify({ name, arguments: {} }).slice(0, 200)}`;
  return new GatewayError('UNKNOWN_NAME', `Unknown tool "${name}": ${way}`, { data: { name } });
}

// Whose the name was here, unless that one still offers it and the operator hides it: then nobody need know.
function ownerOf({ upstream }: ResolveOptions, { surface, trace }: ObservedCall, kind: 'tools' | 'prompts'): string | undefined {
  const owner = surface.ledger.ownerOf(kind === 'tools' ? 'tool' : 'prompt', trace.name ?? '');
  if (owner === undefined) return undefined;
  const present = upstream(owner.upstream);
  if (present === undefined) return owner.upstream;
  if (!surface.upstreams.includes(owner.upstream)) return undefined;
  const listed: readonly { readonly [key: string]: unknown }[] = present.manifest?.[kind] ?? [];
  return listed.some((item) => item['name'] === owner.name) ? undefined : owner.upstream;
}

// The name may belong to one that has not come up yet, and then that one's failure is the real answer.
function describeUnlisted(upstreams: readonly Upstream[]): string {
  const shown = upstreams.slice(0, MAX_SHOWN).map(({ name, state, reason }) => `"${name}" has not been listed yet (${state}: ${reason})`);
  if (upstreams.length > MAX_SHOWN) shown.push(`${upstreams.length - MAX_SHOWN} more have not been listed yet`);
  return shown.map((text) => `; ${text}`).join('');
}
