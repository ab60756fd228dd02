import { canonicalJson, createNameMatcher, sinkAbove, type Cache, type ResultOutcome } from '@signalbox/core';
import { canonicalText } from '@signalbox/protocol';
import type { Upstream } from '../upstreams/upstream.ts';
import type { TargetedCall, TargetedStage } from './call-stages.ts';

export interface CacheStageOptions {
  readonly cache: Cache<ResultOutcome>;
  readonly upstream: (name: string) => Upstream | undefined;
}

/** Members that make a call more than its arguments: a later round of one, or a wish for a task. */
const BESIDE_ARGUMENTS = ['requestState', 'inputResponses', 'task'];

/** Longest time a server's own hint is believed, in milliseconds. */
const MAX_HINT_MS = 300_000;
/** Results of more bytes are not searched for a hint, so they need not be seen whole. */
const MAX_HINTED_BYTES = 1_048_576;

/**
 * Answers from memory where the operator said that a tool's answers depend on its arguments alone, or the server said
 * that a resource stays the same for everyone. Errors and unfinished answers are never kept.
 */
export function cacheOutcomes(options: CacheStageOptions): TargetedStage {
  const matchers = new WeakMap<object, (name: string) => boolean>();
  const isCacheableTool = (upstream: Upstream, name: string): boolean => {
    const config = upstream.desired.config.cache;
    if (config === undefined) return false;
    let matches = matchers.get(config);
    if (matches === undefined) matchers.set(config, (matches = createNameMatcher(config.tools)));
    return matches(name);
  };
  return (call, next) => {
    const upstream = options.upstream(call.target.upstream);
    if (upstream === undefined || BESIDE_ARGUMENTS.some((name) => call.params.has(name))) return next(call);
    const isTool = call.method === 'tools/call';
    if (isTool ? !isCacheableTool(upstream, call.target.name) : call.method !== 'resources/read') return next(call);
    const key = keyOf(call, upstream);
    const hit = options.cache.get(key);
    if (hit !== undefined) {
      call.trace.isCached = true;
      return hit;
    }
    const keep = (outcome: Awaited<ReturnType<typeof next>>) => {
      if (outcome.kind !== 'result' || outcome.isError || outcome.resultType !== 'complete') return outcome;
      const ttlMs = isTool ? upstream.desired.config.cache!.ttlMs : hintOf(outcome);
      if (ttlMs > 0) options.cache.set(key, outcome, { ttlMs, bytes: outcome.result.bytes.length + key.length });
      return outcome;
    };
    const outcome = next(isTool ? { ...call, sink: undefined } : withSinkAbove(MAX_HINTED_BYTES, call));
    return outcome instanceof Promise ? outcome.then(keep) : keep(outcome);
  };
}

function withSinkAbove(bytes: number, call: TargetedCall): TargetedCall {
  return call.sink === undefined ? call : { ...call, sink: sinkAbove(bytes, call.sink) };
}

function hintOf(outcome: ResultOutcome): number {
  if (outcome.result.byteLength > MAX_HINTED_BYTES) return 0;
  const result = outcome.result.object;
  if (result?.['cacheScope'] !== 'public') return 0;
  const ttlMs = result['ttlMs'];
  return typeof ttlMs === 'number' && ttlMs > 0 ? Math.min(ttlMs, MAX_HINT_MS) : 0;
}

// Members of `_meta` that say who calls, how urgently and in which trace, and nothing of what is asked.
const HOP_MEMBER = /^(?:io\.modelcontextprotocol\/|signalbox\.dev\/|(?:progressToken|traceparent|tracestate|baggage)$)/;

// The server's version and the generation are part of the key, so that an upgrade or a restart starts from nothing.
// Arguments are compared as they are written: two large numbers may be one to us and two to the server.
function keyOf(call: TargetedCall, upstream: Upstream): string {
  const server = upstream.manifest?.server;
  const parts = [upstream.name, upstream.desired.generation, server?.version, call.method, call.target.name];
  const args = call.params.get('arguments');
  return `${JSON.stringify(parts)}${args === undefined ? '' : canonicalText(args.bytes)}${besides(call)}`;
}

function besides({ params }: TargetedCall): string {
  const meta = params.get('_meta')?.object;
  const members = meta === undefined ? [] : Object.entries(meta).filter(([name]) => !HOP_MEMBER.test(name));
  return members.length === 0 ? '' : canonicalJson(Object.fromEntries(members));
}
