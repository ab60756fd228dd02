import { randomBytes } from 'node:crypto';
import type {
  AdviceSource,
  CallerSession,
  Notification,
  AnswerCache,
  Cache,
  Clock,
  DocumentStore,
  Embedder,
  Implementation,
  Journal,
  LineLog,
  Logger,
  ResultOutcome,
  Seal,
  ShownRecord,
  State,
  Status,
  TokenFigures,
  UpstreamConfig,
} from '@signalbox/core';
import { DEFAULT_RESULTS, GatewayError, IDEMPOTENCY_CAPABILITY, toMessage } from '@signalbox/core';
import type { HandlersByPath, RequestHandler } from '@signalbox/protocol';
import type { Surface } from './catalog/surface.ts';
import { createGatewayHandler } from './downstream/gateway-handler.ts';
import { createSettle } from './downstream/settle.ts';
import { KeyJournal } from './idempotency/key-journal.ts';
import { KeyTable } from './idempotency/key-table.ts';
import { createCallPipeline } from './pipeline.ts';
import { ResultStore } from './results/result-store.ts';
import { RESULTS_UPSTREAM, openResults, withResultsUpstream } from './results/result-upstream.ts';
import type { AdvisedMatch } from './search/advised-ranking.ts';
import { createAdviceGuard } from './advice-guard.ts';
import { chooseHotSet, createHotSets } from './catalog/hot-sets.ts';
import { createListingCosts, type ListingCost } from './catalog/listing-costs.ts';
import { tellTools } from './search/tell-tools.ts';
import { createToolSearch } from './search/tool-search.ts';
import type { AnswerCounts } from './stages/cache.ts';
import { createSchemaValidator } from './stages/schema-validator.ts';
import { createBeginTrace } from './stages/trace-context.ts';
import { createTasks } from './tasks/tasks.ts';
import type { LeadDocuments } from './upstreams/led-documents.ts';
import { Supervisor } from './upstreams/supervisor.ts';
import type { OpenConnection } from './upstreams/open-connection.ts';

export interface DataPlaneParts {
  readonly state: State;
  readonly documents: DocumentStore;
  /** Documents of the process that decides, where several serve one port and this is not the one. */
  readonly lead?: LeadDocuments | undefined;
  /** Keeps the results of tasks for as long as they said. */
  readonly cache: Cache<ResultOutcome>;
  /** Keeps answers that may be given again. */
  readonly answers: AnswerCache<ResultOutcome>;
  /** Tells apart configurations of upstreams by what they refer to as well, so that no answer outlives a credential. */
  readonly identityOf?: (config: UpstreamConfig) => string;
  /** Where it is written down which idempotency keys were used; absent to know them only while the process lives. */
  readonly keyLog?: LineLog | undefined;
  readonly journal: Journal;
  /** What is learned from it; absent while nothing is. */
  readonly advice?: AdviceSource | undefined;
  /** Ranks tools by what is meant as well; absent to go by words alone. */
  readonly embedder?: Embedder | undefined;
  /** Tokens of definitions; absent to estimate them. */
  readonly tokens?: TokenFigures | undefined;
  /** Share of calls traced whose caller has not decided; absent to trace none. */
  readonly sampleRatio?: number | undefined;
  readonly open: OpenConnection;
  readonly seal: Seal;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly info: Implementation;
  /** Whether the process ends regular expressions in linear time, so that callers may give some. Default false. */
  readonly isRegExpLinear?: boolean;
  readonly random?: () => number;
}

export interface SearchExplanation {
  /** Of the advice that had a say; 0 when none had. */
  readonly adviceVersion: number;
  readonly matches: readonly (AdvisedMatch & ShownRecord)[];
}

/** The data plane, running. Whoever created it closes it. */
export interface DataPlane {
  /** Answers clients of the address where everything is. */
  readonly handler: RequestHandler;
  /** Answers clients of virtual servers, by the path of each. */
  readonly servers: HandlersByPath;
  /** Answers clients of the virtual server of that name, if there is one. */
  server(name: string): RequestHandler | undefined;
  readonly supervisor: Supervisor;
  readonly status: Pick<Status, 'upstreams' | 'virtualServers'>;
  /**
   * The tools that a search for a need would show, with what each owes its place to.
   * @throws GatewayError `UNKNOWN_NAME` for a virtual server that is not there.
   */
  explain(need: string, options: { readonly limit: number; readonly server?: string | undefined }): Promise<SearchExplanation>;
  /** What the lists of tools cost their readers, with the surface that each address has and with the others. */
  listingCosts(): readonly ListingCost[];
  /** What `answers` was good for so far. */
  readonly answerCounts: Readonly<AnswerCounts>;
  /** Starts the upstreams that are wanted, now and from now on. Idempotent. */
  start(): void;
  /** Stops every upstream. Listeners must have been closed before. */
  close(): Promise<void>;
}

/** Joins the rooms of the data plane. */
export async function createDataPlane(parts: DataPlaneParts): Promise<DataPlane> {
  const {
    documents,
    lead,
    cache,
    keyLog,
    journal,
    sampleRatio,
    seal,
    clock,
    logger,
    info,
    isRegExpLinear = false,
    random = Math.random,
  } = parts;
  const state = withResultsUpstream(parts.state);
  const { limits } = state.current.config;
  const { startConcurrency } = limits;
  const experimental = keyLog === undefined ? {} : { [IDEMPOTENCY_CAPABILITY]: {} };
  const store = new ResultStore({ clock, maxBytes: () => (state.current.config.results ?? DEFAULT_RESULTS).maxBytes });
  const open: OpenConnection = (options) =>
    options.desired.name === RESULTS_UPSTREAM ? openResults({ store, clock, logger, isRegExpLinear }, options) : parts.open(options);
  const upstream = (name: string) => supervisor.get(name);
  const tasks = createTasks({ seal, cache, clock, upstream });
  const supervisor: Supervisor = await Supervisor.create({
    state,
    documents,
    lead,
    open,
    clock,
    logger,
    random,
    startConcurrency,
    info,
    experimental,
    tasks: tasks.news,
  });
  const { catalog } = supervisor;
  const settled = createSettle({ supervisor, clock });
  const schemas = createSchemaValidator({ logger });
  const keys = new KeyTable({ config: limits.idempotency, clock, logger });
  const keyTtlMs = limits.idempotency.ttlSeconds * 1000;
  const keyJournal = keyLog && (await KeyJournal.open({ log: keyLog, keys, ttlMs: keyTtlMs, clock, logger }));
  const similar = { hits: 0, checked: 0, wrong: 0, compared: 0, bound: 0 };
  const answerCounts: AnswerCounts = { hits: 0, staleHits: 0, misses: 0, joined: 0, savedMs: 0, similar, ahead: { made: 0, used: 0 } };
  const advice = createAdviceGuard(parts.advice, { clock, logger });
  const search = createToolSearch(advice, parts.embedder);
  const dispatch = createCallPipeline({
    state,
    upstream,
    settled,
    unlisted: (surface) => supervisor.unlisted(surface.upstreams),
    schemas,
    answers: parts.answers,
    counts: answerCounts,
    identityOf: parts.identityOf,
    tasks,
    journal,
    search,
    advice: parts.advice && advice,
    anomalies: state.current.config.learning.anomalies,
    maxAheadShare: state.current.config.learning.callAhead.maxShare,
    beginTrace: sampleRatio === undefined ? undefined : createBeginTrace({ sampleRatio }),
    clock,
    logger,
    random,
    maxInFlight: limits.maxInFlight,
    keys,
    keyJournal,
    keyTtlMs,
    results: { store, schemas, newHandle: () => randomBytes(16).toString('hex'), logger },
  });
  const { hotSet } = state.current.config.learning;
  const costs = createListingCosts({ catalog, figures: parts.tokens, clock });
  const hotSets =
    parts.advice === undefined && lead === undefined
      ? undefined
      : createHotSets({ catalog, advice, lead, config: hotSet, tokensOf: costs.tokensOf, documents, clock, logger });
  const listingCosts = (): readonly ListingCost[] => {
    const ask = advice.current()?.usage;
    const usage = (ask && advice.ask(ask)) ?? [];
    return costs.read((view) => chooseHotSet({ usage, before: [], view, config: hotSet, tokensOf: costs.tokensOf }));
  };
  const stopTelling = parts.embedder && tellTools(parts.embedder, { catalog, clock });
  const handlers = new Map<Surface, RequestHandler>();
  const notify = (notification: Notification, session: CallerSession) => supervisor.notify(notification, session);
  const handlerOf = (surface: Surface): RequestHandler => {
    let handler = handlers.get(surface);
    if (handler === undefined)
      handlers.set(surface, (handler = createGatewayHandler({ surface, upstream, dispatch, settled, tasks, seal, notify, clock })));
    return handler;
  };
  const server = (name: string) => {
    const surface = catalog.server(name);
    return surface === undefined ? undefined : handlerOf(surface);
  };
  const servers: HandlersByPath = {
    get current() {
      return new Map([...catalog.paths].map(([path, name]) => [path, server(name)!]));
    },
    watch: (listener) => catalog.watchPaths(listener),
  };
  const explain: DataPlane['explain'] = async (need, options) => {
    const surface = options.server === undefined ? catalog.main : catalog.server(options.server);
    if (surface === undefined) throw new GatewayError('UNKNOWN_NAME', `There is no virtual server "${options.server}"`);
    const { rankAdvised, vectorsOf } = search(surface.view);
    const { adviceVersion, results } = rankAdvised([need], { limit: options.limit, vectors: await vectorsOf?.([need]) });
    const { matches, shown } = results[0]!;
    return { adviceVersion, matches: matches.map((match, index) => ({ ...match, ...shown[index]! })) };
  };
  const start = () => {
    supervisor.start();
    hotSets?.start().catch((error: unknown) => logger.error('could not read the hot sets', { error: toMessage(error) }));
    // The first call should not pay for loading the compiler, and neither should the start.
    clock.after(500, () => void schemas.prepare());
  };
  const close = async () => {
    stopTelling?.();
    hotSets?.close();
    costs.close();
    await supervisor.close();
    store.clear();
  };
  const status = { upstreams: () => supervisor.status(), virtualServers: () => catalog.status() };
  return { handler: handlerOf(catalog.main), servers, server, supervisor, status, explain, listingCosts, answerCounts, start, close };
}
