import { toOutcome, type Answer, type Outcome, type ResultOutcome, type State } from '@signalbox/core';
import type { ReduceParts } from '../results/reduce-result.ts';
import { createPolicyOf, type ResultPolicy } from '../results/result-policy.ts';
import { RESULTS_UPSTREAM } from '../results/result-upstream.ts';
import type { Upstream } from '../upstreams/upstream.ts';
import type { TargetedCall, TargetedStage } from './call-stages.ts';

export interface LargeResultsOptions {
  readonly state: State;
  readonly upstream: (name: string) => Upstream | undefined;
  readonly results: ReduceParts;
}

/**
 * Gives the caller of a tool a preview and a handle in the place of a result that is too large, where the configuration
 * says so and the tools to read on are shown. Only such a result is looked into.
 */
export function largeResults(options: LargeResultsOptions): TargetedStage {
  const policyOf = createPolicyOf();
  return (call, next) => {
    // Nobody reads it now, and who asks for it later gets a handle of its own.
    if (call.isAhead) return next(call);
    const upstream = call.method === 'tools/call' ? options.upstream(call.target.upstream) : undefined;
    const policy = upstream && policyOf(options.state.current.config, upstream.desired.config, call.target.name);
    if (policy === undefined || call.surface.view.toolOf(RESULTS_UPSTREAM, 'read_result') === undefined) return next(call);
    const treat = (answer: Answer) => {
      const outcome = toOutcome(answer);
      return isLarge(outcome, policy) ? reduce(options.results, call, outcome, policy) : outcome;
    };
    const answer = next(call.sink === undefined ? call : { ...call, sink: undefined });
    return answer instanceof Promise ? answer.then(treat) : treat(answer);
  };
}

function isLarge(outcome: Outcome, { maxInlineBytes }: ResultPolicy): outcome is ResultOutcome {
  return outcome.kind === 'result' && outcome.resultType === 'complete' && outcome.result.byteLength > maxInlineBytes;
}

// Most gateways never need it, and those that do can wait for it once.
async function reduce(parts: ReduceParts, call: TargetedCall, outcome: ResultOutcome, policy: ResultPolicy): Promise<Outcome> {
  const { reduceResult } = await import('../results/reduce-result.ts');
  return reduceResult(parts, call, outcome, policy);
}
