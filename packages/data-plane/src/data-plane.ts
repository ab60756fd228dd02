import { randomBytes } from 'node:crypto';
import {
  DEFAULT_RESULTS,
  type Cache,
  type Clock,
  type DocumentStore,
  type Implementation,
  type Journal,
  type LineLog,
  type Logger,
  type ResultOutcome,
  type Seal,
  type State,
} from '@signalbox/core';
import type { RequestHandler } from '@signalbox/protocol';
import { createGatewayHandler } from './downstream/gateway-handler.ts';
import { createSettle } from './downstream/settle.ts';
import { KeyJournal } from './idempotency/key-journal.ts';
import { KeyTable } from './idempotency/key-table.ts';
import { createCallPipeline } from './pipeline.ts';
import { ResultStore } from './results/result-store.ts';
import { RESULTS_UPSTREAM, openResults, withResultsUpstream } from './results/result-upstream.ts';
import { createSchemaValidator } from './stages/schema-validator.ts';
import { Supervisor } from './upstreams/supervisor.ts';
import type { UpstreamParts } from './upstreams/upstream.ts';

export interface DataPlaneParts {
  readonly state: State;
  readonly documents: DocumentStore;
  readonly cache: Cache<ResultOutcome>;
  /** Where it is written down which idempotency keys were used; absent to know them only while the process lives. */
  readonly keyLog?: LineLog | undefined;
  readonly journal: Journal;
  readonly open: UpstreamParts['open'];
  readonly seal: Seal;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly info: Implementation;
  /** Whether the process ends regular expressions in linear time, so that callers may give some. Default false. */
  readonly isRegExpLinear?: boolean;
  readonly random?: () => number;
}

/** The data plane, running. Whoever created it closes it. */
export interface DataPlane {
  /** Answers clients. */
  readonly handler: RequestHandler;
  readonly supervisor: Supervisor;
  /** Starts the upstreams that are wanted, now and from now on. Idempotent. */
  start(): void;
  /** Stops every upstream. Listeners must have been closed before. */
  close(): Promise<void>;
}

/** Joins the rooms of the data plane. */
export async function createDataPlane(parts: DataPlaneParts): Promise<DataPlane> {
  const { documents, cache, keyLog, journal, clock, logger, info, isRegExpLinear = false, random = Math.random } = parts;
  const state = withResultsUpstream(parts.state);
  const { limits } = state.current.config;
  const store = new ResultStore({ clock, maxBytes: () => (state.current.config.results ?? DEFAULT_RESULTS).maxBytes });
  const open: UpstreamParts['open'] = (options) =>
    options.desired.name === RESULTS_UPSTREAM ? openResults({ store, clock, logger, isRegExpLinear }, options) : parts.open(options);
  const supervisor = await Supervisor.create({ state, documents, open, clock, logger, random, startConcurrency: limits.startConcurrency });
  const settled = createSettle({ supervisor, clock });
  const schemas = createSchemaValidator({ logger });
  const upstream = (name: string) => supervisor.get(name);
  const keys = new KeyTable({ config: limits.idempotency, clock, logger });
  const keyTtlMs = limits.idempotency.ttlSeconds * 1000;
  const keyJournal = keyLog && (await KeyJournal.open({ log: keyLog, keys, ttlMs: keyTtlMs, clock, logger }));
  const nameOf = (tool: string) => supervisor.catalog.ledger.nameOf('tool', RESULTS_UPSTREAM, tool) ?? tool;
  const toolNames = () => ({
    read: nameOf('read_result'),
    search: nameOf('search_result'),
    slice: nameOf('slice_result'),
    drop: nameOf('drop_result'),
  });
  const dispatch = createCallPipeline({
    state,
    catalog: supervisor.catalog,
    upstream,
    settled,
    unlisted: () => supervisor.unlisted(),
    schemas,
    cache,
    journal,
    clock,
    logger,
    random,
    maxInFlight: limits.maxInFlight,
    keys,
    keyJournal,
    keyTtlMs,
    results: { store, schemas, toolNames, newHandle: () => randomBytes(16).toString('hex'), logger },
  });
  const handler = createGatewayHandler({ supervisor, dispatch, settled, state, clock, info, keepsKeys: keyJournal !== undefined });
  const start = () => {
    supervisor.start();
    // The first call should not pay for loading the compiler, and neither should the start.
    clock.after(500, () => void schemas.prepare());
  };
  const close = async () => {
    await supervisor.close();
    store.clear();
  };
  return { handler, supervisor, start, close };
}
