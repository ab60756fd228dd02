import { GatewayError, RawJson, isObject, nearestOf, type Stage, type Target } from '@signalbox/core';
import { withParams } from '@signalbox/protocol';
import type { Catalog } from '../catalog/catalog.ts';
import type { Upstream } from '../upstreams/upstream.ts';
import type { ObservedCall, TargetedCall } from './call-stages.ts';

export interface ResolveOptions {
  readonly catalog: Catalog;
  readonly upstream: (name: string) => Upstream | undefined;
  /** Resolves once every upstream on its first way up has arrived or a short time is over; `undefined` when none is on its way. */
  readonly settled: () => Promise<void> | undefined;
  /** Those of which nobody knows yet what they offer. */
  readonly unlisted: () => readonly Upstream[];
}

interface Resolution {
  readonly target: Target;
  /** The params with our names replaced by the upstream's. */
  readonly params: ObservedCall['params'];
}

/** Finds who is really asked, and asks in that server's own names. */
export function resolve(options: ResolveOptions): Stage<ObservedCall, TargetedCall> {
  return (call, next) => {
    const pass = (resolution: Resolution) => {
      call.trace.upstream = resolution.target.upstream;
      return next({ ...call, ...resolution, fallbacks: fallbacksFor(options, call.method, resolution.target) });
    };
    const resolution = find(options.catalog, call);
    if (resolution !== undefined) return pass(resolution);
    const settled = options.settled();
    if (settled === undefined) throw notFound(options, call);
    return settled.then(() => {
      const late = find(options.catalog, call);
      if (late === undefined) throw notFound(options, call);
      return pass(late);
    });
  };
}

function find(catalog: Catalog, call: ObservedCall): Resolution | undefined {
  switch (call.method) {
    case 'tools/call':
      return named(call, 'name', (name) => catalog.tool(name));
    case 'prompts/get':
      return named(call, 'name', (name) => catalog.prompt(name));
    case 'resources/read':
      return named(call, 'uri', (uri) => catalog.resource(uri));
    case 'completion/complete':
      return completion(catalog, call);
    default:
      throw new GatewayError('METHOD_NOT_FOUND', `Cannot answer "${call.method}": no such method here`);
  }
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

function completion(catalog: Catalog, call: ObservedCall): Resolution | undefined {
  const reference = call.params.get('ref')?.value;
  if (!isObject(reference)) throw new GatewayError('INVALID_PARAMS', 'Cannot complete without "ref" as an object in its params');
  const isPrompt = reference['type'] === 'ref/prompt';
  const member = isPrompt ? 'name' : 'uri';
  const name = reference[member];
  if (typeof name !== 'string') throw new GatewayError('INVALID_PARAMS', `Cannot complete without "ref.${member}" as text in its params`);
  call.trace.name = name;
  const target = isPrompt ? catalog.prompt(name) : (catalog.template(name) ?? catalog.resource(name));
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

function fallbacksFor(options: ResolveOptions, method: string, target: Target): readonly Target[] {
  const names = options.upstream(target.upstream)?.desired.config.fallback;
  if (method !== 'tools/call' || names === undefined || names.length === 0) return NO_FALLBACKS;
  return names.map((name) => options.catalog.toolOf(name, target.name)).filter((fallback) => fallback !== undefined);
}

function notFound(options: ResolveOptions, call: ObservedCall): GatewayError {
  const name = call.trace.name ?? '';
  if (call.method === 'resources/read')
    return new GatewayError('RESOURCE_NOT_FOUND', `Cannot find resource "${name}": no upstream lists it`, { data: { uri: name } });
  const isTool = call.method === 'tools/call';
  const noun = isTool ? 'tool' : call.method === 'prompts/get' ? 'prompt' : 'reference';
  const owner = options.catalog.ledger.ownerOf(isTool ? 'tool' : 'prompt', name);
  const upstream = owner === undefined ? undefined : options.upstream(owner.upstream);
  if (owner !== undefined && upstream !== undefined && upstream.manifest === undefined) {
    return new GatewayError(
      'UPSTREAM_UNAVAILABLE',
      `Cannot use ${noun} "${name}": its upstream "${owner.upstream}" is ${upstream.state}: ${upstream.reason}`,
      {
        data: { upstream: owner.upstream, state: upstream.state, sent: false },
      },
    );
  }
  const why = owner === undefined ? 'nobody offers it' : `"${owner.upstream}" does not offer it any more`;
  const nearest = nearestOf(name, isTool ? options.catalog.toolNames() : options.catalog.promptNames());
  const unlisted = options.unlisted();
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

// The name may belong to one that has not come up yet, and then that one's failure is the real answer.
function describeUnlisted(upstreams: readonly Upstream[]): string {
  const shown = upstreams.slice(0, MAX_SHOWN).map(({ name, state, reason }) => `"${name}" has not been listed yet (${state}: ${reason})`);
  if (upstreams.length > MAX_SHOWN) shown.push(`${upstreams.length - MAX_SHOWN} more have not been listed yet`);
  return shown.map((text) => `; ${text}`).join('');
}
