import { createNameMatcher, type Target, type UpstreamCacheConfig } from '@signalbox/core';
import type { Upstream } from '../upstreams/upstream.ts';

/** What the configuration of an upstream says of which tools may be answered again. */
export interface CacheableTools {
  readonly matches: (name: string) => boolean;
  /** Those named in full. */
  readonly named: ReadonlySet<string>;
  /** Absent where no similar call is answered. */
  readonly similar: ((name: string) => boolean) | undefined;
}

const read = new WeakMap<UpstreamCacheConfig, CacheableTools>();

export function cacheableTools(config: UpstreamCacheConfig): CacheableTools {
  let tools = read.get(config);
  if (tools === undefined) {
    const similar = config.similar && createNameMatcher(config.similar.tools);
    read.set(config, (tools = { matches: createNameMatcher(config.tools), named: new Set(config.tools), similar }));
  }
  return tools;
}

/** A tool that says it writes must be named in full: a pattern may not have meant it. */
export function isCacheable(target: Target, { desired }: Upstream): boolean {
  const { cache } = desired.config;
  if (cache === undefined) return false;
  const tools = cacheableTools(cache);
  return isWriting(target) ? tools.named.has(target.name) : tools.matches(target.name);
}

/** Whether it may be called before anybody asks: its answers are kept, and it reads, by its own word or the operator's. */
export function isCallableAhead(target: Target, upstream: Upstream): boolean {
  if (isWriting(target) || !isCacheable(target, upstream)) return false;
  return target.definition?.annotations?.readOnlyHint === true || cacheableTools(upstream.desired.config.cache!).named.has(target.name);
}

export function isWriting({ definition }: Target): boolean {
  const { readOnlyHint, destructiveHint } = definition?.annotations ?? {};
  return readOnlyHint === false || destructiveHint === true;
}
