import { GatewayError, RawJson, isObject, type Outcome } from '@signalbox/core';
import { MODERN_REVISION } from '@signalbox/protocol';
import type { CatalogView } from '../catalog/catalog-view.ts';
import type { Settled } from '../downstream/settle.ts';
import { answerDescribe } from '../search/answer-describe.ts';
import { answerSearch, renderSearch } from '../search/answer-search.ts';
import { createToolRanker, type RankTools } from '../search/rank-tools.ts';
import { DEFAULT_MATCHES, DESCRIBE_TOOL, OWN_UPSTREAM, SEARCH_TOOLS } from '../search/search-tools.ts';
import type { Upstream } from '../upstreams/upstream.ts';
import type { TargetedCall, TargetedStage } from './call-stages.ts';

export interface AnswerOwnOptions {
  readonly upstream: (name: string) => Upstream | undefined;
  readonly settled: Settled;
}

/**
 * Answers calls of the tools by which others are found. Their arguments have been checked like any tool's; they need neither slot
 * nor connection, as all they tell of is the view of the catalog that the call was made in.
 */
export function answerOwn(options: AnswerOwnOptions): TargetedStage {
  // Tools are read once for each view, when somebody first searches in it.
  const rankers = new WeakMap<CatalogView, RankTools>();
  const rankerOf = (view: CatalogView): RankTools => {
    let rank = rankers.get(view);
    if (rank === undefined) rankers.set(view, (rank = createToolRanker(view.tools)));
    return rank;
  };
  const answer = (call: TargetedCall): Outcome => {
    const { view, upstreams } = call.surface;
    const { tools } = view;
    const rank = rankerOf(view);
    const args = call.params.get('arguments')?.value;
    const { needs, limit, names } = (isObject(args) ? args : {}) as SearchArguments;
    switch (call.target.name) {
      case SEARCH_TOOLS: {
        const found = answerSearch({ needs: needs ?? [], limit: limit ?? DEFAULT_MATCHES, tools, upstreams, rank });
        return toOutcome(found, { text: renderSearch(found) });
      }
      case DESCRIBE_TOOL: {
        const instructionsOf = (name: string) => options.upstream(name)?.manifest?.instructions;
        const described = answerDescribe({ names: names ?? [], tools, instructionsOf, rank });
        return toOutcome(described, { text: JSON.stringify(described), isError: described.tools.length === 0 });
      }
      default:
        throw new GatewayError('INVALID_PARAMS', `Cannot call "${call.target.name}" without the name of a tool`);
    }
  };
  return (call, next) => {
    if (call.target.upstream !== OWN_UPSTREAM) return next(call);
    const wait = options.settled(call.surface);
    return wait === undefined ? answer(call) : wait.then(() => answer(call));
  };
}

/** As their schemas have let them through. */
interface SearchArguments {
  readonly needs?: readonly string[];
  readonly limit?: number;
  readonly names?: readonly string[];
}

function toOutcome(structuredContent: object, { text, isError = false }: { readonly text: string; readonly isError?: boolean }): Outcome {
  return {
    kind: 'result',
    result: RawJson.fromValue({
      resultType: 'complete',
      content: [{ type: 'text', text }],
      structuredContent,
      ...(isError && { isError }),
    }),
    resultType: 'complete',
    isError,
    revision: MODERN_REVISION,
  };
}
