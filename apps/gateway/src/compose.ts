import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import {
  GatewayError,
  systemClock,
  toMessage,
  type IdempotencyConfig,
  type Implementation,
  type ResultOutcome,
  type Status,
} from '@signalbox/core';
import { createJournalRing, loadConfig, removeRuntimeFile, writeRuntimeFile, type ChangeRecord } from '@signalbox/control-plane';
import { createDataPlane, createOpen } from '@signalbox/data-plane';
import { createChildGuard, createHttpServer, type HttpServer } from '@signalbox/protocol';
import { createSeal } from '@signalbox/security';
import { createFileLines, createMemoryCache, createStoreDocuments, type FileLines } from '@signalbox/storage';
import { AWAY_ADMIN, createLazyAdmin, type LazyAdmin } from './admin.ts';
import { awaitStore } from './await-store.ts';
import { createAnswers, createIdentityOf, toCachePart } from './answers.ts';
import { createEmbedder } from './embeddings/embedder.ts';
import type { Gateway, GatewayOptions } from './gateway.ts';
import { boundRegExpTime } from './linear-regexp.ts';
import { createModuleLoader, loadDefault } from './load-module.ts';
import { openStorage, toStoragePart, type Storage } from './open-storage.ts';
import { readSealKey } from './seal-key.ts';
import { readInstanceId } from './seen/instance-id.ts';
import { createJointMonitor, createMonitorAnswer } from './seen/joint-monitor.ts';
import { createSeen } from './seen/seen.ts';
import { openWantedState } from './wanted-state.ts';

/** Results of tasks that are kept until they are asked for. */
const TASK_BYTES = 64 * 1024 * 1024;
/** Kinds of stores that are one gateway's alone. */
const OWN_STORES: ReadonlySet<string> = new Set(['memory', 'sqlite']);

/** Puts a gateway together: the one place where parts are chosen and joined. */
export async function createGateway(options: GatewayOptions): Promise<Gateway> {
  boundRegExpTime();
  const startedAtMs = systemClock.monotonic();
  const given = await options.openStore?.();
  const storage = given === undefined ? await openStorageOf(options) : { store: given, raw: given };
  try {
    return await joinParts(options, { storage, startedAtMs });
  } catch (error) {
    await storage.store.close();
    throw error;
  }
}

async function joinParts(
  options: GatewayOptions,
  { storage, startedAtMs }: { readonly storage: Storage; readonly startedAtMs: number },
): Promise<Gateway> {
  const { configPath, dataDir, environment, logger, worker } = options;
  const { store } = storage;
  const clock = systemClock;
  const info = readInfo();
  // What was changed while no gateway ran is found before there is an audit to tell of it.
  const early: ChangeRecord[] = [];
  let change = async (record: ChangeRecord): Promise<void> => void early.push(record);
  const wanted = await openWantedState({
    configPath,
    store,
    worker,
    audit: { change: (record) => change(record) },
    logger,
    clock,
  });
  const { state, recorded } = wanted;
  const { config } = state.current;
  const ownDocuments = createStoreDocuments(store, 'remembered');
  const documents = worker?.share(ownDocuments) ?? ownDocuments;
  const key = await readSealKey(dataDir);
  const seal = createSeal({ key });
  const journal = createJournalRing();
  const answers = createAnswers({
    config: config.cache,
    storage: config.storage,
    dataDir,
    environment,
    key,
    load: (module) => loadDefault(module, configPath),
    clock,
    logger,
  });
  const cachePart = toCachePart(answers, () => dataPlane.answerCounts);
  const { embeddings } = config.search ?? {};
  const embedder =
    embeddings && createEmbedder({ config: embeddings, configDir: path.dirname(configPath), store, environment, clock, logger });
  // One process learns for all; several would each learn a part and advise differently.
  const instance = await readInstanceId(dataDir);
  const pathOfLearning = {
    config: config.learning,
    key,
    toolsOf: (name: string) => dataPlane.supervisor.get(name)?.manifest?.tools,
    clock,
    logger,
  };
  const learning =
    config.learning.enabled && (worker === undefined || worker.isLeader)
      ? (await import('./learning/learning.ts')).createLearning({
          ...pathOfLearning,
          store,
          scope: OWN_STORES.has(store.kind) ? undefined : instance,
          explain: (need, wanted) => dataPlane.explain(need, wanted),
          listingCosts: () => dataPlane.listingCosts(),
          fallbacksOf: (name) => state.current.upstreams.get(name)?.config.fallback ?? [],
          failuresOf: (name) => dataPlane.supervisor.get(name)?.failureRun.now,
        })
      : undefined;
  if (learning !== undefined) worker?.hear(learning.answer);
  const ledLearning =
    config.learning.enabled && worker?.isLeader === false
      ? (await import('./learning/led-learning.ts')).createLedLearning({ ...pathOfLearning, exchange: (said) => worker.tellLeader(said) })
      : undefined;
  const learned = learning ?? ledLearning;
  // Figures are for what learning decides and shows; without it nobody asks for them.
  const tokens =
    learning && (await (await import('./learning/token-figures.ts')).createCountedTokens({ documents: ownDocuments, clock, logger }));
  const seen = createSeen({
    config,
    state,
    store,
    recent: worker?.record(journal) ?? journal,
    status: () => status,
    cache: cachePart,
    more: learned === undefined ? [] : [learned.reader],
    writer: { instance, slot: worker?.setup.slot ?? 0 },
    others: worker?.metrics,
    info,
    environment,
    clock,
    logger,
  });
  if (worker?.isLeader === false) worker.hear(createMonitorAnswer(seen.monitor));
  change = async (record) => seen.audit?.change(record);
  for (const record of early)
    change(record).catch((error: unknown) => logger.error('Cannot keep a change in the audit', { error: toMessage(error) }));
  const guard = createChildGuard({ clock });
  const open = createOpen({
    client: info,
    environment,
    guard,
    loadModule: createModuleLoader(configPath, logger),
    maxMessageBytes: config.limits.maxResultBytes,
    clock,
    logger,
  });
  const cache = createMemoryCache<ResultOutcome>({ maxBytes: TASK_BYTES, clock });
  const keyLog = createKeyLog(config.limits.idempotency, options);
  const dataPlane = await createDataPlane({
    state,
    documents,
    lead: worker?.lead,
    cache,
    answers,
    identityOf: createIdentityOf({ key, environment }),
    keyLog,
    journal: seen.journal,
    advice: learned?.advice,
    embedder,
    tokens,
    sampleRatio: seen.sampleRatio,
    open,
    seal,
    clock,
    logger,
    info,
    isRegExpLinear: true,
  });

  let server: HttpServer | undefined;
  let address: string | undefined;
  const ownStatus: Status = { ...dataPlane.status, sessions: () => server?.sessions() ?? { open: 0, streams: 0 } };
  const status = worker?.join(ownStatus) ?? ownStatus;
  let admin: LazyAdmin = AWAY_ADMIN;
  let closing: Promise<void> | undefined;

  const close = async (graceMs: number, delayMs: number): Promise<void> => {
    seen.health.isDraining = true;
    await wanted.close();
    if (server !== undefined && delayMs > 0) await new Promise((resolve) => clock.after(delayMs, () => resolve(undefined)));
    admin.close();
    await worker?.lastConnection;
    await server?.close(graceMs);
    await ledLearning?.close();
    worker?.close();
    await dataPlane.close();
    await embedder?.close();
    await guard.close();
    await answers.close();
    await learning?.close();
    await tokens?.close();
    await seen.close();
    await keyLog?.close();
    await store.close();
    if (dataDir !== undefined) await removeRuntimeFile(dataDir, process.pid);
  };

  const gateway: Gateway = {
    state,
    status,
    handler: dataPlane.handler,
    server: (name) => dataPlane.server(name),
    seal,
    info,
    start: () => dataPlane.start(),
    listen: async () => {
      const { listen, limits, sessions } = config;
      const host = options.host ?? listen.host;
      const token = listen.token === undefined ? undefined : environment[listen.token.env];
      if (listen.token !== undefined && !token) {
        throw new GatewayError(
          'INVALID_CONFIG',
          `Cannot listen: the token is to come from environment variable "${listen.token.env}", which is not set`,
        );
      }
      const adminToken = worker?.setup.adminToken ?? randomBytes(32).toString('base64url');
      if (recorded !== undefined)
        admin = createLazyAdmin({
          state: recorded,
          store,
          status,
          journal,
          ...(seen.audit && { audit: seen.audit }),
          monitor: createJointMonitor(seen.monitor, worker && { count: worker.setup.slots, ask: worker.ask }),
          caches: cachePart,
          storage: toStoragePart(storage, { dataDir, clock }),
          ...(learning && { learning: learning.part }),
          environment,
          ...(worker !== undefined && { pid: worker.setup.pid }),
          token: adminToken,
          version: info.version,
          address: () => address,
          startedAtMs,
          logger,
          clock,
        });
      const own = seen.route(token, admin.route);
      const routes = worker?.route(own) ?? own;
      server = createHttpServer({
        handler: dataPlane.handler,
        more: dataPlane.servers,
        seal,
        inputMs: sessions.inputSeconds * 1000,
        host,
        port: options.port ?? listen.port,
        guard: { ...(token && { token }), allowedHosts: listen.allowedHosts, allowedOrigins: listen.allowedOrigins },
        limits: { maxMessageBytes: limits.maxMessageBytes, maxDepth: limits.maxDepth },
        sessions,
        legacySse: listen.legacySse,
        takesTraceHeaders: seen.sampleRatio !== undefined,
        routes: (request, response) => seen.health.route(request, response) || routes(request, response),
        ...(worker !== undefined && { homes: worker.homes }),
        clock,
        logger,
      });
      const { url } = await server.listen();
      address = url;
      seen.health.isListening = true;
      dataPlane.start();
      if (worker !== undefined)
        await worker.open(server, {
          url,
          status,
          measure: seen.measure,
          listChanged: (upstream, method) => dataPlane.supervisor.listChanged(upstream, method),
        });
      else if (dataDir !== undefined) {
        const adminUrl = new URL('/', url).href;
        await writeRuntimeFile(dataDir, {
          pid: process.pid,
          url,
          adminUrl,
          token: adminToken,
          startedAt: new Date(clock.now()).toISOString(),
          configPath,
        });
      }
      return { url };
    },
    settled: (waitMs) => waitUntilSettled(gateway, dataPlane.supervisor, waitMs),
    close: (graceMs = config.listen.drain.graceSeconds * 1000, delayMs = 0) => (closing ??= close(graceMs, delayMs)),
  };
  return gateway;
}

async function openStorageOf({ configPath, dataDir, environment, logger }: GatewayOptions): Promise<Storage> {
  const { storage: config } = await loadConfig(configPath);
  const clock = systemClock;
  const open = () => openStorage({ config, configPath, dataDir, environment, logger, clock });
  return awaitStore(open, { waitMs: config.startupSeconds * 1000, clock, logger });
}

function createKeyLog({ durable, ttlSeconds }: IdempotencyConfig, { dataDir, logger }: GatewayOptions): FileLines | undefined {
  if (!durable) return undefined;
  if (dataDir !== undefined)
    return createFileLines({ folder: dataDir, name: 'idempotency', pid: process.pid, keepMs: ttlSeconds * 1000, logger });
  logger.warn('idempotency keys will not outlive this process: "limits.idempotency.durable" needs a data folder');
  return undefined;
}

function waitUntilSettled(gateway: Gateway, supervisor: { watchStates(listener: () => void): () => void }, waitMs: number): Promise<void> {
  const isSettled = () =>
    gateway.status.upstreams().every(({ state }) => state === 'ready' || state === 'failed' || state === 'degraded' || state === 'stopped');
  if (isSettled()) return Promise.resolve();
  return new Promise((resolve) => {
    const finish = () => {
      stop();
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(finish, waitMs);
    const stop = supervisor.watchStates(() => {
      if (isSettled()) finish();
    });
  });
}

function readInfo(): Implementation {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
  return { name: 'signalbox', title: 'Signalbox', version: manifest.version };
}
