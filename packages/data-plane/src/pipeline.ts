import {
  createPipeline,
  type AnswerCache,
  type Clock,
  type Journal,
  type LearningConfig,
  type Logger,
  type Next,
  type ResultOutcome,
  type State,
  type UpstreamConfig,
} from '@signalbox/core';
import type { AdviceGuard } from './advice-guard.ts';
import type { CatalogView } from './catalog/catalog-view.ts';
import type { Surface } from './catalog/surface.ts';
import type { Settled } from './downstream/settle.ts';
import type { KeyJournal } from './idempotency/key-journal.ts';
import type { KeyTable } from './idempotency/key-table.ts';
import type { ReduceParts } from './results/reduce-result.ts';
import type { ViewRankers } from './search/tool-search.ts';
import { admit } from './stages/admit.ts';
import { answerOwn } from './stages/answer-own.ts';
import { callAhead } from './stages/call-ahead.ts';
import { cacheOutcomes, type AnswerCounts } from './stages/cache.ts';
import type { SurfaceCall } from './stages/call-stages.ts';
import { hint } from './stages/hint.ts';
import { idempotency } from './stages/idempotency.ts';
import { largeResults } from './stages/large-results.ts';
import { observe } from './stages/observe.ts';
import { restrain } from './stages/restrain.ts';
import { resolve } from './stages/resolve.ts';
import { retry } from './stages/retry.ts';
import type { SchemaValidator } from './stages/schema-validator.ts';
import { shape } from './stages/shape.ts';
import type { BeginTrace } from './stages/trace-context.ts';
import { carryTasks } from './stages/tasks.ts';
import type { Tasks } from './tasks/tasks.ts';
import { createSend } from './upstreams/send.ts';
import type { Upstream } from './upstreams/upstream.ts';

export interface PipelineParts {
  readonly state: State;
  readonly upstream: (name: string) => Upstream | undefined;
  readonly settled: Settled;
  readonly unlisted: (surface: Surface) => readonly Upstream[];
  readonly schemas: SchemaValidator;
  readonly answers: AnswerCache<ResultOutcome>;
  readonly counts: AnswerCounts;
  readonly identityOf: ((config: UpstreamConfig) => string) | undefined;
  readonly tasks: Tasks;
  readonly journal: Journal;
  readonly search: (view: CatalogView) => ViewRankers;
  /** Absent where nobody advises. */
  readonly advice: AdviceGuard | undefined;
  readonly anomalies: LearningConfig['anomalies'];
  readonly maxAheadShare: number;
  readonly beginTrace: BeginTrace | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
  readonly maxInFlight: number;
  readonly keys: KeyTable;
  readonly keyJournal: KeyJournal | undefined;
  readonly keyTtlMs: number;
  readonly results: ReduceParts;
}

/** The path of a call: every stage, outermost first, and the only place that orders them. */
export function createCallPipeline(parts: PipelineParts): Next<SurfaceCall> {
  const observed = observe(parts);
  const dispatch: Next<SurfaceCall> = createPipeline<SurfaceCall>()
    .use(observed) // refusals and crashes are recorded too
    .use(resolve(parts)) // what follows speaks of the real target
    .use(hint(parts)) // a refusal of the arguments is told of like one of the upstream
    .use(shape(parts)) // we go on with exactly what will be sent
    .use(restrain(parts)) // who is held back costs nobody anything; nothing that changes the call comes after
    .use(answerOwn(parts)) // ours are checked like any, and need neither slot nor connection
    .use(largeResults(parts)) // each caller gets a handle of its own, also to an outcome it shares
    .use(idempotency(parts)) // a repetition passes the checks again, and runs, retries and waits with the first
    .use(callAhead({ ...parts, dispatch: (call) => dispatch(call) })) // it goes by what is really asked, and what it makes is kept behind it
    .use(cacheOutcomes({ ...parts, observe: observed })) // a hit has passed the same checks as a miss
    .use(carryTasks(parts)) // what a request about a task takes is tried and admitted step by step
    .use(retry(parts)) // each attempt queues for its own target
    .use(admit(parts)) // only work that will really be sent waits
    .end(createSend(parts));
  return dispatch;
}
