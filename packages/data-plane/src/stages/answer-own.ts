import {
  GatewayError,
  RawJson,
  isObject,
  type Awaitable,
  type Clock,
  type Journal,
  type Outcome,
  type SearchRecord,
  type SearchTrials,
} from '@signalbox/core';
import { MODERN_REVISION } from '@signalbox/protocol';
import type { CatalogView } from '../catalog/catalog-view.ts';
import type { Settled } from '../downstream/settle.ts';
import type { RankAdvised } from '../search/advised-ranking.ts';
import { answerDescribe, renderDescribe } from '../search/answer-describe.ts';
import { answerSearch, renderSearch } from '../search/answer-search.ts';
import { DESCRIBE_TOOL, OWN_UPSTREAM, SEARCH_TOOLS } from '../search/search-tools.ts';
import type { ViewRankers } from '../search/tool-search.ts';
import { armsOf, limitOf, textsOf, withLimitTrial } from '../search/trials.ts';
import { isBuiltIn } from '../upstreams/built-in.ts';
import type { Upstream } from '../upstreams/upstream.ts';
import type { TargetedCall, TargetedStage } from './call-stages.ts';

export interface AnswerOwnOptions {
  readonly upstream: (name: string) => Upstream | undefined;
  readonly settled: Settled;
  readonly search: (view: CatalogView) => ViewRankers;
  readonly journal: Journal;
  readonly clock: Clock;
}

/**
 * Answers calls of the tools by which others are found. Their arguments have been checked like any tool's; they need neither slot
 * nor connection, as all they tell of is the view of the catalog that the call was made in.
 */
export function answerOwn(options: AnswerOwnOptions): TargetedStage {
  const answer = (call: TargetedCall): Awaitable<Outcome> => {
    const view = call.surface.viewFor(call.session);
    const upstreams = call.surface.upstreams.filter((name) => !isBuiltIn(name));
    const { tools } = view;
    const { rank, rankAdvised, vectorsOf, trialsOf } = options.search(view);
    const caller = { principal: call.principal, client: call.client.info?.name, session: call.session?.id };
    const trials = trialsOf(caller);
    const args = call.params.get('arguments')?.value;
    const { needs, limit, names } = (isObject(args) ? args : {}) as SearchArguments;
    switch (call.target.name) {
      case SEARCH_TOOLS: {
        const asking = { needs: needs ?? [], limit: limit ?? limitOf(trials) };
        const finish = (vectors?: readonly (Float32Array | undefined)[]): Outcome => {
          const { adviceVersion, results } = rankAdvised(asking.needs, { limit: asking.limit, caller, trial: trials?.ranking, vectors });
          const texts = textsOf(trials);
          const found = answerSearch({ ...asking, tools, upstreams, texts, found: results.map(({ matches }) => matches) });
          const answer = JSON.stringify(found);
          const told = limit === undefined ? withLimitTrial(results, trials) : results;
          options.journal.search?.(
            toSearchRecord(call, {
              adviceVersion,
              results: told,
              needs: asking.needs,
              trials,
              answerBytes: Buffer.byteLength(answer),
              atMs: options.clock.now(),
            }),
          );
          return toOutcome(answer, { text: renderSearch(found) });
        };
        const vectors = vectorsOf?.(asking.needs);
        return vectors instanceof Promise ? vectors.then(finish) : finish(vectors);
      }
      case DESCRIBE_TOOL: {
        const instructionsOf = (name: string) => options.upstream(name)?.manifest?.instructions;
        const described = answerDescribe({ names: names ?? [], view, instructionsOf, rank, texts: textsOf(trials) });
        const text = renderDescribe(described);
        return toOutcome(text, { text, isError: described.tools.length === 0 });
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

interface Ranked extends ReturnType<RankAdvised> {
  readonly needs: readonly string[];
  readonly trials: SearchTrials | undefined;
  readonly answerBytes: number;
  readonly atMs: number;
}

function toSearchRecord(call: TargetedCall, { adviceVersion, results, needs, trials, answerBytes, atMs }: Ranked): SearchRecord {
  return {
    principal: call.principal,
    server: call.surface.name,
    client: call.client.info?.name,
    session: call.session?.id,
    atMs,
    adviceVersion,
    arms: armsOf(trials, results),
    answerBytes,
    results: needs.map((need, index) => ({ need, shown: results[index]!.shown })),
  };
}

/** As their schemas have let them through. */
interface SearchArguments {
  readonly needs?: readonly string[];
  readonly limit?: number;
  readonly names?: readonly string[];
}

// What is structured comes as JSON text, which may hold numbers that no value can.
function toOutcome(structured: string, { text, isError = false }: { readonly text: string; readonly isError?: boolean }): Outcome {
  const head = `{"resultType":"complete","content":[{"type":"text","text":${JSON.stringify(text)}}],"structuredContent":${structured}`;
  return {
    kind: 'result',
    result: RawJson.fromBytes(Buffer.from(isError ? `${head},"isError":true}` : `${head}}`)),
    resultType: 'complete',
    isError,
    revision: MODERN_REVISION,
  };
}
