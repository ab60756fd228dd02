import { DEFAULT_RESULTS, createNameMatcher, type GatewayConfig, type ResultsConfig, type UpstreamConfig } from '@signalbox/core';

/** What holds for the results of one tool. */
export type ResultPolicy = Omit<ResultsConfig, 'maxBytes'>;

/** Whether large results become handles anywhere. */
export function areResultsKept(config: GatewayConfig): boolean {
  if (config.results !== undefined) return true;
  return Object.values(config.mcpServers).some(({ results }) => results !== undefined && !results.disabled);
}

type PolicyOf = (config: GatewayConfig, upstream: UpstreamConfig, tool: string) => ResultPolicy | undefined;

interface Known {
  readonly general: ResultsConfig | undefined;
  readonly policy: ResultPolicy;
  readonly isExcepted: (tool: string) => boolean;
}

/** Returns what finds the policy for a tool, `undefined` where its results are given whole. */
export function createPolicyOf(): PolicyOf {
  const known = new WeakMap<UpstreamConfig, Known>();
  return ({ results: general }, upstream, tool) => {
    if (upstream.results === undefined ? general === undefined : upstream.results.disabled) return undefined;
    let found = known.get(upstream);
    if (found === undefined || found.general !== general) {
      const { except = [], disabled: _disabled, ...own } = upstream.results ?? {};
      const given = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined));
      found = { general, policy: { ...(general ?? DEFAULT_RESULTS), ...given }, isExcepted: createNameMatcher(except) };
      known.set(upstream, found);
    }
    return found.isExcepted(tool) ? undefined : found.policy;
  };
}
